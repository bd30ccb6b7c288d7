"""Pictures: every mode and format gives the stored colours; errors name the file."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from theta0.data.images import read_image
from theta0.errors import InputError, InputWarning

from .picture_files import damaged, noise, png, save


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm"])
def test_lossless_rgb_is_read_exactly(tmp_path, suffix):
    pixels = noise(11, 17)
    read = read_image(save(tmp_path / f"x{suffix}", pixels))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bit_grey_keeps_its_precision(tmp_path, suffix):
    pixels = np.random.default_rng(0).integers(0, 65536, (9, 12), dtype=np.uint16)
    pixels[0, :2] = 0, 65535
    read = read_image(save(tmp_path / f"x{suffix}", pixels))
    np.testing.assert_allclose(read[..., 1], pixels / 65535, atol=1e-7)
    assert (read[..., 0] == read[..., 2]).all() and read.min() == 0.0 and read.max() == 1.0


def test_float_tiff_in_the_unit_range_is_read_and_others_refused(tmp_path):
    pixels = np.random.default_rng(0).uniform(0, 1, (5, 6)).astype(np.float32)
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.tif", pixels))[..., 0], pixels)
    for bad in (pixels * 300, pixels * np.float32("nan")):
        with pytest.raises(InputError, match=r"b\.tif.*floats in \[0, 1\]"):
            read_image(save(tmp_path / "b.tif", bad))


def test_grey_bilevel_and_palette_become_rgb(tmp_path):
    grey = noise(8, 9, channels=1)
    read = read_image(save(tmp_path / "grey.png", grey))
    np.testing.assert_allclose(read, np.repeat(grey[..., None] / 255, 3, -1), atol=1e-7)

    bilevel = grey > 128
    read = read_image(save(tmp_path / "bilevel.png", bilevel))
    np.testing.assert_array_equal(read[..., 0], bilevel)

    colours = np.array([[255, 0, 0], [0, 128, 255]], np.uint8)
    indices = (grey % 2).astype(np.uint8)
    palette = Image.fromarray(indices).convert("P")
    palette.putdata(indices.reshape(-1).tolist())
    palette.putpalette(colours.reshape(-1).tolist())
    palette.save(tmp_path / "palette.gif")
    np.testing.assert_allclose(
        read_image(tmp_path / "palette.gif"), colours[indices] / 255, atol=1e-7
    )


@pytest.mark.parametrize("channels", [2, 4])
def test_transparency_is_laid_over_white(tmp_path, channels):
    pixels = noise(6, 7, channels)
    read = read_image(save(tmp_path / "x.png", pixels))
    alpha = pixels[..., -1:] / 255
    expected = alpha * pixels[..., :-1] / 255 + (1 - alpha)
    # Pillow composes in 8 bits: one level at most.
    np.testing.assert_allclose(read, np.broadcast_to(expected, read.shape), atol=1.01 / 255)


def test_transparent_colour_of_a_palette_is_white(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 2), 1)
    image.save(tmp_path / "x.gif", transparency=0)
    read = read_image(tmp_path / "x.gif")
    np.testing.assert_allclose(read[2, 1], np.array([200, 100, 50]) / 255, atol=1e-6)
    assert read[0, 0].tolist() == [1.0, 1.0, 1.0]


def test_cmyk_jpeg_has_the_right_colours(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    read = read_image(tmp_path / "red.jpg")
    np.testing.assert_allclose(read.mean(axis=(0, 1)), [1, 0, 0], atol=0.02)


def test_cmyk_is_converted_without_its_colour_profile(tmp_path):
    ink = noise(7, 9, 4)
    Image.fromarray(ink, "CMYK").save(tmp_path / "x.tif", icc_profile=b"no profile")
    paper = 1 - ink / 255
    with pytest.warns(InputWarning, match="colour profile that is damaged, and is ignored"):
        read = read_image(tmp_path / "x.tif")
    # Each ink and the black absorb their part; Pillow rounds in 8 bits.
    np.testing.assert_allclose(read, paper[..., :3] * paper[..., 3:], atol=1.01 / 255)


def test_sixteen_bit_colours_are_cut_to_eight(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 6, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    (tmp_path / "x.png").write_bytes(png(6, 5, rows, depth=16))
    with pytest.warns(InputWarning, match="colours of 16 bits, of which 8 are read"):
        read = read_image(tmp_path / "x.png")
    np.testing.assert_allclose(read, deep / 65535, atol=1.01 / 255)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_first_frame_of_an_animation_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("blue", "red", "lime")]
    path = tmp_path / f"x{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 3
    with pytest.warns(InputWarning, match=r"holds 3 frames or pages, of which the first is read"):
        np.testing.assert_array_equal(read_image(path)[2, 2], [0, 0, 1])


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (6, lambda x: np.rot90(x, -1)),
        (8, lambda x: np.rot90(x, 1)),
    ],
)
def test_orientation_tag_is_applied(tmp_path, orientation, upright):
    pixels = noise(4, 6)
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_image(save(tmp_path / "x.png", pixels, exif=exif))
    np.testing.assert_allclose(read, upright(pixels) / 255, atol=1e-7)


def test_square_of_the_same_short_side_is_an_exact_crop(tmp_path):
    """As for CelebA's 178 x 218 at size 178: no pixel is resampled, also with odd margins."""
    for height, width in [(20, 27), (31, 20), (20, 20)]:
        pixels = noise(height, width)
        top, left = (height - 20) // 2, (width - 20) // 2
        read = read_image(save(tmp_path / "x.png", pixels), 20)
        np.testing.assert_allclose(read, pixels[top : top + 20, left : left + 20] / 255, atol=1e-7)


def test_square_shows_the_centre_at_the_short_side_s_scale(tmp_path):
    """A ramp over the long side: its central part must appear, with any filter."""
    ramp = np.broadcast_to(np.linspace(0, 1, 400)[None, :], (100, 400))
    path = save(tmp_path / "x.png", np.rint(ramp * 65535).astype(np.uint16))
    read = read_image(path, 50)
    expected = (150 + (np.arange(50) + 0.5) * 2 - 0.5) / 399
    np.testing.assert_allclose(read[25, :, 0], expected, atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 24), st.booleans())
def test_any_shape_gives_the_square_asked_for_in_range(tmp_path_factory, height, width, size, deep):
    pixels = noise(height, width, 1 if deep else 3)
    pixels = pixels.astype(np.uint16) * 257 if deep else pixels
    path = save(tmp_path_factory.mktemp("any") / "x.png", pixels)
    if height * width < 2:
        with pytest.raises(InputError, match="at least 2"):
            read_image(path, size)
        return
    read = read_image(path, size)
    assert read.shape == (size, size, 3)
    assert read.min() >= 0.0 and read.max() <= 1.0


def test_a_very_long_picture_is_not_blown_up(tmp_path):
    """Resizing all of 60,000 x 2 before cropping would take 3 GB."""
    path = save(tmp_path / "x.png", noise(2, 60_000))
    assert read_image(path, 178).shape == (178, 178, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut.jpg", "damaged or truncated"),
        ("text.png", "is not a picture"),
        ("empty.png", "is empty (0 bytes)"),
        ("one.png", "1 pixels"),
        ("bomb.png", "limit of 89478485"),
        ("half_bomb.png", "limit of 89478485"),
        ("absent.png", "no such file"),
        (".", "is a folder"),
    ],
)
def test_unusable_files_are_named_in_one_line(tmp_path, name, message):
    damaged(tmp_path)
    with pytest.raises(InputError) as caught:
        read_image(tmp_path / name, 16)
    text = str(caught.value)
    assert text.startswith(str(tmp_path / name)) and message in text and "\n" not in text


def test_bombs_are_refused_where_pillow_only_warns(tmp_path):
    path = damaged(tmp_path)["half_bomb.png"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match="10000 x 9000 pixels"):
            read_image(path)


def test_file_names_with_line_breaks_keep_messages_on_one_line(tmp_path):
    (tmp_path / "a\nb.png").write_bytes(b"is not a picture")
    with pytest.raises(InputError) as caught:
        read_image(tmp_path / "a\nb.png")
    assert "\n" not in str(caught.value)
