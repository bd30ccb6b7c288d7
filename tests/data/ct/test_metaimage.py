"""MetaImage: the same slices as ITK writes, and no file outside the folder."""

import zlib

import numpy as np
import pytest

from theta0.data.ct import read_slices
from theta0.errors import InputError, InputWarning

from .hounsfield import random_hu, windowed

HU = random_hu(4, 6, 8)
"""Slices from the feet to the head, rows from front to back, columns from right to left."""

HEADER = {
    "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "0 0 0",
    "ElementSpacing": "1 1 2", "DimSize": "8 6 4", "ElementType": "MET_SHORT",
}  # fmt: skip


def write(path, data=None, content=None, **fields):
    """An .mhd and its .raw, or an .mha; a field of None is left out."""
    content = HU.tobytes() if content is None else content
    data = data or ("LOCAL" if path.suffix == ".mha" else "x.raw")
    lines = {**HEADER, **fields, "ElementDataFile": data}
    text = "".join(f"{name} = {value}\n" for name, value in lines.items() if value is not None)
    path.write_bytes(text.encode() + (content if data == "LOCAL" else b""))
    if data == "x.raw":
        (path.parent / data).write_bytes(content)
    return path


def reads_hu(path):
    np.testing.assert_allclose(read_slices(path).pixels, windowed(HU), atol=1e-6)


@pytest.mark.parametrize("name", ["x.mhd", "x.mha"])
@pytest.mark.parametrize(
    "fields, content",
    [
        ({}, HU.tobytes()),
        ({"BinaryDataByteOrderMSB": "True"}, HU.astype(">i2").tobytes()),
        ({"ElementType": "MET_FLOAT"}, HU.astype("<f4").tobytes()),
        ({"CompressedData": "True"}, zlib.compress(HU.tobytes())),
        ({"HeaderSize": "100"}, bytes(100) + HU.tobytes()),
        ({"HeaderSize": "-1"}, bytes(77) + HU.tobytes()),
        ({"DimSize": "8 6 4 1", "NDims": "4", "ElementSpacing": None, "TransformMatrix": None,
          "AnatomicalOrientation": "RAI"}, HU.tobytes()),
        ({"ElementToIntensityFunctionSlope": "0.5", "ElementToIntensityFunctionOffset": "-8"},
         (2 * (HU + 8)).astype("<i2").tobytes()),
    ],
)  # fmt: skip
def test_files_are_read(tmp_path, name, fields, content):
    reads_hu(write(tmp_path / name, content=content, **fields))


@pytest.mark.parametrize(
    "matrix, orientation, turned",
    [
        ("-1 0 0 0 1 0 0 0 1", None, HU[:, :, ::-1]),
        ("1 0 0 0 -1 0 0 0 -1", None, HU[::-1, ::-1]),
        (None, "LAI", HU[:, :, ::-1]),
        (None, "RAS", HU[::-1]),
    ],
)
def test_directions_are_heeded(tmp_path, matrix, orientation, turned):
    fields = {"TransformMatrix": matrix, "AnatomicalOrientation": orientation}
    reads_hu(write(tmp_path / "x.mhd", content=np.ascontiguousarray(turned).tobytes(), **fields))


def test_axes_in_another_order_are_as_itk_has_them(tmp_path):
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    image = sitk.PermuteAxes(sitk.GetImageFromArray(HU), [2, 0, 1])
    sitk.WriteImage(image, str(tmp_path / "y.mha"), useCompression=True)
    reads_hu(tmp_path / "y.mha")


def test_without_an_orientation_it_is_read_as_stored_with_a_note(tmp_path):
    path = write(tmp_path / "x.mhd", TransformMatrix=None)
    with pytest.warns(InputWarning, match="nothing says how it lies in the patient"):
        reads_hu(path)


def test_pixels_that_are_not_square_are_resampled(tmp_path):
    path = write(tmp_path / "x.mhd", ElementSpacing="1 2 3")
    with pytest.warns(InputWarning, match="6 x 8 to 12 x 8"):
        assert read_slices(path).pixels.shape == (4, 12, 8)


def test_bytes_beyond_the_voxels_are_noted(tmp_path):
    path = write(tmp_path / "x.mhd", content=HU.tobytes() + bytes(5))
    with pytest.warns(InputWarning, match="5 bytes after the voxels"):
        reads_hu(path)


@pytest.mark.parametrize("name", ["x.mhd", "x.mha"])
def test_voxels_of_twice_the_bytes_are_refused(tmp_path, name):
    path = write(tmp_path / name, content=HU.astype("<i8").tobytes(), ElementType="MET_LONG")
    with pytest.raises(InputError, match=r"holds 2 times the voxels .* MET_LONG_LONG"):
        read_slices(path)


@pytest.mark.parametrize(
    "data, message",
    [
        ("../y.raw", "is not in the folder of the header"),
        ("/etc/passwd", "is not in the folder of the header"),
        ("link.raw", "is not in the folder of the header"),
        ("..\\y.raw", "is not in the folder of the header"),
        ("LIST", "voxels are in several files"),
        ("LIST 2", "voxels are in several files"),
        ("slice%03d.raw 1 4 1", "voxels are in several files"),
        ("y.raw", r"file of voxels y\.raw is missing"),
    ],
)
def test_voxels_must_lie_in_one_file_of_the_same_folder(tmp_path, data, message):
    folder = tmp_path / "scan"
    folder.mkdir()
    (tmp_path / "y.raw").write_bytes(HU.tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "y.raw")
    with pytest.raises(InputError, match=message):
        read_slices(write(folder / "x.mhd", data=data))


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"DimSize": "8 6 5"}, "declares 480 bytes of voxels, but x.raw has 384"),
        ({"DimSize": "80000 60000 4"}, "GiB of memory, more than the limit"),
        ({"DimSize": "8 6"}, "NDims = 3 and DimSize = 8 6"),
        ({"DimSize": "8 6 0"}, "are of no volume"),
        ({"DimSize": "8 six 4"}, "line DimSize = 8 six 4 is wrong"),
        ({"DimSize": "8 3 4 2", "NDims": "4"}, "several volumes or channels"),
        ({"ElementNumberOfChannels": "3"}, "several volumes or channels"),
        ({"ElementType": "MET_OTHER"}, "choose from MET_CHAR"),
        ({"ElementType": "MET_UCHAR", "DimSize": "16 6 4"}, "labels or grey levels"),
        ({"BinaryData": "False"}, "voxels are text"),
        ({"CompressedData": "True"}, "voxels cannot be inflated"),
        ({"ElementSpacing": "0 1 1"}, "ElementSpacing is"),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, "axes do not span space"),
        ({"TransformMatrix": "1 0 0"}, "line TransformMatrix = 1 0 0 is wrong"),
        ({"ObjectType": "Mesh"}, "a MetaImage of Mesh"),
        ({"Modality": "MET_MOD_MR"}, "of modality MR"),
        ({"ElementToIntensityFunctionSlope": "0"}, "scales values by 0"),
    ],
)
def test_headers_are_not_trusted(tmp_path, fields, message):
    with pytest.raises(InputError, match=message):
        read_slices(write(tmp_path / "x.mhd", **fields))


def test_more_voxels_than_declared_are_not_inflated(tmp_path):
    content = zlib.compress(HU.tobytes() + bytes(10_000_000))
    with pytest.raises(InputError, match="stores more"):
        read_slices(write(tmp_path / "x.mha", content=content, CompressedData="True"))


def test_what_is_no_header_is_refused(tmp_path):
    (tmp_path / "x.mha").write_bytes(bytes(range(256)) * 500)
    with pytest.raises(InputError, match="is no MetaImage"):
        read_slices(tmp_path / "x.mha")
