"""Cameras: axes, pixels, spheres and downscaling, against closed forms and each other."""

import numpy as np
import pytest

from theta0.data import cameras
from theta0.data.cameras import Camera, look_at, orbit, project, rays, through_sphere
from theta0.errors import InputError

EXACT = {"rtol": 0, "atol": 1e-12}  # float64 rounding of numbers around 1 to 100


def camera(c2w=None, width=6, height=4):
    """A camera whose intrinsics all differ, so that no mix-up is hidden."""
    pose = orbit(40, 25, 3.5) if c2w is None else c2w
    return Camera(width, height, 5.0, 7.0, 2.8, 2.3, pose)


def points(count=50, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3))


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_a_point_on_a_ray_projects_to_its_pixel_at_its_depth(offset):
    lines = rays(camera(), offset)
    pixel, depth = project(lines.origin + 2.25 * lines.direction, camera())
    rows, columns = np.mgrid[:4, :6]
    expected = np.stack([columns.ravel(), rows.ravel()], axis=1) + offset
    np.testing.assert_allclose(pixel, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(depth, 2.25, **EXACT)


def test_projection_equals_the_matrix_of_opencv():
    """K [R t] as of Hartley & Zisserman, with OpenCV's axes."""
    view = camera()
    w2c = np.linalg.inv(np.vstack([cameras.swap_opencv_opengl(view.c2w), [0, 0, 0, 1]]))
    matrix = np.array([[5.0, 0, 2.8], [0, 7.0, 2.3], [0, 0, 1]]) @ w2c[:3]
    homogeneous = np.hstack([points(), np.ones((50, 1))]) @ matrix.T
    pixel, depth = project(points(), view)
    np.testing.assert_allclose(pixel, homogeneous[:, :2] / homogeneous[:, 2:], rtol=0, atol=1e-11)
    np.testing.assert_allclose(depth, homogeneous[:, 2], **EXACT)


def test_x_is_right_and_y_is_up_and_z_is_behind_the_camera():
    view = Camera(10, 10, 10.0, 10.0, 5.0, 5.0, np.eye(4))
    pixel, depth = project(np.array([[0, 0, -2], [1, 0, -2], [0, 1, -2], [0, 0, 2.0]]), view)
    np.testing.assert_allclose(pixel[:3], [[5, 5], [10, 5], [5, 0]], **EXACT)
    np.testing.assert_allclose(depth, [2, 2, 2, -2], **EXACT)
    assert np.isnan(pixel[3]).all()


@pytest.mark.parametrize(
    ("azimuth", "elevation", "eye"),
    [(0, 0, (2, 0, 0)), (90, 0, (0, 2, 0)), (180, 30, (-(3**0.5), 0, 1)), (10, 90, (0, 0, 2))],
)
def test_an_orbit_counts_from_x_towards_y_and_upwards(azimuth, elevation, eye):
    pose = orbit(azimuth, elevation, 2)
    np.testing.assert_allclose(pose[:, 3], eye, **EXACT)
    np.testing.assert_allclose(pose[:, 2], np.array(eye) / 2, **EXACT)  # looks back to the centre
    assert np.linalg.det(pose[:, :3]) == pytest.approx(1, abs=1e-12)


def test_an_orbit_is_a_look_at_with_z_up_around_any_target():
    pose = orbit(200, -35, 2.5, target=(0.3, -0.2, 0.1))
    np.testing.assert_allclose(look_at(tuple(pose[:, 3]), (0.3, -0.2, 0.1)), pose, **EXACT)
    pixel, _ = project(np.array([0.3, -0.2, 1.1]), Camera.from_fov(pose, 8, 8, 60))
    assert pixel[0] == pytest.approx(4) and pixel[1] < 4  # up in the world is up in the picture


def test_the_field_of_view_spans_the_picture():
    view = Camera.from_fov(np.eye(4), 32, 16, 90)
    assert view.fl_x == view.fl_y == pytest.approx(16) and view.fov_x_deg == pytest.approx(90)
    left = rays(view, pixel_offset=0.0).direction[0]
    np.testing.assert_allclose(left, [-1, 0.5, -1], **EXACT)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_downscaled_picture_shows_each_point_at_the_same_place(factor):
    view = camera(width=12, height=7)
    small = view.downscaled(factor)
    assert (small.width, small.height) == (12 // factor, 7 // factor)
    np.testing.assert_allclose(
        factor * project(points(), small).pixel, project(points(), view).pixel, rtol=1e-12
    )


def test_a_scaled_pose_means_the_same_view_and_rounded_axes_become_a_rotation():
    pose = orbit(40, 25, 3.5)
    scaled = pose * [0.3, 0.3, 0.3, 1]
    np.testing.assert_allclose(camera(scaled).c2w, pose, **EXACT)
    rounded = camera(pose.round(4)).c2w
    np.testing.assert_allclose(rounded[:, :3].T @ rounded[:, :3], np.eye(3), **EXACT)
    np.testing.assert_allclose(rounded, pose, rtol=0, atol=1e-4)


def test_axes_turn_from_y_up_to_z_up_without_mirroring():
    turned = cameras.z_up_from_y_up(np.eye(3))
    np.testing.assert_array_equal(turned[1], [0, 0, 1])
    assert np.linalg.det(turned) == pytest.approx(1)
    pose = orbit(1, 2, 3)
    twice = cameras.swap_opencv_opengl(cameras.swap_opencv_opengl(pose))
    np.testing.assert_array_equal(twice, pose)


def test_rays_enter_and_leave_on_the_sphere():
    centre, radius = (0.2, -0.1, 0.3), 0.8
    lines = rays(Camera.from_fov(orbit(70, 20, 4), 16, 16, 30))
    near, far = through_sphere(lines, radius, centre)
    hit = near < far
    assert 60 < hit.sum() < 256
    for t in (near, far):
        on = lines.origin[hit] + t[hit, None] * lines.direction[hit] - centre
        np.testing.assert_allclose(np.linalg.norm(on, axis=1), radius, rtol=1e-12)
    assert (near[~hit] == np.inf).all() and (far[~hit] == -np.inf).all()
    miss = np.linalg.norm(np.cross(lines.origin - centre, lines.direction), axis=1)
    distance = miss / np.linalg.norm(lines.direction, axis=1)
    np.testing.assert_array_equal(hit, distance < radius)


def test_a_ray_from_inside_enters_at_once_and_a_sphere_behind_is_missed():
    view = Camera(1, 1, 1.0, 1.0, 0.5, 0.5, np.eye(4))
    assert through_sphere(rays(view), 2.0) == (0.0, 2.0)
    assert through_sphere(rays(view), 1.0, centre=(0, 0, 3)) == (np.inf, -np.inf)


def test_spheres_are_met_exactly_from_far_away():
    view = Camera.from_fov(orbit(0, 0, 1e7), 1, 1, 1)
    near, far = through_sphere(rays(view))
    # The quadratic formula would lose all digits of 1e14 - (1e14 - 1); here 1e7 is rounded once.
    np.testing.assert_allclose(far - near, 2, rtol=0, atol=1e-8)


def changed(row, column, value):
    matrix = np.eye(4)
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("pose", "message"),
    [
        (changed(2, 2, 0.0), "singular"),
        (np.zeros((3, 4)), "singular"),
        (changed(1, 1, -1.0), "left-handed.*negate one axis"),
        (changed(0, 0, 1.5), "not a rotation: it stretches by 1 to 1.5"),
        (changed(0, 1, 0.2), "not a rotation"),
        (changed(0, 3, np.nan), "not finite"),
        (changed(0, 0, np.inf), "not finite"),
        (changed(0, 0, -1e200), "not finite"),
        (changed(0, 0, 1e99), "singular"),
        (changed(3, 0, 4.0), r"last row \[4.0, 0.0, 0.0, 1.0\].*transposed"),
        (np.eye(3).tolist(), r"shape \(3, 3\); give 3x4 or 4x4"),
        ([[1, 2], [3]], "not a matrix"),
        ([["a", 1, 2, 3]] * 3, "not a matrix"),
    ],
)
def test_matrices_that_are_no_pose_are_refused(pose, message):
    with pytest.raises(InputError, match=message):
        Camera.from_fov(pose, 4, 4, 50)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"height": -3}, "height is -3"),
        ({"fl_x": 0.0}, "fl_x is 0.0"),
        ({"fl_y": np.nan}, "fl_y is nan"),
        ({"cx": np.inf}, "cx is inf"),
    ],
)
def test_intrinsics_that_are_none_are_refused(change, message):
    good = {"width": 4, "height": 4, "fl_x": 4.0, "fl_y": 4.0, "cx": 2.0, "cy": 2.0}
    with pytest.raises(InputError, match=message):
        Camera(**good | change, c2w=np.eye(4))


def test_impossible_viewpoints_are_refused():
    with pytest.raises(InputError, match=r"look_at.*give another up"):
        look_at((0, 0, 2))
    with pytest.raises(InputError, match="look_at"):
        look_at((1, 2, 3), (1, 2, 3))
    with pytest.raises(InputError, match="distance above 0"):
        orbit(0, 0, 0)
    with pytest.raises(InputError, match="finite angles"):
        orbit(np.nan, 0, 1)
    for angle in (0, 180, np.nan):
        with pytest.raises(InputError, match="field of view"):
            Camera.from_fov(np.eye(4), 4, 4, angle)
    for factor in (0, 5):
        with pytest.raises(InputError, match=f"downscale is {factor}; give 1 to 4"):
            camera().downscaled(factor)
