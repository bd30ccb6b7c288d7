"""Scans by the parallel beam of the tasks, of pixel slices and of anything with line integrals."""

import numpy as np
import pytest

from theta0.classic import Scan, system_matrix
from theta0.signals import parallel_beam


@pytest.fixture(scope="session")
def scanned():
    """(pixels or phantom, views, size, rays) -> Scan; pixels by the system matrix itself."""

    def make(source, views, size, rays=None, chord=True):
        rays = rays or size
        beam = parallel_beam(np.linspace(0, np.pi, views, endpoint=False), rays, chord)
        start, end = np.asarray(beam.start), np.asarray(beam.end)
        if isinstance(source, np.ndarray):
            integrals = system_matrix(start, end, size) @ source.ravel()
        else:
            integrals = source.line_integrals(start, end)
        whole = lambda ends: ends.astype(np.float64).reshape(views, rays, 2)
        return Scan(whole(start), whole(end), integrals.reshape(views, rays), size)

    return make
