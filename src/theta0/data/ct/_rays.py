"""Where the rays of a scanner run: their directions, and their offsets from the centre.

They are lines through the unit square; `theta0.signals.Beam` says how they lie in it.
"""

import numpy as np
from jaxtyping import Float


def parallel_rays(
    angles_rad: Float[np.ndarray, " views"],
    rays: int,
    spacing: int | float | None = None,
    axis: int | float | None = None,
) -> tuple[Float[np.ndarray, "views 1"], Float[np.ndarray, "1 rays"]]:
    """Directions in radians and offsets in sides of the slice, of rays that are parallel.

    Args:
        angles_rad: View angles.
        rays: Detector pixels.
        spacing: Between them; 1 / rays when left out.
        axis: Where the centre falls on the detector, in pixels; its middle when left out.
    """
    spacing = 1 / rays if spacing is None else spacing
    return angles_rad[:, None], _pixels(rays, axis) * spacing


def fan_rays(
    angles_rad: Float[np.ndarray, " views"],
    rays: int,
    source_distance: int | float,
    spacing: int | float | None = None,
    axis: int | float | None = None,
) -> tuple[Float[np.ndarray, "views rays"], Float[np.ndarray, "1 rays"]]:
    """The same of a fan: the ray at `gamma` from the central one, which is at the view's angle.

    Args:
        angles_rad: Of the central rays.
        rays: Detector pixels, on an arc about the source.
        source_distance: Of the source from the centre, in sides of the slice.
        spacing: Between the pixels, on the arc through the centre; so that the fan just covers the
            inscribed disc when left out.
        axis: As for `parallel_rays`.
    """
    step_rad = 2 * np.arcsin(min(1.0, 0.5 / source_distance)) / rays
    gamma_rad = _pixels(rays, axis) * (step_rad if spacing is None else spacing / source_distance)
    return angles_rad[:, None] + gamma_rad, source_distance * np.sin(gamma_rad)


def _pixels(rays: int, axis: int | float | None) -> Float[np.ndarray, "1 rays"]:
    """Numbers of the detector pixels, counted from where the centre falls."""
    return (np.arange(rays, dtype=np.float64) - ((rays - 1) / 2 if axis is None else axis))[None]
