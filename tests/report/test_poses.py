"""Frustums have the position and orientation of their cameras."""

import io

import numpy as np
from PIL import Image

from theta0.data.cameras import Camera, orbit, project
from theta0.report.poses import frustum, poses_picture


def camera(azimuth=-90, distance=3.0):
    return Camera(40, 30, 50.0, 52.0, 18.0, 16.0, orbit(azimuth, 10, distance))


def test_frustum_corners_project_to_image_corners():
    one = camera()
    line = frustum(one, 0.5)
    seen = project(line, one)
    corners = np.array([[0, 0], [40, 0], [40, 30], [0, 30]])
    np.testing.assert_allclose(seen.pixel[:4], corners, atol=1e-9)
    np.testing.assert_allclose(seen.depth[:4], 0.5)
    # Each corner is connected to its neighbours and to the camera centre.
    eye = np.isclose(seen.depth, 0)
    steps = {frozenset({a, b}) for a, b in zip(names(line), names(line)[1:], strict=False)}
    assert eye.sum() == 2 and len(steps) == 8 and all(len(step) == 2 for step in steps)


def names(line):
    return ["/".join(f"{value:.6f}" for value in point) for point in line]


def test_points_keep_their_colours_and_cameras_are_drawn_on_their_side():
    rng = np.random.default_rng(0)
    xyz = rng.uniform(-0.5, 0.5, (500, 3))
    xyz[0] = [0, 1e6, 0]  # far away, left out
    rgb = np.tile(np.array([[0, 120, 255]], np.uint8), (500, 1))
    image = Image.open(io.BytesIO(poses_picture(xyz, rgb, [camera(), camera(-60)], "a $place$")))
    pixels = np.asarray(image.convert("RGB")).astype(int)
    blue = (np.abs(pixels - [0, 120, 255]).sum(-1) < 60).nonzero()
    red = (np.abs(pixels - [217, 48, 37]).sum(-1) < 60).nonzero()
    left = pixels.shape[1] // 2
    # From above (left half): +y is up, and the cameras are at negative y.
    assert blue[0][blue[1] < left].max() < red[0][red[1] < left].min()
    # From the side (right half): +y is to the right.
    assert red[1][red[1] > left].max() < blue[1][blue[1] > left].min()
    assert len(blue[0]) > 500 and len(red[0]) > 200
