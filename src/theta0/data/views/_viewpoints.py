"""Where random views of an object are taken from."""

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
    """Cameras spread evenly over a sphere, or its upper half, that look at its centre.

    Args:
        rng: two numbers are drawn for each view, in their order.
        views: number of cameras.
        size: side of the pictures, in pixels.
        distance: radius of the sphere.
        fov_deg: angle between a picture's left and right edge.
        hemisphere: look from above only.
    """
    lowest = 0 if hemisphere else -1
    azimuth_deg, height = rng.uniform([0, lowest], [360, 1], (views, 2)).T
    pairs = zip(azimuth_deg, np.rad2deg(np.arcsin(height)), strict=True)
    return tuple(
        Camera.from_fov(orbit(float(azimuth), float(elevation), distance), size, size, fov_deg)
        for azimuth, elevation in pairs
    )
