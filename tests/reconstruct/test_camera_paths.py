"""Camera paths: closed ones close, all look at the centre with their heads up."""

import numpy as np
import pytest

from theta0.data.cameras import look_at
from theta0.errors import InputError
from theta0.reconstruct import camera_paths

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
        # The camera looks along its -z, and its y is never down.
        np.testing.assert_allclose(-axes[:, 2], -position / 3.5, atol=1e-12)
        assert axes[2, 1] > 0


@pytest.mark.parametrize("name", PATHS)
def test_the_step_that_closes_a_path_is_like_the_others(name):
    positions = PATHS[name](60, 0, 20, 4.0)[:, :, 3]
    steps = np.linalg.norm(np.roll(positions, -1, axis=0) - positions, axis=1)
    # A spiral's speed changes, but from step to step by little, over the seam too.
    assert np.abs(np.diff(steps, append=steps[0])).max() < 0.15 * steps.mean()


def test_an_orbit_is_a_circle_at_its_height():
    positions = camera_paths.orbit(8, 30, 20, 4.0)[:, :, 3]
    np.testing.assert_allclose(positions[:, 2], 4 * np.sin(np.deg2rad(20)))
    angles = np.rad2deg(np.arctan2(positions[:, 1], positions[:, 0])) % 360
    np.testing.assert_allclose(angles, (30 + 45 * np.arange(8)) % 360)
    part = camera_paths.orbit(9, 0, 0, 4.0, turn_deg=90)
    np.testing.assert_allclose(part[-1, :, 3], [4 * np.cos(t := np.deg2rad(80)), 4 * np.sin(t), 0])


def test_a_spiral_swings_up_and_down_by_thirty_degrees():
    heights = np.rad2deg(np.arcsin(camera_paths.spiral(80, 0, 20, 1.0)[:, 2, 3]))
    assert (heights.min(), heights.max()) == pytest.approx((-10, 50))


@pytest.mark.parametrize("name", PATHS)
def test_no_frames_are_refused(name):
    with pytest.raises(InputError, match="frames is 0"):
        PATHS[name](0)


def test_around_a_standpoint_all_look_at_what_is_before_it():
    pose = look_at((3, -1, 0.4), (0, 0.5, 0.3))
    poses = camera_paths.around(40, pose, 2.8, turns=2)
    target = pose[:, 3] - 2.8 * pose[:, 2]
    places, backs = poses[:, :, 3], poses[:, :, 2]
    depths = np.linalg.norm(places - target, axis=1)
    np.testing.assert_allclose(places - depths[:, None] * backs, np.tile(target, (40, 1)))
    # Twice around within a seventh of the depth to each side, half that up and down.
    local = (places - pose[:, 3]) @ pose[:, :3]
    np.testing.assert_allclose(np.abs(local).max(axis=0), [0.4, 0.2, 0.2], rtol=0.02)
    np.testing.assert_allclose(local[0], [0.4, 0, 0], atol=1e-12)
    np.testing.assert_allclose(local[20], local[0], atol=1e-12)
    # It closes: the step from the last to the first is like the others.
    steps = np.linalg.norm(np.diff(places[[*range(40), 0]], axis=0), axis=1)
    assert steps[-1] < 1.2 * steps[:-1].max()
