"""A measured sinogram as a signal: its rays are fitted, and judged where the truth is known."""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from theta0.data.ct import Sinogram, read_sinogram, resize_slices
from theta0.errors import InputError
from theta0.forward import Points, Segments

from ._base import Observation, Signal, Task
from ._beams import Beam
from ._grid import pixel_coordinates

_ASTRAY = 0.2
"""Share of all that was read that rays beside the slice may have: they see air, and noise."""

_SHORTEST = 0.02
"""A ray of which less lies in the disc passes beside it."""


def measured_signal(
    path: str | Path,
    size: int,
    chord: bool,
    measure: Literal["mean", "sum"],
    pixel_offset: float,
    views: int | None,
) -> Signal:
    """A sinogram file (see :mod:`theta0.data.sinograms`) as the signal a start for CT fits.

    Rays beside the disc inscribed in the slice are left out.

    Args:
        path: the file.
        size: pixels a side of the slice.
        chord: cut rays to the disc; otherwise they are one side long.
        measure: what the start predicts: the integral along the ray, or its mean.
        pixel_offset: where in its pixel a sample of the slice lies.
        views: fit only so many of the views, evenly spaced in the order of the file; all of them
            when left out.

    Raises:
        InputError: the file cannot be used, has fewer views, or its rays miss the slice.
    """
    sinogram = read_sinogram(path)
    total, detectors = sinogram.values.shape
    count = total if views is None else views
    if not 1 <= count <= total:
        raise InputError(f"{path}: views={count}, but the sinogram has {total}; give 1 to {total}")
    chosen = np.arange(count) * total // count
    support = _rays(path, sinogram, chosen, chord, measure)
    points = pixel_coordinates(size, size, pixel_offset)
    # No columns: nothing is known of the slice but its measurements.
    truth, side = np.empty((len(points), 0), np.float32), detectors
    if sinogram.target is not None:
        truth = resize_slices(sinogram.target[None], size).reshape(-1, 1)
        side = max(sinogram.target.shape)
    task = Task(support, Observation(points, truth))
    return Signal(task, Points(), size, side, pixel_offset, disc_only=chord)


def _rays(
    path: str | Path,
    sinogram: Sinogram,
    chosen: np.ndarray,
    chord: bool,
    measure: Literal["mean", "sum"],
) -> Observation:
    """What was read along the rays of the chosen views that meet the slice."""
    beam = Beam(sinogram.beam, sinogram.source_distance)
    geometry = sinogram.angles_rad[chosen], sinogram.values.shape[1]
    where = sinogram.spacing, sinogram.axis
    full, inside = (beam.segments(*geometry, cut, *where) for cut in (chord, True))
    values = sinogram.values[chosen].reshape(-1)
    meets = _length(inside) > _SHORTEST
    astray = np.abs(values[~meets]).sum() > _ASTRAY * np.abs(values).sum()
    given = {"detector_spacing": sinogram.spacing, "axis": sinogram.axis}
    given = {name: value for name, value in given.items() if value is not None}
    if given and (astray or not meets.any()):
        named = " and ".join(f"{name} is {value:g}" for name, value in given.items())
        raise InputError(
            f"{path}: {named}, with which {(~meets).sum()} of {len(meets)} rays pass beside the "
            "slice, where there is nothing to read; give detector_spacing in units of the slice's "
            "side, axis in detector pixels"
        )
    p = Segments(full.start[meets], full.end[meets])
    y = values[meets] / (_length(p) if measure == "mean" else 1)
    return Observation(p, np.asarray(y, np.float32)[:, None])


def _length(segments: Segments) -> Float[np.ndarray, " n"]:
    return np.linalg.norm(np.asarray(segments.end) - np.asarray(segments.start), axis=1)
