"""Random viewpoints around an object."""

import numpy as np

from theta0.data.cameras import Camera, Number, orbit


def random_cameras(
    rng: np.random.Generator,
    views: int,
    size: int,
    distance: Number,
    fov_deg: Number,
    hemisphere: bool = False,
) -> tuple[Camera, ...]:
    """Draw cameras uniformly on a sphere, or on its upper half, that look at its centre.

    Args:
        rng: Two numbers are drawn for each view, in order.
        views: Number of cameras.
        size: Side of the pictures, in pixels.
        distance: Radius of the sphere.
        fov_deg: Field of view of the pictures.
        hemisphere: Use the upper half only.
    """
    lowest = 0 if hemisphere else -1
    azimuth_deg, height = rng.uniform([0, lowest], [360, 1], (views, 2)).T
    pairs = zip(azimuth_deg, np.rad2deg(np.arcsin(height)), strict=True)
    return tuple(
        Camera.from_fov(orbit(float(azimuth), float(elevation), distance), size, size, fov_deg)
        for azimuth, elevation in pairs
    )
