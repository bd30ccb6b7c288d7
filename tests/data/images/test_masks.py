"""Masks: cropped and resized like their pictures, and always binary."""

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import read_image, read_mask
from theta0.errors import InputError


def save(path, pixels, **options):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)
    return path


@pytest.fixture
def picture(tmp_path):
    """A picture 20 pixels high and 33 wide."""
    return save(tmp_path / "picture.png", np.zeros((20, 33, 3)))


@pytest.mark.parametrize("size", [7, 20, 31])
def test_the_centred_square_is_resized_to_the_nearest_pixel(tmp_path, picture, size):
    seen = np.random.default_rng(0).integers(0, 2, (20, 33)) * 255
    found = read_mask(save(tmp_path / "mask.png", seen), picture, size)
    square = Image.fromarray(seen.astype(np.uint8)).crop((6, 0, 26, 20))
    expected = np.asarray(square.resize((size, size), Image.Resampling.NEAREST)) > 0
    np.testing.assert_array_equal(found, expected)


def test_a_mask_lies_on_the_picture_where_it_was_drawn(tmp_path):
    """A black and white picture is its own mask, with any shape."""
    drawn = np.zeros((41, 20), np.uint8)
    drawn[15:23, 3:9] = 255
    path = save(tmp_path / "both.png", drawn)
    np.testing.assert_array_equal(read_mask(path, path, 20), read_image(path, 20)[..., 0] > 0.5)


def test_half_of_full_brightness_is_seen(tmp_path):
    levels = save(tmp_path / "levels.png", np.array([[0, 127], [128, 255]]))
    np.testing.assert_array_equal(read_mask(levels, levels, 2), [[False, False], [True, True]])


def test_an_orientation_tag_turns_the_mask_like_a_picture(tmp_path):
    seen = np.repeat(np.repeat([[255, 0], [255, 255]], 8, 0), 8, 1)
    upright = save(tmp_path / "upright.png", seen)
    tag = Image.Exif()
    tag[0x0112] = 6  # shown turned by 90 degrees clockwise
    turned = save(tmp_path / "turned.png", np.rot90(seen), exif=tag)
    np.testing.assert_array_equal(read_mask(turned, upright, 16), read_mask(upright, upright, 16))


@pytest.mark.parametrize("shape", [(33, 20), (20, 20), (40, 66)])
def test_a_mask_of_another_size_is_refused(tmp_path, picture, shape):
    mask = save(tmp_path / "mask.png", np.full(shape, 255))
    with pytest.raises(InputError, match=rf"mask.png.*{shape[1]} x {shape[0]}.*33 x 20"):
        read_mask(mask, picture, 8)


def test_a_mask_that_shows_nothing_of_the_square_is_refused(tmp_path, picture):
    edge = np.zeros((20, 33))
    edge[:, :6] = 255  # in the mask, but outside of the square
    for name, pixels in (("black.png", np.zeros((20, 33))), ("edge.png", edge)):
        with pytest.raises(InputError, match=f"{name}.*nothing to fit.*white"):
            read_mask(save(tmp_path / name, pixels), picture, 8)


def test_a_mask_that_cannot_be_read_is_named(tmp_path, picture):
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("torn.png", "missing.png"):
        with pytest.raises(InputError, match=name):
            read_mask(tmp_path / name, picture, 8)
