"""Scenes are normalized to stand upright in the unit sphere, whatever their coordinates."""

import numpy as np
import pytest

from theta0.data.cameras import Camera, look_at, orbit, project
from theta0.data.photos import Similarity
from theta0.data.photos._similarity import from_points, up_direction
from theta0.errors import InputError


def normalised(xyz, poses) -> Similarity:
    return from_points([Camera(8, 8, 8.0, 8.0, 4.0, 4.0, pose) for pose in poses], xyz)


def rotation(rng) -> np.ndarray:
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return q * np.linalg.det(q)


def similarity(rng) -> Similarity:
    return Similarity(float(rng.uniform(0.1, 9)), rotation(rng), rng.standard_normal(3))


def make_scene(rng, cameras=7, points=400):
    """Points around the origin, and cameras south of it at different heights that look at it."""
    xyz = rng.standard_normal((points, 3)) * [1.0, 0.6, 0.4]
    eyes = np.stack(
        [rng.uniform(-3, 3, cameras), rng.uniform(-6, -4, cameras), rng.uniform(-1, 1, cameras)], 1
    )
    return xyz, np.stack([look_at(eye, rng.uniform(-0.5, 0.5, 3)) for eye in eyes])


def rolled(pose, degrees):
    """A camera turned about its viewing axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.concatenate([pose[:, :3] @ [[c, -s, 0], [s, c, 0], [0, 0, 1]], pose[:, 3:]], axis=1)


def degrees_from_z(up) -> float:
    return float(np.rad2deg(np.arccos(np.clip(up[2], -1, 1))))


@pytest.mark.parametrize("seed", range(5))
def test_the_coordinates_of_the_files_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    xyz, poses = make_scene(rng)
    first = normalised(xyz, poses)
    moved = similarity(rng)
    other_xyz, other_poses = moved.points(xyz), np.stack([moved.pose(pose) for pose in poses])
    second = normalised(other_xyz, other_poses)
    np.testing.assert_allclose(second.points(other_xyz), first.points(xyz), rtol=0, atol=1e-9)
    for pose, other in zip(poses, other_poses, strict=True):
        np.testing.assert_allclose(second.pose(other), first.pose(pose), rtol=0, atol=1e-9)


def test_a_scene_is_where_the_module_says():
    rng = np.random.default_rng(3)
    xyz, poses = make_scene(rng)
    found = normalised(xyz, poses)
    new, cameras = found.points(xyz), [found.pose(pose) for pose in poses]
    np.testing.assert_allclose(np.median(new, axis=0), 0, atol=1e-12)
    radii = np.linalg.norm(new, axis=1)
    assert np.percentile(radii, 95) == pytest.approx(1)
    ahead = -np.sum([pose[:, 2] for pose in cameras], axis=0)
    assert ahead[0] == pytest.approx(0, abs=1e-9) and ahead[1] > 0
    assert np.linalg.det(found.rotation) == pytest.approx(1)
    # The x axes of these cameras are all horizontal; their pitch has a small effect.
    assert degrees_from_z(found.rotation @ [0, 0, 1]) < 0.3


def test_a_camera_sees_the_same_in_the_new_world():
    rng = np.random.default_rng(4)
    xyz, poses = make_scene(rng)
    found = normalised(xyz, poses)
    for pose in poses:
        old = Camera(64, 48, 50.0, 52.0, 30.0, 25.0, pose)
        new = Camera(64, 48, 50.0, 52.0, 30.0, 25.0, found.pose(pose))
        expected, seen = project(xyz, old), project(found.points(xyz), new)
        np.testing.assert_allclose(seen.pixel, expected.pixel, rtol=1e-9, atol=1e-7)
        np.testing.assert_allclose(seen.depth, found.scale * expected.depth, rtol=1e-9, atol=1e-9)


def test_looking_up_at_a_tower_does_not_tilt_it():
    # All look up by 35 degrees, from south to east; the mean of their y axes leans by 25.
    poses = np.stack([orbit(azimuth, -35, 5) for azimuth in (-120, -90, -60, -30, 0)])
    assert degrees_from_z(poses[:, :, 1].mean(0) / np.linalg.norm(poses[:, :, 1].mean(0))) > 20
    assert degrees_from_z(up_direction(poses)) < 1


def test_photos_held_upright_and_never_turned_are_outvoted():
    level = [orbit(azimuth, 5, 5) for azimuth in (-130, -110, -90, -70, -50)]
    poses = np.stack([*level, rolled(orbit(-100, 5, 5), 90), rolled(orbit(-80, 5, 5), 90)])
    assert degrees_from_z(up_direction(poses)) < 2


def test_hands_that_shake_are_averaged():
    rng = np.random.default_rng(5)
    poses = np.stack(
        [rolled(orbit(rng.uniform(0, 360), 10, 5), rng.normal(0, 3)) for _ in range(100)]
    )
    # 3 degrees over the root of 50: each camera determines one of two directions.
    assert degrees_from_z(up_direction(poses)) < 1.2


def test_cameras_that_look_in_one_direction_are_taken_to_be_level():
    poses = np.stack([np.concatenate([np.eye(3), [[x], [0], [0]]], axis=1) for x in range(3)])
    np.testing.assert_allclose(up_direction(poses), [0, 1, 0], atol=1e-12)


def test_cameras_all_around_still_have_a_world():
    rng = np.random.default_rng(6)
    poses = np.stack([orbit(azimuth, 0, 5) for azimuth in (0, 90, 180, 270)])
    found = normalised(rng.standard_normal((50, 3)), poses)
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.rotation[2], [0, 0, 1], atol=1e-9)


def test_distant_points_do_not_shrink_the_scene():
    rng = np.random.default_rng(7)
    xyz, poses = make_scene(rng)
    far = xyz.copy()
    far[:12] += [0, 500, 0]
    one, two = normalised(xyz, poses), normalised(far, poses)
    assert two.scale == pytest.approx(one.scale, rel=0.2)


def test_a_scene_needs_an_extent():
    with pytest.raises(InputError, match="all points of the scene are equal"):
        normalised(np.ones((4, 3)), np.eye(4)[None, :3])
