"""Lens distortion: against closed forms, brute force and COLMAP."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data.cameras import Camera, Distortion, undistort, undistorted_camera
from theta0.data.cameras._lens import _largest_square, distort
from theta0.errors import InputError

CAMERA = Camera(40, 30, 36.0, 38.0, 21.0, 14.5, np.eye(3, 4))
LENSES = {
    "barrel": Distortion(k1=-0.2),
    "pincushion": Distortion(k1=0.25),
    "moustache": Distortion(k1=0.3, k2=-0.6),
    "decentred": Distortion(k1=-0.1, p1=0.02, p2=-0.03),
    "fraction": Distortion(k1=0.2, k2=0.1, p1=0.004, p2=0.003, k3=0.02, k4=0.3, k5=-0.1, k6=0.02),
}
MODELS = {  # COLMAP's, with the names of its parameters after fx fy cx cy or f cx cy
    "SIMPLE_PINHOLE": [],
    "PINHOLE": [],
    "SIMPLE_RADIAL": ["k1"],
    "RADIAL": ["k1", "k2"],
    "OPENCV": ["k1", "k2", "p1", "p2"],
    "FULL_OPENCV": ["k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"],
}


def source(camera, distortion):
    """Pixel coordinates in the distorted picture of each pixel of the undistorted one."""
    undistorted = undistorted_camera(camera, distortion)
    # Focal lengths are kept, so the two pixel grids differ by a shift.
    x = (np.arange(undistorted.width) + 0.5 - undistorted.cx) / camera.fl_x
    y = (np.arange(undistorted.height) + 0.5 - undistorted.cy) / camera.fl_y
    distorted = distort(np.stack(np.meshgrid(x, y), axis=-1), distortion)
    return distorted * [camera.fl_x, camera.fl_y] + [camera.cx, camera.cy]


def ramp(camera, x, y):
    """A plane of brightness for each colour, which interpolation between pixels reproduces."""
    across, down = x / camera.width, y / camera.height
    return np.stack([30 + 180 * across, 250 - 200 * down, 40 + 90 * across + 90 * down], axis=-1)


def test_bending_has_its_closed_form():
    on_axis = distort(np.array([[0.5, 0.0], [0.0, 2.0]]), Distortion(k1=0.1, k2=-0.02))
    np.testing.assert_allclose(on_axis[0], [0.5 * (1 + 0.1 / 4 - 0.02 / 16), 0], rtol=1e-14)
    np.testing.assert_allclose(on_axis[1], [0, 2 * (1 + 0.4 - 0.02 * 16)], rtol=1e-14)
    np.testing.assert_allclose(
        distort(np.array([3.0, 4.0]), Distortion(k4=1.0)), np.array([3, 4]) / 26
    )
    tangential = distort(np.array([1.0, 2.0]), Distortion(p1=0.01, p2=0.001))
    expected = [1 + 0.01 * 4 + 0.001 * (5 + 2), 2 + 0.001 * 4 + 0.01 * (5 + 8)]
    np.testing.assert_allclose(tangential, expected, rtol=1e-14)


@pytest.mark.slow
@pytest.mark.own_process
@pytest.mark.parametrize("model", MODELS)
def test_bending_is_colmaps(model):
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is not installed")
    names = MODELS[model]
    values = np.random.default_rng(0).normal(scale=0.05, size=len(names))
    camera = pycolmap.Camera.create_from_model_name(1, model, 100.0, 200, 150)
    middle = [101.0, 77.0]
    focal = [110.0] if "f" in camera.params_info.split(", ") else [110.0, 120.0]
    camera.params = [*focal, *middle, *values]
    points = np.random.default_rng(1).uniform(-0.8, 0.8, (50, 2))
    expected = camera.img_from_cam(np.column_stack([points, np.ones(50)]))
    distortion = Distortion(**dict(zip(names, values.tolist(), strict=True)))
    found = distort(points, distortion) * [focal[0], focal[-1]] + middle
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def test_a_pinhole_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    assert undistort(pixels, CAMERA, Distortion()) is pixels
    found = undistorted_camera(CAMERA, Distortion())
    assert (found.width, found.height, found.cx, found.cy) == (40, 30, 21, 14.5)


@pytest.mark.parametrize("lens", LENSES)
def test_a_undistorted_plane_of_brightness_has_its_closed_form(lens):
    x, y = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
    # Many levels of rounding: the pictures are bytes.
    pixels = np.rint(ramp(CAMERA, x, y)).astype(np.uint8)
    found = undistort(pixels, CAMERA, LENSES[lens])
    expected = ramp(CAMERA, *np.moveaxis(source(CAMERA, LENSES[lens]), -1, 0))
    assert found.shape == expected.shape and found.shape[0] > 20
    # Half a level of the distorted picture, half of the undistorted one.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1.01)


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("lens", LENSES)
def test_the_picture_is_the_largest_of_covered_pixels(lens, odd):
    """By trying all rectangles around the middle."""
    camera = replace(CAMERA, width=41, height=29) if odd else CAMERA
    size = np.array([camera.width, camera.height])
    columns, rows = (np.arange(-n, 2 * n) + 0.5 for n in size)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    undistorted = (grid - [camera.cx, camera.cy]) / [camera.fl_x, camera.fl_y]
    distorted = distort(undistorted, LENSES[lens]) * [camera.fl_x, camera.fl_y] + [
        camera.cx,
        camera.cy,
    ]
    # By differences: where the picture folds back, its area changes sign.
    across, down = np.gradient(distorted, axis=1), np.gradient(distorted, axis=0)
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    good = ((distorted >= 0.5) & (distorted <= size - 0.5)).all(axis=-1) & (area > 0)
    best = 0
    for width in range(2 - size[0] % 2, 2 * size[0], 2):
        for height in range(2 - size[1] % 2, 2 * size[1], 2):
            left, top = size[0] + (size[0] - width) // 2, size[1] + (size[1] - height) // 2
            if good[top : top + height, left : left + width].all():
                best = max(best, width * height)
    found = undistorted_camera(camera, LENSES[lens])
    assert found.width * found.height == best
    assert (found.fl_x, found.fl_y) == (camera.fl_x, camera.fl_y)
    inside = source(camera, LENSES[lens])
    assert inside.min() >= 0.5 and (inside <= size - 0.5).all()


def test_what_the_lens_folds_back_is_not_taken():
    # r (1 - r^2 / 3) turns back at r = 1, long before the edge of this wide picture.
    assert _largest_square(Distortion(k1=-1 / 3)) == pytest.approx(1)
    wide = Camera(60, 60, 12.0, 12.0, 30.0, 30.0, np.eye(3, 4))
    found = undistorted_camera(wide, Distortion(k1=-1 / 3))
    corner = np.hypot(found.width - 1, found.height - 1) / 2 / 12
    assert 0.85 < corner < 1
    assert _largest_square(Distortion(k1=0.1, k2=0.2)) == np.inf
    assert _largest_square(Distortion(k4=-0.5)) == pytest.approx(2)  # a pole


def test_a_lens_that_shows_nothing_is_refused():
    aside = replace(CAMERA, cx=-300.0)
    for strange in (float("nan"), 1e299):
        with pytest.raises(InputError, match=r"lens: p1 is .*coefficients are at most about 1"):
            Distortion(p1=strange)
    with pytest.raises(InputError, match=r"lens: Distortion\(k1=-1.0.* correct the coefficients"):
        undistorted_camera(aside, Distortion(k1=-1.0))


@pytest.mark.slow
@pytest.mark.own_process
def test_pictures_are_those_of_colmaps_undistorter():
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is not installed")
    x, y = np.meshgrid(np.arange(160), np.arange(120))
    waves = np.stack([np.sin(x / 9 + y / 17), np.cos(y / 8 - x / 20), np.sin(x * y / 900)], axis=-1)
    pixels = np.rint(127 + 120 * waves).astype(np.uint8)
    theirs = pycolmap.Camera.create_from_model_name(1, "OPENCV", 100.0, 160, 120)
    theirs.params = [150.0, 152.0, 80.0, 60.0, -0.12, 0.05, 0.002, -0.001]
    bitmap, undistorted = pycolmap.undistort_image(
        pycolmap.UndistortCameraOptions(), pycolmap.Bitmap.from_array(pixels), theirs
    )
    camera = Camera(160, 120, 150.0, 152.0, 80.0, 60.0, np.eye(3, 4))
    distortion = Distortion(k1=-0.12, k2=0.05, p1=0.002, p2=-0.001)
    ours = undistorted_camera(camera, distortion)
    # COLMAP rounds the size and moves the middle by parts of a pixel.
    assert abs(ours.width - undistorted.width) <= 2 and abs(ours.height - undistorted.height) <= 2
    across, down = ours.cx - undistorted.params[2], ours.cy - undistorted.params[3]
    found = undistort(pixels, camera, distortion)
    from scipy.ndimage import map_coordinates

    expected = bitmap.to_array()[3:-4, 3:-4].astype(float)
    rows, columns = np.mgrid[3 : 3 + expected.shape[0], 3 : 3 + expected.shape[1]]
    for channel in range(3):
        shifted = map_coordinates(
            found[..., channel].astype(float), [rows + down, columns + across], order=1
        )
        # Interpolating a second time flattens the waves a little.
        assert np.abs(shifted - expected[..., channel]).mean() < 1.0


def test_what_is_invisible_has_no_say():
    pixels = np.zeros((30, 40, 4), np.uint8)
    pixels[:, :20] = [200, 100, 50, 255]
    pixels[:, 20:] = [0, 255, 0, 0]
    found = undistort(pixels, CAMERA, LENSES["barrel"])
    seen = found[found[..., 3] > 0]
    assert len(np.unique(seen[:, 3])) > 2  # some are partly visible
    assert np.abs(seen[:, :3].astype(int) - [200, 100, 50]).max() <= 1
