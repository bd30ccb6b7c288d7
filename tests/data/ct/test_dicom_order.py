"""Two slices at one place are refused by the tag that tells them apart."""

import shutil

import numpy as np
import pytest

from theta0.data.ct import read_dicom
from theta0.errors import InputError, InputWarning

pytest.importorskip("pydicom", reason="pydicom is not installed")

AXIAL = [1, 0, 0, 0, 1, 0]


def stored(seed):
    return np.random.default_rng(seed).integers(0, 2000, (6, 8), dtype=np.uint16)


def write_stack(write_dicom, folder, first, **tags):
    for number in range(3):
        write_dicom(
            folder / f"{first + number}.dcm", stored(first + number), InstanceNumber=first + number,
            ImageOrientationPatient=AXIAL, ImagePositionPatient=[0, 0, 2.0 * number], **tags,
        )  # fmt: skip


@pytest.mark.parametrize(
    "tag, values",
    [
        ("AcquisitionNumber", (1, 2)), ("TemporalPositionIdentifier", (1, 2)),
        ("ContentTime", ("101500", "101530")), ("EchoNumbers", (1, 2)), ("KVP", (80, 140)),
        ("ConvolutionKernel", ("B30f", "B70f")), ("NominalPercentageOfCardiacPhase", (30, 70)),
        ("ImageType", (["ORIGINAL", "PRIMARY"], ["DERIVED", "PRIMARY"])),
    ],
)  # fmt: skip
def test_several_acquisitions_are_told_apart_and_refused(write_dicom, tmp_path, tag, values):
    for first, value in zip((0, 10), values, strict=True):
        write_stack(write_dicom, tmp_path, first, **{tag: value})
    words = rf"3 slices have the same position .* 0\.dcm and 10\.dcm, and differ in {tag} \("
    with pytest.raises(InputError, match=words) as caught:
        read_dicom(tmp_path)
    assert "give only those with one of these values" in str(caught.value)


def test_slices_at_one_place_that_nothing_tells_apart_are_refused(write_dicom, tmp_path):
    write_stack(write_dicom, tmp_path, 0)
    write_stack(write_dicom, tmp_path, 10)
    with pytest.raises(InputError, match="no tag tells them apart; leave out one of each"):
        read_dicom(tmp_path)


def test_phases_without_places_are_refused(write_dicom, tmp_path):
    for phase in (1, 2):
        tags = {"InstanceNumber": 7, "TemporalPositionIdentifier": phase}
        write_dicom(tmp_path / f"{phase}.dcm", stored(phase), **tags)
    with pytest.raises(InputError, match=r"same InstanceNumber .* TemporalPositionIdentifier"):
        read_dicom(tmp_path)


def test_a_copy_of_a_file_counts_once(write_dicom, tmp_path):
    write_stack(write_dicom, tmp_path, 0)
    shutil.copy(tmp_path / "1.dcm", tmp_path / "copy.dcm")
    with pytest.warns(InputWarning, match="1 files are copies of others and left out"):
        assert read_dicom(tmp_path).names == ("0.dcm", "1.dcm", "2.dcm")


def test_an_order_that_is_guessed_is_noted(write_dicom, tmp_path):
    for number in (0, 1):
        write_dicom(tmp_path / f"{number}.dcm", stored(number))
    with pytest.warns(InputWarning, match="neither position nor InstanceNumber"):
        read_dicom(tmp_path)
    for number in (0, 1):
        tags = (
            {"ImagePositionPatient": [0, 0, 1], "ImageOrientationPatient": AXIAL} if number else {}
        )
        write_dicom(tmp_path / f"{number}.dcm", stored(number), InstanceNumber=number, **tags)
    with pytest.warns(InputWarning, match="not all slices have a position"):
        read_dicom(tmp_path)


@pytest.mark.parametrize("heights", [(0, 5, 10, 20, 25), (0, 5, 15), (0, 10, 20, 25, 35)])
def test_slices_that_are_missing_are_noted(write_dicom, tmp_path, heights):
    for height in heights:
        tags = {"ImageOrientationPatient": AXIAL, "ImagePositionPatient": [0, 0, height]}
        write_dicom(tmp_path / f"{height}.dcm", stored(height), **tags)
    words = r"slices are 5 mm apart, but 10 mm at \d places, such as from \d+\.dcm to \d+\.dcm"
    with pytest.warns(InputWarning, match=words):
        assert len(read_dicom(tmp_path)) == len(heights)


def test_slices_that_are_turned_in_their_plane_are_refused(write_dicom, tmp_path):
    for height, plane in enumerate((AXIAL, [0, 1, 0, -1, 0, 0])):
        tags = {"ImageOrientationPatient": plane, "ImagePositionPatient": [0, 0, height]}
        write_dicom(tmp_path / f"{height}.dcm", stored(height), **tags)
    with pytest.raises(InputError, match=r"turned in their plane \(see 1\.dcm\)"):
        read_dicom(tmp_path)
