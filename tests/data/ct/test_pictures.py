"""Pictures as slices: the pages of a TIFF file, folders, and 16-bit values that mislead."""

import numpy as np
import pytest
from PIL import Image

from theta0.data.ct import read_slice, read_slices
from theta0.errors import InputError, InputWarning

from .hounsfield import random_hu, windowed

HU = random_hu(11, 6, 8)
UNIT = windowed(HU)
U16 = np.round(UNIT * 65535).astype(np.uint16)


def write_png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_a_folder_of_pictures_is_one_stack_in_natural_order(tmp_path):
    for number, pixels in enumerate(U16):
        write_png(tmp_path / f"slice{number}.{'tif' if number % 2 else 'png'}", pixels)
    slices = read_slices(tmp_path)
    np.testing.assert_allclose(slices.pixels, UNIT, atol=1e-5)
    assert slices.names[:3] == ("slice0.png", "slice1.tif", "slice2.png")
    assert slices.names[-1] == "slice10.png" and set(slices.groups) == {tmp_path.name}
    np.testing.assert_allclose(read_slice(tmp_path, index=10), UNIT[10], atol=1e-5)


def test_each_subfolder_of_pictures_is_a_patient(tmp_path):
    for number, pixels in enumerate(U16):
        write_png(tmp_path / f"p{number // 4}" / f"{number}.png", pixels)
    assert read_slices(tmp_path).groups == ("p0",) * 4 + ("p1",) * 4 + ("p2",) * 3


def test_other_files_of_a_folder_are_counted(tmp_path):
    write_png(tmp_path / "a.png", U16[0])
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "b.xyz").write_text("text")
    with pytest.warns(InputWarning, match=r"2 files that are of another format .* such as b\.xyz"):
        assert len(read_slices(tmp_path)) == 1


@pytest.mark.parametrize(
    "other, message",
    [
        (U16[1][:5], "is 5 x 8 but 6 x 8 is 1.png; give slices of one size"),
        (HU[1], "pixels are of another type"),
        ((UNIT[1] * 255).astype(np.uint8), "pixels are of another type"),
    ],
)
def test_pictures_of_different_kinds_are_no_stack(tmp_path, other, message):
    write_png(tmp_path / "1.png", U16[0])
    Image.fromarray(other.astype(np.int32) if other.dtype == np.int16 else other).save(
        tmp_path / "2.tif"
    )
    with pytest.raises(InputError, match=message):
        read_slices(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("offset", [1024, 32768])
def test_hounsfield_units_plus_an_offset_are_refused(tmp_path, suffix, offset):
    write_png(tmp_path / f"x.{suffix}", (HU[0].astype(int) + max(offset, 1200)).astype(np.uint16))
    with pytest.raises(InputError, match="as Hounsfield units plus an offset have"):
        read_slices(tmp_path / f"x.{suffix}")


def test_colours_are_refused(tmp_path):
    colours = np.zeros((4, 4, 3), np.uint8)
    colours[0, 0, 1] = 9
    for name in ("x.png", "x.tif"):
        write_png(tmp_path / name, colours)
        with pytest.raises(InputError, match="a colour picture, but CT slices are grey"):
            read_slices(tmp_path / name)


@pytest.mark.parametrize("name", ["x.raw", "x.txt", "x.mat", "x", "x.nrrd"])
def test_an_unknown_format_is_answered_with_those_that_are_read(tmp_path, name):
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / name
    path.write_bytes(b"something else" * 40)
    for source in (path, tmp_path / "sub"):
        with pytest.raises(InputError, match=r"CT slices are DICOM .*NIfTI .*MetaImage .*TIFF"):
            read_slices(source)


@pytest.mark.parametrize("name", ["mask.png", "mask.tif", "mask.bmp", "deep.png", "deep.tif"])
def test_pictures_of_0_and_1_are_masks(tmp_path, name):
    """As arrays of them are: nobody means 1 of 255 by them."""
    mask = (U16[0] > 30_000).astype(np.uint16 if name.startswith("deep") else np.uint8)
    write_png(tmp_path / name, mask)
    with pytest.warns(InputWarning, match="holds 0 and 1 alone, so it is a mask"):
        np.testing.assert_array_equal(read_slice(tmp_path / name), mask)
