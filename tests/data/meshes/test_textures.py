"""Textures of all kinds of pictures become linear light; others are refused before decoding."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes._textures import Textures
from theta0.errors import InputError

COLOUR = (200, 100, 50)


def content(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decoded(data, name="a.png", longest=64):
    textures = Textures(longest)
    textures.decode("key", name, data)
    return textures["key"]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "I;16", "CMYK"])
def test_modes(mode):
    image = Image.new("RGB", (6, 4), COLOUR)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    if mode == "I;16":
        image = Image.fromarray(np.full((4, 6), 40_000, np.uint16))
        expected = (40_000 / 65535,) * 3
    else:
        image = image.convert(mode)
        expected = np.array(image.convert("RGB").getpixel((3, 2))) / 255
    light = decoded(content(image, kind))
    assert light.shape == (4, 6, 3) and light.dtype == np.float32
    np.testing.assert_allclose(light[2, 3], linear_from_srgb(np.array(expected)), atol=0.005)


def test_colours_of_transparent_pixels_are_kept():
    image = Image.new("RGBA", (100, 100), (*COLOUR, 0))
    light = decoded(content(image), longest=10)
    np.testing.assert_allclose(light[3, 3], linear_from_srgb(np.array(COLOUR) / 255), atol=1e-6)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "WEBP", "TIFF", "PPM", "TGA", "DDS", "JPEG"])
def test_formats(kind):
    light = decoded(content(Image.new("RGB", (8, 8), COLOUR), kind), f"a.{kind.lower()}")
    # JPEG and WEBP are lossy.
    np.testing.assert_allclose(light[3, 3], linear_from_srgb(np.array(COLOUR) / 255), atol=0.02)


@pytest.mark.parametrize("kind", [b"iCCP", b"iTXt", b"zTXt"])
def test_profiles_and_texts_of_any_size_do_not_matter(kind):
    plain = content(Image.new("RGB", (4, 4), COLOUR))
    packed = zlib.compress(bytes(1_500_000))
    body = {
        b"iCCP": b"icc\0\0" + packed, b"zTXt": b"text\0\0" + packed,
        b"iTXt": b"text\0\1\0\0\0" + packed,
    }[kind]  # fmt: skip
    start = len(b"\x89PNG\r\n\x1a\n") + 25  # after the header
    light = decoded(plain[:start] + chunk(kind, body) + plain[start:])
    np.testing.assert_array_equal(light, decoded(plain))


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        content(Image.new("RGB", (8, 8)))[:-30],
        content(Image.new("RGB", (64, 64)), "JPEG")[:300],
        b"",
        b"\x89PNG\r\n\x1a\n",
        content(Image.new("RGB", (8, 8)), "PCX"),
    ],
    ids=["postscript", "cut", "cut jpeg", "empty", "signature", "other format"],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(InputError, match=r"its texture a\.png cannot be read"):
        decoded(data)


def test_sizes_are_checked_before_decoding(monkeypatch):
    data = content(Image.new("1", (10_000, 10_000)))
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(InputError, match=r"has a texture of 10000 x 10000 pixels, a\.png"):
        decoded(data)


def test_all_textures_together_are_limited(monkeypatch):
    monkeypatch.setattr("theta0.data.meshes._textures.MAX_BYTES", 3_000_000)
    data = content(Image.new("RGB", (200, 200)))
    textures = Textures(200)
    textures.decode(0, "a.png", data)
    textures.decode(1, "a.png", data)
    with pytest.raises(InputError, match="its textures: needs"):
        textures.decode(2, "a.png", data)
