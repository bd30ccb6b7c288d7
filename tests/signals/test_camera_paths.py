"""Camera paths close, look at their centre, and keep up upwards."""

import numpy as np
import pytest

from theta0.data.cameras import look_at
from theta0.errors import InputError
from theta0.signals import camera_paths

PATHS = {"orbit": camera_paths.orbit, "spiral": camera_paths.spiral}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("frames", [1, 2, 37])
def test_every_pose_is_a_rotation_that_looks_at_the_centre(name, frames):
    poses = PATHS[name](frames, 10, 20, 3.5)
    assert poses.shape == (frames, 3, 4)
    for pose in poses:
        axes, position = pose[:, :3], pose[:, 3]
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) > 0
        assert np.linalg.norm(position) == pytest.approx(3.5)
        # The camera looks along its -z, and its y never points down.
        np.testing.assert_allclose(-axes[:, 2], -position / 3.5, atol=1e-12)
        assert axes[2, 1] > 0


@pytest.mark.parametrize("name", PATHS)
def test_paths_close_without_a_jump(name):
    positions = PATHS[name](60, 0, 20, 4.0)[:, :, 3]
    steps = np.linalg.norm(np.roll(positions, -1, axis=0) - positions, axis=1)
    # The speed of a spiral changes smoothly, also from the last frame to the first.
    assert np.abs(np.diff(steps, append=steps[0])).max() < 0.15 * steps.mean()


def test_an_orbit_is_a_circle_at_constant_height():
    positions = camera_paths.orbit(8, 30, 20, 4.0)[:, :, 3]
    np.testing.assert_allclose(positions[:, 2], 4 * np.sin(np.deg2rad(20)))
    angles = np.rad2deg(np.arctan2(positions[:, 1], positions[:, 0])) % 360
    np.testing.assert_allclose(angles, (30 + 45 * np.arange(8)) % 360)
    part = camera_paths.orbit(9, 0, 0, 4.0, turn_deg=90)
    np.testing.assert_allclose(part[-1, :, 3], [4 * np.cos(t := np.deg2rad(80)), 4 * np.sin(t), 0])


def test_the_elevation_of_a_spiral_oscillates_by_thirty_degrees():
    heights = np.rad2deg(np.arcsin(camera_paths.spiral(80, 0, 20, 1.0)[:, 2, 3]))
    assert (heights.min(), heights.max()) == pytest.approx((-10, 50))


@pytest.mark.parametrize("name", PATHS)
def test_zero_frames_are_refused(name):
    with pytest.raises(InputError, match="frames is 0"):
        PATHS[name](0)


def test_forward_facing_poses_look_at_a_fixed_point():
    pose = look_at((3, -1, 0.4), (0, 0.5, 0.3))
    poses = camera_paths.forward_facing(40, pose, 2.8, turns=2)
    target = pose[:, 3] - 2.8 * pose[:, 2]
    positions, backs = poses[:, :, 3], poses[:, :, 2]
    depths = np.linalg.norm(positions - target, axis=1)
    np.testing.assert_allclose(positions - depths[:, None] * backs, np.tile(target, (40, 1)))
    # Two ellipses, whose radii are a seventh of the depth sideways and half that vertically.
    local = (positions - pose[:, 3]) @ pose[:, :3]
    np.testing.assert_allclose(np.abs(local).max(axis=0), [0.4, 0.2, 0.2], rtol=0.02)
    np.testing.assert_allclose(local[0], [0.4, 0, 0], atol=1e-12)
    np.testing.assert_allclose(local[20], local[0], atol=1e-12)
    # It closes without a jump.
    steps = np.linalg.norm(np.diff(positions[[*range(40), 0]], axis=0), axis=1)
    assert steps[-1] < 1.2 * steps[:-1].max()
