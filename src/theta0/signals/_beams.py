"""How a scanner's rays run: parallel, or a fan from a source that circles the slice.

A ray is the line at the signed offset ``s`` from the centre of the unit square, running at the
angle ``phi``: ``x(t) = (0.5, 0.5) + s (-sin phi, cos phi) + t (cos phi, sin phi)``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from theta0.data.ct import fan_rays, parallel_rays
from theta0.errors import InputError
from theta0.forward import Segments

BeamName = Literal["parallel", "fan"]


def parallel_beam(
    angles_rad: Float[np.ndarray, " views"],
    rays: int,
    chord: bool,
    spacing: int | float | None = None,
    axis: int | float | None = None,
) -> Segments:
    """Parallel rays through the unit square's centre disc, view after view.

    At angle 0 rays run along the rows' axis (downwards) and the detector along the columns, as in
    ``skimage.transform.radon``, whose angles turn the same way. Detector pixel k of ``rays`` sits
    at ``s = (k - axis) spacing`` from the centre.

    Args:
        angles_rad: view angles.
        rays: rays per view.
        chord: cut rays to the inscribed disc; otherwise they are one unit long.
        spacing: between detector pixels, in units of the square's side; 1 / rays when left out,
            so that the detector is as long as the side.
        axis: where the centre falls on the detector, counted in pixels from that of number 0; the
            middle, (rays - 1) / 2, when left out.

    Returns:
        ``views * rays`` segments, float32; those beside the disc have no length if ``chord``.
    """
    return _cut(*parallel_rays(angles_rad, rays, spacing, axis), chord)


def fan_beam(
    angles_rad: Float[np.ndarray, " views"],
    rays: int,
    chord: bool,
    source_distance: int | float,
    spacing: int | float | None = None,
    axis: int | float | None = None,
) -> Segments:
    """A fan of rays from a source on a circle around the square's centre, view after view.

    The detector is equiangular, an arc about the source as in clinical scanners: pixel k is hit by
    the ray at ``gamma = (k - axis) spacing / source_distance`` from the central one,
    which at angle ``theta`` is the central parallel ray. It is the parallel ray at the angle
    ``theta + gamma`` and the offset ``source_distance sin gamma``.

    Args:
        angles_rad: of the central rays; the source is at ``source_distance`` against them.
        rays: rays per view.
        chord: cut rays to the inscribed disc; otherwise they are one unit long.
        source_distance: of the source from the centre, in units of the square's side.
        spacing: between detector pixels, measured on the arc through the centre, in units of the
            square's side; so that the fan just covers the inscribed disc when left out.
        axis: where the central ray meets the detector, counted in pixels from that of number 0;
            the middle, (rays - 1) / 2, when left out.

    Returns:
        ``views * rays`` segments, float32; those beside the disc have no length if ``chord``.
    """
    return _cut(*fan_rays(angles_rad, rays, source_distance, spacing, axis), chord)


@dataclass(frozen=True)
class Beam:
    """One of the beams, with its settings."""

    name: BeamName = "parallel"
    source_distance: float = 2.0
    """of a fan beam"""

    def __post_init__(self):
        # The square's corners are 0.71 from its centre: no ray may begin inside.
        if self.name == "fan" and not np.sqrt(0.5) <= self.source_distance < np.inf:
            raise InputError(
                f"source_distance is {self.source_distance}; give at least 0.71 of the slice's "
                "side, so that the source is outside the slice"
            )

    @property
    def turn_rad(self) -> float:
        """The turn after which views repeat: parallel rays are the same from both ends."""
        return np.pi if self.name == "parallel" else 2 * np.pi

    def segments(
        self,
        angles_rad: Float[np.ndarray, " views"],
        rays: int,
        chord: bool,
        spacing: int | float | None = None,
        axis: int | float | None = None,
    ) -> Segments:
        """The rays of every view; see :func:`parallel_beam` and :func:`fan_beam`."""
        if self.name == "parallel":
            return parallel_beam(angles_rad, rays, chord, spacing, axis)
        return fan_beam(angles_rad, rays, chord, self.source_distance, spacing, axis)


def _cut(
    phi_rad: Float[np.ndarray, "views #rays"], offset: Float[np.ndarray, "1 rays"], chord: bool
) -> Segments:
    """The part of every ray that is measured, from its middle to both sides."""
    half = np.sqrt(np.maximum(0.25 - offset**2, 0)) if chord else np.full_like(offset, 0.5)
    cos, sin = np.cos(phi_rad), np.sin(phi_rad)
    across = np.stack([-sin, cos], axis=-1)
    along = np.stack([cos, sin], axis=-1)
    middle = 0.5 + offset[..., None] * across
    reach = half[..., None] * along
    flat = lambda points: points.reshape(-1, 2).astype(np.float32)
    return Segments(flat(middle - reach), flat(middle + reach))
