"""Scans by the parallel beam of the tasks, of pixel slices and of anything with line integrals."""

import numpy as np
import pytest

from theta0.classic import Scan, system_matrix
from theta0.tasks import parallel_beam


@pytest.fixture(scope="session")
def scanned():
    """(pixels or phantom, views, size, rays) -> Scan; pixels by the system matrix itself."""

    def make(source, views, size, rays=None, chord=True):
        rays = rays or size
        beam = parallel_beam(np.linspace(0, np.pi, views, endpoint=False), rays, chord)
        if isinstance(source, np.ndarray):
            integrals = system_matrix(beam.start, beam.end, size) @ source.ravel()
        else:
            integrals = source.line_integrals(beam.start, beam.end)
        ends = (np.asarray(e, np.float64).reshape(views, rays, 2) for e in (beam.start, beam.end))
        return Scan(*ends, integrals.reshape(views, rays), size)

    return make
