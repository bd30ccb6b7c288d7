"""What is given as arrays: of any type that says the same, and refused in the caller's words."""

import numpy as np
import pytest
from PIL import Image

import theta0
from theta0.data.ct import HU_WINDOW, read_slice
from theta0.errors import InputWarning
from theta0.signals import CTConfig, as_picture, as_slice

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (8, 9, 3)).astype(np.uint8)
POSES = np.tile(np.eye(4), (2, 1, 1))
VIEWS = np.stack([PICTURE, PICTURE])
DEGREES = np.arange(4) * 45.0
SCAN = RNG.uniform(0, 0.2, (4, 9))


class Tensor:
    """What offers itself as an array, or fails to, as tensors on another device do."""

    def __init__(self, values, error=None):
        self.values, self.error = values, error

    def __array__(self, dtype=None, copy=None):
        if self.error:
            raise self.error
        return self.values


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", ">f8"])
def test_floats_of_any_width_and_order_are_the_same_picture(kind):
    values = (PICTURE // 64 / 4).astype(kind)
    for one in (values, np.asfortranarray(values), values.tolist(), Tensor(values)):
        np.testing.assert_array_equal(as_picture(one), (PICTURE // 64 / 4).astype(np.float32))


def test_a_list_of_whole_numbers_is_one_of_floats():
    floats = as_picture([[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(as_picture([[0, 1], [1, 0]]), floats)
    with pytest.raises(theta0.InputError, match=r"values from 0 to 254.*or give uint8"):
        as_picture([[0, 254], [1, 0]])


NO_PICTURES = {
    "objects": (PICTURE.astype(object), "has dtype object; give floats"),
    "complex": (PICTURE * 1j, "has dtype complex128"),
    "text": ("a picture", "has dtype <U9"),
    "nothing": (None, "has dtype object"),
    "a number": (0.5, r"has shape \(\)"),
    "a sinogram": (
        theta0.Sinogram(SCAN, angles_deg=DEGREES), "is given as Sinogram, which other kinds",
    ),
    "views": (theta0.Views(VIEWS, c2w=POSES, fov_deg=30.0), "is given as Views, which other kinds"),
    "a pixel": (np.ones((1, 1, 3)), "of at least 2 x 2 pixels"),
    "empty": (np.zeros((0, 3)), r"has shape \(0, 3\)"),
    "ragged": ([[0.1, 0.2], [0.3]], "is no array of numbers"),
    "elsewhere": (Tensor(None, TypeError("on cuda:0")), "is no array of numbers .on cuda:0"),
    "masked": (np.ma.masked_array(PICTURE / 255, PICTURE > 250), "masked values; fill them"),
    "a mask": ((PICTURE > 99).astype(np.uint8), "uint8 of 0 and 1.*give booleans or floats"),
    "negative": (PICTURE / 255 - 0.5, r"values from -0.5 .*not in \[0, 1\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_is_refused(name):
    values, words = NO_PICTURES[name]
    with pytest.raises(theta0.InputError, match=f"^the image .*{words}"):
        as_picture(values)


def test_a_mask_of_booleans_is_black_and_white():
    np.testing.assert_array_equal(as_picture(PICTURE > 99), (PICTURE > 99).astype(np.float32))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "I;16", "F"])
def test_pillow_images_are_what_their_files_are(tmp_path, mode):
    from theta0.data.images import read_image

    grey = np.linspace(0, 1, 72).reshape(8, 9)
    if mode in ("I;16", "F"):
        values = (grey * 65535).astype(np.uint16) if mode == "I;16" else grey.astype(np.float32)
        image = Image.fromarray(values)
    else:
        image = Image.fromarray((grey * 255).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "p.tif")
    found = np.broadcast_to(as_picture(image), (8, 9, 3))
    np.testing.assert_allclose(found, read_image(tmp_path / "p.tif"), atol=1e-6)


def test_a_pillow_image_is_upright():
    image = Image.fromarray(PICTURE)
    image.getexif()[274] = 6
    assert as_picture(image).shape == (9, 8, 3)


@pytest.mark.parametrize("kind", ["i2", "i4", ">i2", "u1", "f4", "f8", "?"])
def test_a_slice_is_what_its_file_is(tmp_path, kind):
    scale = {"f": 1 / 2000, "b": 1, "u": 0.1, "i": 1}[np.dtype(kind).kind]
    values = RNG.integers(-1000, 1000, (8, 8)) if kind not in ("u1", "f4", "f8") else (
        RNG.integers(0, 2000, (8, 8)))  # fmt: skip
    values = (values * scale).astype(kind)
    np.save(tmp_path / "slice.npy", values)
    np.testing.assert_array_equal(as_slice(values), read_slice(tmp_path / "slice.npy"))


def test_hounsfield_units_without_their_offset_are_refused_from_arrays_and_files(tmp_path):
    values = RNG.integers(1000, 1100, (8, 8)).astype(np.int16)
    np.save(tmp_path / "slice.npy", values)
    for read in (lambda: as_slice(values), lambda: read_slice(tmp_path / "slice.npy")):
        with pytest.raises(theta0.InputError, match="subtract 1024"):
            read()
    assert HU_WINDOW.low == -1000


def test_stacks_may_be_tensors_and_must_hold_something():
    tasks = CTConfig(size=4).from_arrays(Tensor(RNG.random((20, 8, 8))))
    assert tasks.size("train") > 0
    for wrong in (5, "slices", [], np.zeros((0, 8, 8)), None, np.float32(3)):
        with pytest.raises(theta0.InputError, match=r"slices: give an array .N, height, width."):
            CTConfig(size=4).from_arrays(wrong)


NO_VIEWS = {
    "left-handed": ({"c2w": POSES * [1, 1, -1, 1]}, "view 0: c2w is left-handed"),
    "sheared": ({"c2w": POSES + np.eye(4)[::-1] * [0, 0, 0.3, 0]}, "view 0: c2w is not a rotation"),
    "transposed": (
        {"c2w": (POSES + np.array([[0, 0, 0, 2]] * 4) * [[1], [1], [1], [0]]).transpose(0, 2, 1)},
        "view 0: c2w has the last row",
    ),
    "nothing known": ({"c2w": POSES * np.nan}, "view 0: c2w contains values that are not finite"),
    "one pose": ({"c2w": POSES[:1]}, r"c2w has shape \(1, 4, 4\) for 2 images"),
    "text": ({"c2w": "here"}, "c2w dtype <U4; give one number"),
    "ragged": ({"c2w": [[1.0], [2.0, 3.0]]}, "c2w is no array of numbers"),
    "radians": ({"fov_deg": 0.7}, "fov_deg is 0.7, as radians are"),
    "two fields of view": ({"fov_deg": [30, 40]}, r"fov_deg has dtype int64 and shape .2,."),
    "too wide": ({"fov_deg": 190}, "view 0: field of view: 190 degrees"),
    "channels first": ({"images": VIEWS.transpose(0, 3, 1, 2)}, "images have shape"),
    "no views": ({"images": VIEWS[:0], "c2w": POSES[:0]}, "images have shape"),
    "integers": ({"images": VIEWS.astype(np.int32)}, r"images\[0\] has dtype int32"),
    "bytes as floats": ({"images": VIEWS.astype(float)}, r"images\[0\] has values .*divide by 255"),
    "a mask": ({"images": (VIEWS > 99).astype(np.uint8)}, "uint8 of 0 and 1"),
    "alpha in bytes": (
        {"images": np.concatenate([VIEWS / 255, 255 * np.ones((2, 8, 9, 1))], axis=3)},
        r"alpha of images\[0\] has values from 255",
    ),
}


@pytest.mark.parametrize("name", NO_VIEWS)
def test_views_that_cannot_be_are_refused(name):
    change, words = NO_VIEWS[name]
    with pytest.raises(theta0.InputError, match=rf"^views: .*{words}"):
        theta0.Views(**{"images": VIEWS, "c2w": POSES, "fov_deg": 30.0, **change})


def test_a_narrow_field_of_view_may_be_trusted():
    with pytest.warns(InputWarning, match="fov_deg is 2, as radians are.*trusted"):
        views = theta0.Views(VIEWS, c2w=POSES, fov_deg=2.0, trust=True)
    assert views.cameras[0].fov_x_deg == pytest.approx(2.0)


NO_SCANS = {
    "masked": (np.ma.masked_array(SCAN, SCAN > 0.1), "sinogram has .* masked values"),
    "complex": (SCAN * 1j, "dtype complex128"),
    "objects": (SCAN.astype(object), "dtype object"),
    "ragged": ([[0.1], [0.2, 0.3]], "sinogram is no array of numbers"),
    "one view": (SCAN[0], r"shape \(9,\)"),
}


@pytest.mark.parametrize("name", NO_SCANS)
def test_sinograms_that_cannot_be_are_refused(name):
    values, words = NO_SCANS[name]
    with pytest.raises(theta0.InputError, match=words):
        theta0.Sinogram(values, angles_deg=DEGREES)


def test_a_sinogram_may_be_trusted():
    given = {"values": SCAN, "angles_deg": np.deg2rad(DEGREES)}
    with pytest.raises(theta0.InputError, match=r"angles_deg span only 2.36 degrees"):
        theta0.Sinogram(**given)
    with pytest.warns(InputWarning, match="span only 2.36 degrees.*trusted as it is"):
        assert np.ptp(theta0.Sinogram(**given, trust=True).angles_rad) < 0.05
