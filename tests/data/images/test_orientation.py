"""Orientation: pictures are turned as their file says, in every format; posed views are not."""

import io

import numpy as np
import pytest
from PIL import Image

from theta0.data._pillow import opened, reads_heic
from theta0.data._view_pixels import read_header, read_pixels
from theta0.data.images import image_size, read_image
from theta0.errors import InputWarning

from .picture_files import chunk, noise, rgb_png

UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
    8: lambda x: np.rot90(x, 1),
}
"""What a viewer shows, by the orientation (EXIF 2.32, table 6)."""

LOSSLESS = {
    "png": {}, "webp": {"lossless": True}, "tiff": {}, "tif": {"compression": "tiff_lzw"},
    "jpg": {"quality": 100, "subsampling": 0}, "avif": {"quality": 100, "subsampling": "4:4:4"},
}  # fmt: skip
"""How a format keeps pixels, to 3 levels of 255."""


def blocks() -> np.ndarray:
    """A picture without symmetry, whose blocks survive lossy formats."""
    return np.repeat(np.repeat(noise(3, 4), 16, axis=0), 16, axis=1)


def oriented(path, orientation: int, **options):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(blocks()).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_are_turned_and_posed_views_are_as_stored(tmp_path, suffix, orientation):
    path = oriented(tmp_path / f"x.{suffix}", orientation, **LOSSLESS[suffix])
    upright = UPRIGHT[orientation](blocks())
    assert image_size(path) == upright.shape[:2]
    np.testing.assert_allclose(read_image(path) * 255, upright, atol=6)
    header = read_header(path)
    assert (header.height, header.width) == (48, 64)
    np.testing.assert_allclose(read_pixels(path, alpha=False).astype(int), blocks(), atol=6)
    header = read_header(path, upright=True)
    assert (header.height, header.width) == upright.shape[:2]
    turned = read_pixels(path, alpha=False, upright=True)
    np.testing.assert_allclose(turned.astype(int), upright, atol=6)


@pytest.mark.skipif(not reads_heic(), reason="needs pillow-heif")
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_heic_is_turned_by_its_decoder_which_is_noted_of_views(tmp_path, orientation):
    from pillow_heif.as_plugin import _save_heif  # registering it would change all tests

    exif = Image.Exif()
    exif[274] = orientation
    image, path = Image.fromarray(blocks()), tmp_path / "x.heic"
    image.encoderinfo = {"exif": exif.tobytes(), "quality": 100, "chroma": 444}
    with open(path, "wb") as stream:
        _save_heif(image, stream, "x.heic")
    upright = UPRIGHT[orientation](blocks())
    assert image_size(path) == upright.shape[:2]
    np.testing.assert_allclose(read_image(path) * 255, upright, atol=8)
    assert bool(read_header(path).remarks) == (orientation != 1)


@pytest.mark.parametrize("place", ["before", "after"])
def test_orientation_of_a_png_may_stand_after_the_pixels(tmp_path, place):
    exif = Image.Exif()
    exif[274] = 6
    pixels = noise(4, 6)
    (tmp_path / "x.png").write_bytes(rgb_png(pixels, **{place: chunk(b"eXIf", exif.tobytes()[6:])}))
    assert image_size(tmp_path / "x.png") == (6, 4)
    expected = UPRIGHT[6](pixels)
    np.testing.assert_allclose(read_image(tmp_path / "x.png"), expected / 255, atol=1e-7)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("exif", [b"", b"II*\0\xff\xff\xff\xff", b"nonsense"])
def test_damaged_exif_leaves_the_picture_as_it_is(tmp_path, suffix, exif):
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(blocks()).save(path, **LOSSLESS[suffix])
    if suffix != "tif":
        Image.fromarray(blocks()).save(path, exif=b"Exif\0\0" + exif, **LOSSLESS[suffix])
    np.testing.assert_allclose(read_image(path) * 255, blocks(), atol=6)
    assert image_size(path) == (48, 64)


def test_orientations_that_do_not_exist_are_upright(tmp_path):
    for orientation in (0, 9, 65535):
        path = oriented(tmp_path / "x.tif", orientation)
        np.testing.assert_array_equal(read_pixels(path, alpha=False), blocks())
        np.testing.assert_allclose(read_image(path), blocks() / 255, atol=1e-7)


def test_pages_of_a_turned_tiff_leave_the_first_as_stored(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    pages = [Image.fromarray(blocks()), Image.new("RGB", (9, 5), "red")]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:], exif=exif)
    np.testing.assert_array_equal(read_pixels(tmp_path / "x.tif", alpha=False), blocks())
    assert "holds 2 frames or pages" in read_header(tmp_path / "x.tif").remarks[0]
    with pytest.warns(InputWarning, match="holds 2 frames or pages"):
        upright = read_image(tmp_path / "x.tif")
    np.testing.assert_allclose(upright, UPRIGHT[6](blocks()) / 255, atol=1e-7)


def test_a_picture_may_be_given_as_bytes():
    content = io.BytesIO()
    Image.fromarray(blocks()).save(content, "PNG")
    with opened(content.getvalue(), "a texture") as picture:
        np.testing.assert_array_equal(np.asarray(picture.image), blocks())
        assert picture.name == "a texture" and picture.orientation == 1
