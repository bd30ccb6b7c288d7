"""Whether a target is the slice that a sinogram was measured of: its projections must be alike.

Noise and the pixels of the target add to every difference, so it is judged beside those of other
slices: the target turned or mirrored, and a plain disc.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data.ct._slices import resize_slices
from theta0.errors import implausible, note

_MOST_VIEWS, _MOST_PIXELS = 32, 64
"""Views, and pixels of the detector and of a side of the target, that are compared."""

_STEPS = 128
"""Samples of the slice along a ray."""

_SCALE = 3.0
"""A target may be brighter or darker than was measured by this factor: values are windowed."""

_CLEAR = 0.02
"""Share of the sinogram's power in a difference that may be due to noise or pixels."""


_LIKE = 0.03
"""Share of the power in a difference, beside noise, from which a target may be another slice."""

_FEWEST = 64
"""Rays with less than which noise decides what a difference is like."""


def check_target(
    source: str | Path,
    target: Float[np.ndarray, "size size"],
    values: Float[np.ndarray, "views detectors"],
    phi_rad: Float[np.ndarray, "views detectors"],
    offset: Float[np.ndarray, " detectors"],
) -> None:
    """Refuse a target that is empty, of another brightness, turned, mirrored or of something else.

    Of a target that is no better when it is turned, but differs by more than noise, it is noted.

    Args:
        source: Of the sinogram, for messages.
        target: The slice, in [0, 1].
        values: The sinogram.
        phi_rad: Direction of each ray; at 0 it runs down the rows.
        offset: Of the rays from the centre, in sides of the slice, towards higher columns at 0.

    Raises:
        InputError: It hardly belongs to the sinogram, and is not trusted.
    """
    views, detectors = (
        np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
        for count, most in zip(values.shape, (_MOST_VIEWS, _MOST_PIXELS), strict=True)
    )
    read = values[np.ix_(views, detectors)]
    rays = phi_rad[np.ix_(views, detectors)], offset[detectors]
    small = resize_slices(target[None], min(len(target), _MOST_PIXELS))[0]
    projected = _projected(small, *rays)
    scale, left = _fit(projected, read)
    fault = None
    if not 1 / _SCALE <= scale <= _SCALE:
        fault = "is empty along the rays" if scale == 0 else f"projects to {1 / scale:.2g} times it"
    elif left > _CLEAR and read.size >= _FEWEST:
        others = {
            name: _fit(_projected(other, *rays), read)[1] for name, other in _others(small).items()
        }
        name = min(others, key=lambda name: others[name])
        if others[name] < 0.5 * left:
            fault = f"differs from it by {left**0.5:.0%}, {name} by only {others[name] ** 0.5:.0%}"
        elif left - _noise(read - scale * projected, read) > _LIKE:
            note(
                f"{source}: target differs by {left**0.5:.0%} from what was measured: if that is "
                "not noise, it is another slice, or the angles or the geometry are others"
            )
    if fault:
        implausible(
            f"{source}: target does not fit the sinogram: it {fault}; give the slice that was "
            "measured, its rows downwards, and check the angles and the geometry"
        )


def _others(target: Float[np.ndarray, "size size"]) -> dict[str, Float[np.ndarray, "size size"]]:
    """What a target may be confused with, and what is not even like it."""
    at = (np.arange(len(target)) + 0.5) / len(target) - 0.5
    return {
        "turned by 90 degrees": np.rot90(target),
        "turned by 180 degrees": np.rot90(target, 2),
        "turned by 270 degrees": np.rot90(target, 3),
        "upside down": target[::-1],
        "mirrored": target[:, ::-1],
        "transposed": target.T,
        "transposed and turned by 180 degrees": np.rot90(target, 2).T,
        "a plain disc": (at**2 + at[:, None] ** 2 <= 0.25).astype(np.float32),
    }


def _projected(
    target: Float[np.ndarray, "size size"],
    phi_rad: Float[np.ndarray, "views rays"],
    offset: Float[np.ndarray, " rays"],
) -> Float[np.ndarray, "views rays"]:
    """Line integrals of a slice of piecewise constant pixels, in units of its side."""
    size, reach = len(target), np.sqrt(0.5)
    steps = ((np.arange(_STEPS) + 0.5) / _STEPS * 2 - 1) * reach
    cos, sin = np.cos(phi_rad)[..., None], np.sin(phi_rad)[..., None]
    row = np.floor((0.5 - offset[:, None] * sin + steps * cos) * size).astype(int)
    column = np.floor((0.5 + offset[:, None] * cos + steps * sin) * size).astype(int)
    padded = np.pad(target, 1)  # of air, where all that is outside is looked up
    found = padded[np.clip(row + 1, 0, size + 1), np.clip(column + 1, 0, size + 1)]
    return found.mean(axis=-1, dtype=np.float64) * 2 * reach


def _fit(
    projected: Float[np.ndarray, "views rays"], read: Float[np.ndarray, "views rays"]
) -> tuple[float, float]:
    """The factor by which projections are nearest to what was read, and what share is left."""
    power = float((projected**2).sum())
    scale = max(0.0, float((projected * read).sum())) / power if power else 0.0
    return scale, float(((read - scale * projected) ** 2).sum() / ((read**2).sum() or 1))


def _noise(left: Float[np.ndarray, "views rays"], read: Float[np.ndarray, "views rays"]) -> float:
    """The share of noise in the power of what was read: what is left differs from ray to ray.

    The second difference of independent noise has six times its variance.
    """
    if left.shape[1] < 3:
        return float((left**2).sum() / ((read**2).sum() or 1))
    return float((np.diff(left, 2, axis=1) ** 2).mean() / 6 / ((read**2).mean() or 1))
