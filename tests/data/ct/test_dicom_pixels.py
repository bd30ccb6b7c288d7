"""DICOM pixels: padding is air, bits that are not of the number are left out, errors say why."""

import io

import numpy as np
import pytest
from PIL import Image

from theta0.data.ct import read_dicom
from theta0.errors import InputError, InputWarning

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

HU = np.random.default_rng(0).integers(-900, 1000, (16, 16), dtype=np.int16)
OUTSIDE = np.hypot(*np.mgrid[-7.5:8, -7.5:8]) > 7
PLAIN = {"RescaleSlope": None, "RescaleIntercept": None}


def windowed(hu):
    return np.clip((np.asarray(hu, float) + 1000) / 2000, 0, 1)


EXPECTED = np.where(OUTSIDE, 0, windowed(HU))


@pytest.mark.parametrize(
    "signed, offset, padding, limit",
    [
        (0, 1024, 63536, None), (0, 1024, 4095, None), (0, 1024, 65535, 60000), (1, 0, -2000, None),
        (1, 0, -3024, -2500), (1, 0, 32767, None), (1, 1024, -2000, None), (0, 1024, 0, None),
    ],
)  # fmt: skip
def test_padding_is_air(write_dicom, tmp_path, signed, offset, padding, limit):
    stored = np.where(OUTSIDE, padding, HU.astype(int) + offset)
    if limit is not None:  # all of the range counts
        stored[0, :4] = limit
    tags = {
        "PixelRepresentation": signed,
        "PixelPaddingValue": padding,
        "RescaleIntercept": -offset,
    }
    tags |= {} if limit is None else {"PixelPaddingRangeLimit": limit}
    pixels = stored.astype(np.int16 if signed else np.uint16)
    found = read_dicom(write_dicom(tmp_path / "x.dcm", pixels, **tags))
    np.testing.assert_allclose(found.pixels[0], EXPECTED, atol=1e-6)


def test_padding_is_dark_where_high_values_are(write_dicom, tmp_path):
    stored = np.where(OUTSIDE, 63536, HU.astype(int) + 1024).astype(np.uint16)
    path = write_dicom(
        tmp_path / "x.dcm", stored, PixelPaddingValue=63536, PhotometricInterpretation="MONOCHROME1"
    )
    with pytest.warns(InputWarning, match="MONOCHROME1"):
        found = read_dicom(path).pixels[0]
    np.testing.assert_allclose(found, np.where(OUTSIDE, 0, 1 - windowed(HU)), atol=1e-6)


def test_a_padding_value_beyond_the_stored_bits_is_no_other_number(write_dicom, tmp_path):
    """63536 in 16 bits; its last 12 are 2096, which is a number of its own."""
    stored = np.where(OUTSIDE, 63536, HU.astype(int) + 1024).astype(np.uint16)
    stored[8, 8] = 2096
    path = write_dicom(
        tmp_path / "x.dcm", stored, PixelPaddingValue=63536, BitsStored=12, HighBit=11
    )
    found = read_dicom(path).pixels[0]
    assert found[8, 8] == 1 and (found[OUTSIDE] == 0).all()


@pytest.mark.parametrize("padding", [-2000, -3024, None])
def test_padding_does_not_hide_that_1024_was_added(write_dicom, tmp_path, padding):
    """Soft tissue within the circle, 1024 too high; the padding may be declared or not."""
    stored = np.where(OUTSIDE, -2000 if padding is None else padding, 1024 + 40).astype(np.int16)
    stored[8, 8] = 1024 - 1000
    tags = {} if padding is None else {"PixelPaddingValue": padding}
    path = write_dicom(tmp_path / "x.dcm", stored, PixelRepresentation=1, **PLAIN, **tags)
    with pytest.raises(InputError, match="subtract 1024"):
        read_dicom(path)


@pytest.mark.parametrize("signed", [0, 1])
def test_overlays_in_unused_bits_are_left_out(write_dicom, tmp_path, signed):
    stored = HU + (0 if signed else 1024)
    bits = (stored.astype(int) & 0xFFF) | (OUTSIDE << 13) | (OUTSIDE.T << 15)
    path = write_dicom(
        tmp_path / "x.dcm", bits.astype(np.uint16), BitsStored=12, HighBit=11,
        PixelRepresentation=signed, RescaleIntercept=0 if signed else -1024,
    )  # fmt: skip
    np.testing.assert_allclose(read_dicom(path).pixels[0], windowed(HU), atol=1e-6)


@pytest.mark.parametrize("signed", [0, 1])
def test_numbers_may_stand_in_the_high_bits(write_dicom, tmp_path, signed):
    stored = (HU.astype(int) + (0 if signed else 1024)) << 4
    path = write_dicom(
        tmp_path / "x.dcm", (stored & 0xFFFF).astype(np.uint16), BitsStored=12, HighBit=15,
        PixelRepresentation=signed, RescaleIntercept=0 if signed else -1024,
    )  # fmt: skip
    np.testing.assert_allclose(read_dicom(path).pixels[0], windowed(HU), atol=1e-6)


def test_unused_bits_of_jpeg_2000_are_left_out(write_dicom, tmp_path):
    bits = (HU.astype(int) + 1024) | (OUTSIDE << 14)
    path = write_dicom(tmp_path / "x.dcm", bits.astype(np.uint16), BitsStored=12, HighBit=11)
    box = io.BytesIO()
    Image.fromarray(bits.astype(np.uint16)).save(box, "JPEG2000", irreversible=False, no_jp2=True)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = pydicom.encaps.encapsulate([box.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.save_as(path)
    np.testing.assert_allclose(read_dicom(path).pixels[0], windowed(HU), atol=1e-6)


def test_more_pixels_than_frames_are_noted(write_dicom, tmp_path):
    stored = (HU + 1024).astype(np.uint16)
    path = write_dicom(tmp_path / "x.dcm", stored, PixelData=stored.tobytes() * 3)
    with pytest.warns(InputWarning, match="2 frames more are stored than NumberOfFrames"):
        assert len(read_dicom(path)) == 1


@pytest.mark.parametrize(
    "tags, message",
    [
        ({"PixelRepresentation": None}, "has no tag PixelRepresentation"),
        ({"BitsStored": 17}, "BitsAllocated 16, BitsStored 17"),
        ({"BitsAllocated": 12, "BitsStored": 12}, "BitsAllocated 12"),
        ({"PixelRepresentation": 2}, "PixelRepresentation 2"),
        ({"Rows": 32}, "512 bytes are there .* 1024 are needed for 1 frames of 32 x 16"),
    ],
)
def test_tags_that_decoding_needs_are_named(write_dicom, tmp_path, tags, message):
    path = write_dicom(tmp_path / "x.dcm", (HU + 1024).astype(np.uint16), **tags)
    with pytest.raises(InputError, match=message):
        read_dicom(path)


def test_pixels_may_be_floats(write_dicom, tmp_path):
    stored = np.where(OUTSIDE, 9e9, HU).astype("<f4")
    path = write_dicom(
        tmp_path / "x.dcm", HU, PixelData=None, FloatPixelData=stored.tobytes(),
        FloatPixelPaddingValue=9e9, BitsAllocated=32, BitsStored=None, HighBit=None,
        PixelRepresentation=None, **PLAIN,
    )  # fmt: skip
    np.testing.assert_allclose(read_dicom(path).pixels[0], EXPECTED, atol=1e-6)
