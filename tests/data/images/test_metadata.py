"""Metadata never makes a picture damaged; what changes its values is honoured or noted."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from theta0.data.images import image_size, read_image
from theta0.errors import InputError, InputWarning

from .picture_files import chunk, filtered, noise, png, rgb_png, save, tiff

BOMB = zlib.compress(bytes(3_000_000))
EXIF = b"II*\0\xff\xff\xff\xff"
SILENT = {
    "large zTXt": chunk(b"zTXt", b"comment\0\0" + BOMB),
    "large iTXt": chunk(b"iTXt", b"comment\0\1\0\0\0" + BOMB),
    "large tEXt": chunk(b"tEXt", b"comment\0" + b"x" * 2_000_000),
    "method of zTXt": chunk(b"zTXt", b"comment\0\7" + BOMB),
    "checksum of tEXt": chunk(b"tEXt", b"comment\0text")[:-1] + b"?",
    "XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB),
    "raw EXIF": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 9\nnot hexadecimal"),
    "eXIf": chunk(b"eXIf", EXIF),
    "short gAMA": chunk(b"gAMA", b"\0"),
    "short cHRM": chunk(b"cHRM", b"\0"),
    "short pHYs": chunk(b"pHYs", b"\0"),
    "short sRGB": chunk(b"sRGB", b""),
    "unknown": chunk(b"teSt", b"?" * 99),
    "animation control": chunk(b"acTL", b"\0") + chunk(b"fcTL", b"\0"),
}


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("name", SILENT)
def test_damaged_or_large_chunks_of_metadata_are_ignored(tmp_path, name, place):
    pixels = noise(5, 7)
    (tmp_path / "x.png").write_bytes(rgb_png(pixels, **{place: SILENT[name]}))
    np.testing.assert_allclose(read_image(tmp_path / "x.png"), pixels / 255, atol=1e-7)
    assert image_size(tmp_path / "x.png") == (5, 7)


@pytest.mark.parametrize(
    "profile", [b"icc\0\0" + BOMB, b"icc\0\0broken", b"icc\0\1" + BOMB, b"", b"icc\0\0" + BOMB[:9]]
)
def test_a_damaged_colour_profile_is_ignored_and_noted(tmp_path, profile):
    pixels = noise(5, 7)
    (tmp_path / "x.png").write_bytes(rgb_png(pixels, chunk(b"iCCP", profile)))
    with pytest.warns(InputWarning, match=r"x.png: has a colour profile that is damaged"):
        np.testing.assert_allclose(read_image(tmp_path / "x.png"), pixels / 255, atol=1e-7)


@pytest.mark.parametrize("rows", [0, 1, 7])
@pytest.mark.parametrize("colour", [0, 2, 6])
def test_rows_that_are_missing_are_refused(tmp_path, rows, colour):
    channels = {0: 1, 2: 3, 6: 4}[colour]
    black = np.zeros((8, 9 * channels), np.uint8)
    (tmp_path / "x.png").write_bytes(png(9, 8, filtered(black), colour=colour))
    read_image(tmp_path / "x.png")  # black rows are rows
    (tmp_path / "x.png").write_bytes(png(9, 8, filtered(black[:rows]), colour=colour))
    with pytest.raises(InputError, match="damaged or truncated"):
        read_image(tmp_path / "x.png")


def test_truncated_pixels_are_refused_whatever_is_missing(tmp_path):
    whole = rgb_png(noise(20, 20))
    for missing in range(21, len(whole) - 60, 37):  # without its last checksums it is whole
        (tmp_path / "x.png").write_bytes(whole[:-missing])
        with pytest.raises(InputError, match="damaged"):
            read_image(tmp_path / "x.png")


def test_a_jpeg_that_claims_more_than_it_can_hold_is_refused(tmp_path):
    save(tmp_path / "x.jpg", noise(8, 8))
    content = bytearray((tmp_path / "x.jpg").read_bytes())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 8000, 8000)
    (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"x.jpg: is damaged: \d+ bytes cannot hold"):
        read_image(tmp_path / "x.jpg", 8)


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "PostScript"), (b"%PDF-1.4\n", "PDF"),
     (b"\xd7\xcd\xc6\x9a" + bytes(60), "not a picture"), (b"SIMPLE  =    T", "not a picture"),
     (b"\x89HDF\r\n\x1a\n" + bytes(60), "not a picture"), (b"GRIB" + b"\2" * 60, "not a picture"),
     (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"), (b"<!DOCTYPE html>", "HTML")],
)  # fmt: skip
def test_other_formats_are_refused_under_any_name(tmp_path, head, kind, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    for suffix in ("png", "eps", "jpg"):
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(head)
        with pytest.raises(InputError, match=f"x.{suffix}: is {kind}.*convert it to PNG or JPEG"):
            read_image(path)


@pytest.mark.slow
def test_near_the_limit_of_pixels_conversions_are_counted(tmp_path):
    Image.new("I;16", (9400, 9400)).save(tmp_path / "x.png", compress_level=1)
    with pytest.raises(InputError, match=r"x.png: needs 1.\d+ GiB of memory"):
        read_image(tmp_path / "x.png", 64)


def profile(gamma: float, primaries: str = "Display P3") -> bytes:
    """An ICC profile like sRGB with another curve or other primaries, in its smallest form."""
    srgb = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    p3 = (0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)
    fixed = lambda value: struct.pack(">i", round(value * 65536))
    tags = {b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(fixed, (0.9642, 1, 0.8249)))}
    for name, xyz in zip("rgb", p3 if primaries == "Display P3" else srgb, strict=True):
        tags[name.encode() + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(fixed, xyz))
        curve = struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256)) + b"\0\0"
        tags[name.encode() + b"TRC"] = curve
    text = primaries.encode() + b"\0"
    tags[b"desc"] = struct.pack(">4sII", b"desc", 0, len(text)) + text + bytes(78)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + b"".join(map(fixed, (0.9642, 1, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_wide_gamut_profiles_are_noted_and_that_of_srgb_is_not(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for silent in (srgb, profile(2.2, "sRGB")):
        save(path, noise(8, 9), icc_profile=silent)
        read_image(path)
    for wide in (profile(2.2), profile(1.0, "sRGB")):
        save(path, noise(8, 9), icc_profile=wide)
        with pytest.warns(InputWarning, match=r"colour profile \((Display P3|sRGB)\).*ignored"):
            read_image(path)


def test_a_gamma_is_noted_if_it_is_not_that_of_srgb(tmp_path):
    gamma = lambda value: chunk(b"gAMA", struct.pack(">I", round(value * 1e5)))
    for silent in (gamma(0.45455), gamma(1.0) + chunk(b"sRGB", b"\0")):
        (tmp_path / "x.png").write_bytes(rgb_png(noise(5, 7), silent))
        read_image(tmp_path / "x.png")
    (tmp_path / "x.png").write_bytes(rgb_png(noise(5, 7), gamma(1.0)))
    with pytest.warns(InputWarning, match="has a gamma of 1, which is ignored"):
        read_image(tmp_path / "x.png")
    (tmp_path / "x.png").write_bytes(rgb_png(noise(5, 7), chunk(b"cICP", b"\x09\x10\0\1")))
    with pytest.warns(InputWarning, match="has HDR or wide-gamut colours"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize(("depth", "key"), [(1, 1), (2, 2), (4, 9), (8, 77)])
def test_the_transparent_grey_of_a_png_is_white_at_every_depth(tmp_path, depth, key):
    width = 8
    values = np.arange(width) % (1 << depth) if depth < 8 else np.full(width, 77)
    values[0] = key
    bits = "".join(f"{value:0{depth}b}" for value in values)
    row = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    before = chunk(b"tRNS", struct.pack(">H", key))
    (tmp_path / "x.png").write_bytes(png(width, 2, (b"\0" + row) * 2, depth, 0, before))
    expected = np.where(values == key, 1, values / ((1 << depth) - 1))
    np.testing.assert_allclose(read_image(tmp_path / "x.png")[0, :, 0], expected, atol=1e-6)


def test_the_transparent_colour_of_sixteen_bits_is_white(tmp_path):
    grey = np.array([[0, 500, 65535], [500, 501, 3]], ">u2")
    key = chunk(b"tRNS", struct.pack(">H", 500))
    (tmp_path / "g.png").write_bytes(png(3, 2, filtered(grey), 16, 0, key))
    expected = np.where(grey == 500, 1, grey / 65535)
    np.testing.assert_allclose(read_image(tmp_path / "g.png")[..., 0], expected, atol=1e-7)
    colours = np.array([[[0, 0, 0], [60000, 500, 9]], [[9, 9, 9], [60000, 500, 9]]], ">u2")
    key = chunk(b"tRNS", struct.pack(">HHH", 60000, 500, 9))
    (tmp_path / "c.png").write_bytes(png(2, 2, filtered(colours), 16, 2, key))
    with pytest.warns(InputWarning, match="colours of 16 bits, of which 8 are read"):
        read = read_image(tmp_path / "c.png")
    assert (read[:, 1] == 1).all() and (read[:, 0] < 0.01).all()


@pytest.mark.parametrize(
    ("dtype", "tags"), [("i2", {339: 2}), ("i4", {339: 2}), ("i1", {339: 2}), ("u4", {})]
)
def test_signed_and_long_integers_of_a_tiff_are_called_that(tmp_path, dtype, tags):
    values = np.array([[1, 2], [3, 4]], dtype)
    (tmp_path / "x.tif").write_bytes(tiff(values, tags))
    kind = f"{'signed ' if tags else ''}integers of {values.itemsize * 8} bits"
    with pytest.raises(InputError, match=f"holds {kind}, not a picture.*Hounsfield units belong"):
        read_image(tmp_path / "x.tif")


def test_white_of_a_tiff_is_what_its_tags_say(tmp_path):
    values = np.array([[0, 1000], [30000, 65535]], np.uint16)
    (tmp_path / "x.tif").write_bytes(tiff(values, {262: 0}))
    read = read_image(tmp_path / "x.tif")[..., 0]
    np.testing.assert_allclose(read, 1 - values / 65535, atol=1e-7)
    packed = bytes([0x12, 0x3F, 0xFF, 0x00, 0x0A, 0xBC])  # two rows of 12-bit numbers
    content = tiff(np.frombuffer(packed, np.uint8).reshape(2, 3), {256: 2}, bits=12)
    (tmp_path / "x.tif").write_bytes(content)
    expected = np.array([[0x123, 0xFFF], [0x000, 0xABC]]) / 4095
    np.testing.assert_allclose(read_image(tmp_path / "x.tif")[..., 0], expected, atol=1e-6)


def test_alpha_that_is_multiplied_in_is_divided_out(tmp_path):
    save(tmp_path / "x.tif", np.full((4, 4, 4), (100, 50, 0, 128), np.uint8))
    plain, multiplied = (struct.pack("<HHIH", 338, 3, 1, kind) for kind in (2, 1))
    content = (tmp_path / "x.tif").read_bytes()
    assert content.count(plain) == 1
    (tmp_path / "x.tif").write_bytes(content.replace(plain, multiplied))
    read = read_image(tmp_path / "x.tif")[0, 0]
    # 100 of 128 is 199 of 255, over white.
    expected = np.array([100, 50, 0]) / 255 + 127 / 255
    np.testing.assert_allclose(read, expected, atol=2 / 255)


def test_metadata_of_a_jpeg_may_be_damaged(tmp_path):
    plain = io.BytesIO()
    Image.fromarray(noise(16, 16)).save(plain, "JPEG")
    content = plain.getvalue()
    (tmp_path / "x.jpg").write_bytes(content)
    expected = read_image(tmp_path / "x.jpg")
    for marker, body in [
        (0xE1, b"Exif\0\0" + EXIF),
        (0xE1, b"Exif\0\0MM\0*" + b"\xff" * 20),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<broken"),
        (0xE2, b"MPF\0MM\0*"),
        (0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
        (0xED, b"Photoshop 3.0\08BIM\4"),
    ]:
        segment = struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
        (tmp_path / "x.jpg").write_bytes(content[:2] + segment + content[2:])
        np.testing.assert_array_equal(read_image(tmp_path / "x.jpg"), expected)


def test_lab_is_converted_so_its_profile_is_not_called_ignored(tmp_path):
    lab = ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(
        Image.new("RGB", (8, 8), (200, 60, 60)), ImageCms.createProfile("sRGB"), lab,
        outputMode="LAB",
    )  # fmt: skip
    picture.save(tmp_path / "x.tif", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    rgb = read_image(tmp_path / "x.tif") * 255  # warnings are errors
    np.testing.assert_allclose(rgb[0, 0], [200, 60, 60], atol=3)
