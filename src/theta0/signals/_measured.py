"""A measured sinogram as a task: its rays are fitted, and judged where the truth is known."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from theta0.data.ct import Sinogram, resize_slices
from theta0.errors import InputError
from theta0.forward import Observation, Segments

from ._base import Task
from ._beams import Beam
from ._grid import pixel_coordinates

_ASTRAY = 0.2
"""Share of all that was read that rays beside the slice may have: they see air, and noise."""

_SHORTEST = 0.02
"""A ray of which less lies in the disc passes beside it."""


def measured_task(
    sinogram: Sinogram,
    source: str,
    size: int,
    chord: bool,
    measure: Literal["mean", "sum"],
    pixel_offset: float,
    views: int | None,
) -> tuple[Task, int]:
    """A sinogram as the task that an initialization for CT fits.

    Rays beside the disc inscribed in the slice are left out.

    Args:
        sinogram: what was measured.
        source: where it comes from, for messages.
        size: pixels per side of the slice.
        chord: cut rays to the disc; otherwise they are one side long.
        measure: what the initialization predicts: the integral along the ray, or its mean.
        pixel_offset: where in its pixel a sample of the slice lies.
        views: fit only so many of the views, evenly spaced in their order; all of them when left
            out.

    Returns:
        The task, and the pixels per side at which the slice is shown: as many as the truth has, or
        detector pixels.

    Raises:
        InputError: there are fewer views, or the rays miss the slice.
    """
    total, detectors = sinogram.values.shape
    count = total if views is None else views
    if not 1 <= count <= total:
        raise InputError(
            f"{source}: views={count}, but the sinogram has {total}; give 1 to {total}"
        )
    chosen = np.arange(count) * total // count
    support = _rays(source, sinogram, chosen, chord, measure)
    points = pixel_coordinates(size, size, pixel_offset)
    # No columns: nothing is known of the slice but its measurements.
    truth, side = np.empty((len(points), 0), np.float32), detectors
    if sinogram.target is not None:
        truth = resize_slices(sinogram.target[None], size).reshape(-1, 1)
        side = max(sinogram.target.shape)
    return Task(support, Observation(points, truth)), side


def _rays(
    source: str,
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
            f"{source}: {named}, with which {(~meets).sum()} of {len(meets)} rays pass beside the "
            "slice, where there is nothing to read; give detector_spacing in units of the slice's "
            "side, axis in detector pixels"
        )
    p = Segments(full.start[meets], full.end[meets])
    y = values[meets] / (_length(p) if measure == "mean" else 1)
    return Observation(p, np.asarray(y, np.float32)[:, None])


def _length(segments: Segments) -> Float[np.ndarray, " n"]:
    return np.linalg.norm(np.asarray(segments.end) - np.asarray(segments.start), axis=1)
