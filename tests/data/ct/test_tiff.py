"""TIFF stacks: types, tags that change values or shapes, and pages that are no slices."""

import numpy as np
import pytest
from PIL import Image

from theta0.data.ct import read_slice, read_slices
from theta0.errors import InputError, InputWarning

from .hounsfield import random_hu, windowed

tifffile = pytest.importorskip("tifffile", reason="tifffile comes with scikit-image")

HU = random_hu(4, 6, 8)
UNIT = windowed(HU).astype(np.float32)


def write(path, pixels, **more):
    tifffile.imwrite(path, pixels, photometric=more.pop("photometric", "minisblack"), **more)
    return path


@pytest.mark.parametrize("name", ["x.tif", "x.TIFF"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "values, expected, atol",
    [
        (HU, UNIT, 1e-6),
        (HU.astype(np.int32), UNIT, 1e-6),
        (UNIT, UNIT, 1e-6),
        (np.round(UNIT * 255).astype(np.uint8), UNIT, 2e-3),
        (np.round(UNIT * 65535).astype(np.uint16), UNIT, 1e-5),
        ((HU / 20).astype(np.int8), windowed((HU / 20).astype(np.int8)), 1e-6),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_a_stack_of_any_type_is_read(tmp_path, name, byteorder, values, expected, atol):
    path = write(tmp_path / name, values, byteorder=byteorder)
    slices = read_slices(path)
    np.testing.assert_allclose(slices.pixels, expected, atol=atol)
    assert slices.names[3] == "x/0003" and set(slices.groups) == {"x"}
    np.testing.assert_allclose(read_slice(path, index=3), expected[3], atol=atol)
    assert read_slices(write(tmp_path / name, values[0])).names == (name,)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_layouts_are_read(tmp_path, compression, bigtiff, tile):
    path = write(tmp_path / "x.tif", HU, compression=compression, bigtiff=bigtiff, tile=tile)
    np.testing.assert_allclose(read_slices(path).pixels, UNIT, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_white_may_be_zero(tmp_path, dtype):
    full = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = np.round(UNIT * full, 3 if full == 1 else 0).astype(dtype)
    path = write(tmp_path / "x.tif", values, photometric="miniswhite")
    if dtype == np.uint8:
        found = read_slices(path).pixels
    else:
        with pytest.warns(InputWarning, match="WhiteIsZero: high values are dark"):
            found = read_slices(path).pixels
    np.testing.assert_allclose(found, 1 - values / full, atol=1e-5)


def test_pixels_that_are_not_square_are_resampled(tmp_path):
    path = write(tmp_path / "x.tif", HU, resolution=(10, 20))
    with pytest.warns(InputWarning, match="6 x 8 to 6 x 16"):
        assert read_slices(path).pixels.shape == (4, 6, 16)


def test_a_calibration_of_imagej_is_applied(tmp_path):
    stored = (HU.astype(int) + 32768).astype(np.uint16)
    path = tmp_path / "x.tif"
    metadata = {"axes": "ZYX", "c0": -32768.0, "c1": 1.0, "cf": 0}
    tifffile.imwrite(path, stored, imagej=True, metadata=metadata)
    with pytest.warns(InputWarning, match="calibrated by ImageJ"):
        np.testing.assert_allclose(read_slices(path).pixels, UNIT, atol=1e-6)


@pytest.mark.parametrize("axes", ["CYX", "TYX"])
def test_channels_and_times_are_no_slices(tmp_path, axes):
    tifffile.imwrite(tmp_path / "x.tif", UNIT, imagej=True, metadata={"axes": axes})
    with pytest.raises(InputError, match=r"has several (channels|frames)"):
        read_slices(tmp_path / "x.tif")
    tifffile.imwrite(tmp_path / "x.tif", UNIT, ome=True, metadata={"axes": axes})
    with pytest.raises(InputError, match=r"has several Size[CT]"):
        read_slices(tmp_path / "x.tif")


@pytest.mark.parametrize("imagej", [True, False])
def test_images_that_are_declared_but_are_no_pages_are_missed(tmp_path, imagej):
    if not imagej:
        write(tmp_path / "x.tif", UNIT, truncate=True)
    else:
        tifffile.imwrite(tmp_path / "x.tif", UNIT, imagej=True, metadata={"axes": "ZYX"})
        with tifffile.TiffFile(tmp_path / "x.tif") as file:
            text = file.pages[0].description.replace("images=4", "images=9")
        tifffile.tiffcomment(tmp_path / "x.tif", text)
    with pytest.raises(InputError, match=r"description says [49] images, but it has [14] pages"):
        read_slices(tmp_path / "x.tif")


def test_pages_that_are_no_slices_are_counted(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        for pixels, reduced in ((HU[0], 0), (HU[1, :3, :4], 1), (HU[1], 0), (HU[2, :5], 0)):
            file.write(pixels, photometric="minisblack", subfiletype=reduced, metadata=None)
    with pytest.warns(InputWarning, match="2 of 4 pages are left out"):
        np.testing.assert_allclose(read_slices(tmp_path / "x.tif").pixels, UNIT[:2], atol=1e-6)


def test_pages_of_several_types_are_no_stack(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(HU[0], photometric="minisblack", metadata=None)
        file.write(UNIT[1], photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match="page 1 has pixels of another type"):
        read_slices(tmp_path / "x.tif")


@pytest.mark.parametrize(
    "values, message",
    [
        ((HU + 2000).astype(np.uint32), "unsigned pixels of 32 bits, of unknown unit"),
        ((HU * 1.0).astype(np.float32), r"not in \[0, 1\]; scale them, or give Hounsfield"),
        (np.where(HU > 0, np.nan, 0).astype(np.float32), "not finite"),
        (HU.astype(np.int64), "is a TIFF file that is damaged, or of a kind that is not read"),
    ],
)
def test_values_of_unknown_unit_are_refused(tmp_path, values, message):
    with pytest.raises(InputError, match=message):
        read_slices(write(tmp_path / "x.tif", values))


@pytest.mark.slow
def test_many_large_pages_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "x.tif"
    page = Image.new("L", (4000, 4000))
    page.save(path, save_all=True, append_images=[page] * 20, compression="tiff_deflate")
    with pytest.raises(InputError, match="GiB of memory, more than the limit"):
        read_slices(path, max_bytes=1 << 30)


def test_truncated_files_are_refused(tmp_path):
    path = write(tmp_path / "x.tif", HU)
    content = path.read_bytes()
    for length in (4, 100, len(content) - 50):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"x\.tif"):
            read_slices(path)


@pytest.mark.parametrize("function", [3, 20])
def test_a_calibration_of_imagej_by_another_function_is_refused(tmp_path, function):
    metadata = {"axes": "ZYX", "c0": -1000.0, "c1": 10.0, "cf": function}
    tifffile.imwrite(tmp_path / "x.tif", HU.astype(np.uint16), imagej=True, metadata=metadata)
    with pytest.raises(InputError, match=f"calibration function {function} is no straight line"):
        read_slices(tmp_path / "x.tif")
