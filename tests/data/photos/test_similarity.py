"""Normalization of coordinates: projections are unchanged, and the result does not depend on those
of the file."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from theta0.data.cameras import Camera, look_at, orbit, project
from theta0.data.photos import Similarity
from theta0.data.photos._similarity import from_cameras, from_points
from theta0.errors import InputError

from ..photo_files import make_scene


def moved(camera, similarity):
    return replace(camera, c2w=similarity.pose(camera.c2w))


@pytest.fixture
def any_similarity():
    rng = np.random.default_rng(5)
    return Similarity(2.3, Rotation.random(rng=rng).as_matrix(), rng.normal(size=3))


def test_projections_are_unchanged_and_depths_scale(any_similarity):
    scene = make_scene()
    for camera in scene.cameras:
        before = project(scene.points, camera)
        after = project(any_similarity.points(scene.points), moved(camera, any_similarity))
        np.testing.assert_allclose(after.pixel, before.pixel, rtol=0, atol=1e-9)
        np.testing.assert_allclose(after.depth, 2.3 * before.depth, rtol=1e-12)


def test_the_inverse_takes_back(any_similarity):
    points = np.random.default_rng(0).normal(size=(4, 3))
    there = any_similarity.points(points)
    np.testing.assert_allclose(any_similarity.inverse.points(there), points, atol=1e-14)
    pose = orbit(30, 20, 2)
    back = any_similarity.inverse.pose(any_similarity.pose(pose))
    np.testing.assert_allclose(back, pose, atol=1e-14)
    identity = Similarity.identity()
    np.testing.assert_array_equal(identity.pose(pose), pose)


@pytest.mark.parametrize("known", ["points", "cameras"])
def test_the_world_of_the_file_has_no_say(any_similarity, known):
    scene = make_scene()
    other = [moved(camera, any_similarity) for camera in scene.cameras]
    if known == "points":
        one = from_points(scene.cameras, scene.points)
        two = from_points(other, any_similarity.points(scene.points))
    else:
        nothing = [None] * len(other)
        one, two = from_cameras(scene.cameras, nothing), from_cameras(other, nothing)
    for camera, same in zip(scene.cameras, other, strict=True):
        np.testing.assert_allclose(one.pose(camera.c2w), two.pose(same.c2w), atol=1e-10)


def test_points_are_put_into_the_unit_sphere():
    scene = make_scene(points=400)
    world = from_points(scene.cameras, scene.points)
    points = world.points(scene.points)
    np.testing.assert_allclose(np.median(points, axis=0), 0, atol=1e-12)
    assert (np.linalg.norm(points, axis=1) <= 1).mean() == 0.95
    cameras = [moved(camera, world) for camera in scene.cameras]
    up = np.mean([camera.c2w[:, 1] for camera in cameras], axis=0)
    # Determined by the x axes more than by the y axes, as cameras look a little up or down.
    np.testing.assert_allclose(up / np.linalg.norm(up), [0, 0, 1], atol=0.2)
    back = np.mean([camera.c2w[:, 2] for camera in cameras], axis=0)
    assert back[1] < -0.5 and abs(back[0]) < 1e-12  # photographed from -y


def test_a_far_point_moves_nothing_much():
    scene = make_scene(points=400)
    before = from_points(scene.cameras, scene.points)
    far = np.concatenate([scene.points, scene.points[:4] + 1e6])
    after = from_points(scene.cameras, far)
    # With one point more in a hundred, percentile and median move to neighbouring points.
    assert after.scale == pytest.approx(before.scale, rel=0.1)
    assert np.abs(after.points(scene.points) - before.points(scene.points)).max() < 0.2


def test_without_points_the_axes_meet_in_the_origin():
    """Cameras on a ring of radius 6 around (1, 2, 3), aslant: the closed form."""
    middle = np.array([1.0, 2.0, 3.0])
    cameras = []
    for azimuth in (-40, -10, 20, 50):
        pose = orbit(azimuth, 0, 6, middle)
        cameras.append(Camera(80, 20, 50.0, 50.0, 40.0, 10.0, pose))
    world = from_cameras(cameras, [None] * 4)
    np.testing.assert_allclose(world.points(middle), 0, atol=1e-12)
    # The side of a square as large as the picture is 40 pixels.
    assert 1 / world.scale == pytest.approx(6 * 20 / 50)
    position = world.points(cameras[0].position)
    np.testing.assert_allclose(np.linalg.norm(position), 6 * world.scale)
    # The cameras' mean direction is azimuth 5, which becomes -90.
    assert np.rad2deg(np.arctan2(position[1], position[0])) == pytest.approx(-135)


def test_parallel_axes_need_depths():
    cameras = [
        Camera(40, 30, 40.0, 40.0, 20.0, 15.0, look_at((8, side, 0), (0, side, 0)))
        for side in (-1.0, 0.0, 1.0)
    ]
    with pytest.raises(InputError, match=r"do not look at one point.*give near and far"):
        from_cameras(cameras, [(1.0, 4.0), None, None])
    world = from_cameras(cameras, [(1.0, 4.0)] * 3)
    np.testing.assert_allclose(world.points(np.array([6.0, 0.0, 0.0])), 0, atol=1e-12)
    apart = [replace(camera, c2w=look_at(camera.position, 2 * camera.position)) for camera in (
        Camera(40, 30, 40.0, 40.0, 20.0, 15.0, orbit(angle, 0, 1)) for angle in (0, 90, 180, 270)
    )]  # fmt: skip
    with pytest.raises(InputError, match="do not look at one point"):
        from_cameras(apart, [None] * 4)


def test_equal_points_are_refused():
    with pytest.raises(InputError, match="all points of the scene are equal"):
        from_points(make_scene().cameras, np.ones((5, 3)))
