"""Data sets without a header, deflated ones, and what else lies in a folder of DICOM."""

import zlib

import numpy as np
import pytest

from theta0.data.ct import read_dicom, read_slices
from theta0.errors import InputError, InputWarning

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

STORED = np.random.default_rng(0).integers(24, 2024, (6, 8), dtype=np.uint16)
EXPECTED = (STORED - 24.0) / 2000


def bare(path, implicit=True, little=True):
    """Write again without preamble and meta header."""
    dataset = pydicom.dcmread(path)
    dataset.PixelData = STORED.astype("<u2" if little else ">u2").tobytes()
    pydicom.dcmwrite(
        path, pydicom.Dataset({e.tag: e for e in dataset}), implicit_vr=implicit,
        little_endian=little, enforce_file_format=False, force_encoding=True,
    )  # fmt: skip
    assert path.read_bytes()[128:132] != b"DICM"
    return path


@pytest.mark.parametrize("implicit, little", [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("name", ["x.dcm", "IM0001"])
def test_a_data_set_without_a_header_is_read(write_dicom, tmp_path, implicit, little, name):
    path = bare(write_dicom(tmp_path / name, STORED), implicit, little)
    np.testing.assert_allclose(read_slices(path).pixels[0], EXPECTED, atol=1e-6)
    np.testing.assert_allclose(read_slices(tmp_path).pixels[0], EXPECTED, atol=1e-6)


def test_a_header_without_its_syntax_is_read(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "x.dcm", STORED)
    dataset = pydicom.dcmread(path)
    del dataset.file_meta.TransferSyntaxUID
    dataset.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=False)
    np.testing.assert_allclose(read_dicom(path).pixels[0], EXPECTED, atol=1e-6)


def deflate(path, content=None, more=b""):
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    return path


def test_a_deflated_data_set_is_read(write_dicom, tmp_path):
    path = deflate(write_dicom(tmp_path / "x.dcm", STORED))
    np.testing.assert_allclose(read_dicom(path).pixels[0], EXPECTED, atol=1e-6)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="is deflated and ends too early"):
        read_dicom(path)


@pytest.mark.slow
def test_a_data_set_that_inflates_without_end_is_refused(write_dicom, tmp_path):
    path = deflate(write_dicom(tmp_path / "x.dcm", STORED))
    content = path.read_bytes()
    begin = content.index(pydicom.uid.DeflatedExplicitVRLittleEndian.encode())
    length = int.from_bytes(content[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    assert begin < 144 + length
    path.write_bytes(content[: 144 + length] + zeros)
    with pytest.raises(InputError, match="is deflated, to more than 128 MiB"):
        read_dicom(path)


def test_files_without_slices_are_left_out_and_counted(write_dicom, tmp_path):
    write_dicom(tmp_path / "a.dcm", STORED)
    write_dicom(tmp_path / "scout.dcm", STORED[:3], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_dicom(
        tmp_path / "report.dcm", STORED, series="1.2.9", Rows=None, Columns=None, PixelData=None,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
    )  # fmt: skip
    (tmp_path / "b.dcm").write_bytes(b"truncated")
    (tmp_path / "DICOMDIR").write_bytes(b"index")
    with pytest.warns(InputWarning) as noted:
        assert read_dicom(tmp_path).names == ("a.dcm",)
    assert [str(one.message).split(": ", 1)[1] for one in noted] == [
        "1 files that are not DICOM are left out, such as b.dcm",
        "2 DICOM files without a slice (overviews or reports) are left out, such as report.dcm",
    ]


def test_a_slice_that_is_cut_within_its_header_is_named(write_dicom, tmp_path):
    write_dicom(tmp_path / "a.dcm", STORED, InstanceNumber=1)
    content = write_dicom(tmp_path / "cut.dcm", STORED, InstanceNumber=2).read_bytes()
    for length in range(136, len(content), 9):
        (tmp_path / "cut.dcm").write_bytes(content[:length])
        with pytest.raises(InputError, match=r"cut\.dcm"):
            read_dicom(tmp_path)
    (tmp_path / "cut.dcm").write_bytes(content[: content.index(b"\x28\0\x10\0")])  # Rows
    with pytest.raises(InputError, match="ends before its Rows and Columns; it is damaged: copy"):
        read_dicom(tmp_path)


def test_what_only_begins_like_a_data_set_is_refused(tmp_path):
    (tmp_path / "x.dcm").write_bytes(b"\x08\x00" + bytes(range(256)) * 4)
    with pytest.raises(InputError, match=r"x\.dcm"):
        read_dicom(tmp_path / "x.dcm")
