"""DICOM: units, order and errors, on files written by the tests."""

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theta0.data.ct import Window, read_dicom, read_slice
from theta0.errors import InputError, InputWarning, MissingExtra

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

ONE, OTHER = "1.2.826.0.1.1", "1.2.826.0.1.2"


def stored(seed: int = 0, shape: tuple[int, int] = (6, 8)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3000, shape, dtype=np.uint16)


@pytest.fixture(scope="session")
def write(write_dicom):
    """Write a slice, of random pixels by default."""
    return lambda path, pixels=None, series=ONE, **more: write_dicom(
        path, stored() if pixels is None else pixels, series, **more
    )


def windowed(hu: np.ndarray, low: float = -1000, high: float = 1000) -> np.ndarray:
    return np.clip((hu - low) / (high - low), 0, 1)


@pytest.mark.parametrize("compressed", [False, True])
def test_slope_intercept_and_window_are_applied(write, tmp_path, compressed):
    path = write(tmp_path / "x.dcm", compressed=compressed, RescaleSlope=0.5, RescaleIntercept=-700)
    slices = read_dicom(path, Window(-600.0, 400.0))
    expected = windowed(stored() * 0.5 - 700, -600, 400)
    np.testing.assert_allclose(slices.pixels, expected[None], atol=1e-6)
    assert slices.names == ("x.dcm",) and slices.groups == (ONE,)


def test_signed_pixels_without_rescale_tags_are_units_as_they_are(write, tmp_path):
    hu = np.random.default_rng(0).integers(-1000, 1000, (5, 5), dtype=np.int16)
    tags = {"PixelRepresentation": 1, "RescaleSlope": None, "RescaleIntercept": None}
    np.testing.assert_allclose(
        read_slice(write(tmp_path / "x.dcm", hu, **tags)), windowed(hu), atol=1e-6
    )


def test_monochrome1_is_inverted(write, tmp_path):
    plain = read_dicom(write(tmp_path / "a.dcm")).pixels
    path = write(tmp_path / "b.dcm", PhotometricInterpretation="MONOCHROME1")
    with pytest.warns(InputWarning, match="MONOCHROME1: high values are dark"):
        np.testing.assert_allclose(read_dicom(path).pixels, 1 - plain, atol=1e-7)


def test_slices_are_sorted_along_their_normal_not_by_name_or_number(write, tmp_path):
    """An oblique stack, in which names, numbers and single coordinates have other orders."""
    across, down = np.array([0.0, 0.6, 0.8]), np.array([1.0, 0.0, 0.0])
    normal = np.cross(across, down)
    for number, height in enumerate([3.0, 1.0, 2.0, 0.0]):
        sideways = 10 * number * across  # shifts within the plane must not count
        write(
            tmp_path / "deep" / f"{number}.dcm",
            np.full((4, 4), 1024 + 100 * int(height), np.uint16),
            ImageOrientationPatient=[*across, *down],
            ImagePositionPatient=list(height * normal + sideways),
            InstanceNumber=number,
        )
    with pytest.warns(InputWarning, match="its slices are coronal, not axial; they are read as"):
        slices = read_dicom(tmp_path)
    assert slices.names == ("deep/3.dcm", "deep/1.dcm", "deep/2.dcm", "deep/0.dcm")
    np.testing.assert_allclose(slices.pixels[:, 0, 0], windowed(np.arange(4) * 100), atol=1e-6)


@pytest.mark.parametrize(
    "plane, turn",
    [
        ([1, 0, 0, 0, 1, 0], lambda axial: axial),
        ([-1, 0, 0, 0, -1, 0], lambda axial: axial[::-1, ::-1]),
        ([-1, 0, 0, 0, 1, 0], lambda axial: axial[:, ::-1]),
        ([1, 0, 0, 0, -1, 0], lambda axial: axial[::-1]),
        ([0, 1, 0, 1, 0, 0], lambda axial: axial.T),
        ([0, 1, 0, -1, 0, 0], lambda axial: axial.T[::-1]),
    ],
)
def test_axial_slices_are_turned_as_radiology_shows_them(write, tmp_path, plane, turn):
    """As NIfTI: rows from front to back, columns from right to left, slices from the feet up."""
    heights = [0.0, 10.0, 5.0]
    for number, height in enumerate(heights):
        pixels = np.ascontiguousarray(turn(stored(number)))
        tags = {"ImageOrientationPatient": plane, "ImagePositionPatient": [-5, 5, height]}
        write(tmp_path / f"{number}.dcm", pixels, PixelSpacing=[0.7, 0.7], **tags)
    slices = read_dicom(tmp_path)
    assert slices.names == ("0.dcm", "2.dcm", "1.dcm")
    expected = [windowed(stored(number) - 1024.0) for number in (0, 2, 1)]
    np.testing.assert_allclose(slices.pixels, expected, atol=1e-6)


def test_a_tilted_gantry_is_noted(write, tmp_path):
    tilt = np.deg2rad(15)
    write(
        tmp_path / "x.dcm",
        ImageOrientationPatient=[1, 0, 0, 0, np.cos(tilt).round(6), -np.sin(tilt).round(6)],
    )
    with pytest.warns(InputWarning, match="oblique by 15 degrees"):
        read_dicom(tmp_path)


def test_each_slice_of_a_series_has_its_own_slope_and_intercept(write, tmp_path):
    scales = [(1, -1024), (0.5, -600), (2, -2000)]
    for number, (slope, intercept) in enumerate(scales):
        tags = {"RescaleSlope": slope, "RescaleIntercept": intercept, "InstanceNumber": number}
        write(tmp_path / f"{number}.dcm", **tags)
    expected = [windowed(float(slope) * stored() + intercept) for slope, intercept in scales]
    np.testing.assert_allclose(read_dicom(tmp_path).pixels, expected, atol=1e-6)


def test_without_positions_instance_numbers_decide(write, tmp_path):
    for name, number in [("a", 10), ("b", 9), ("c", 1)]:
        write(tmp_path / f"{name}.dcm", InstanceNumber=number, PatientID="P7")
    slices = read_dicom(tmp_path)
    assert slices.names == ("c.dcm", "b.dcm", "a.dcm") and slices.groups == ("P7",) * 3
    np.testing.assert_array_equal(read_slice(tmp_path, index=1), slices.pixels[1])


def test_other_files_and_hidden_ones_are_passed_over(write, tmp_path):
    write(tmp_path / "IM0001")  # DICOM files often have no suffix
    write(tmp_path / ".cache" / "x.dcm", series=OTHER)
    (tmp_path / "README.txt").write_text("notes")
    with pytest.warns(InputWarning, match=r"1 files .* not DICOM .* such as README\.txt"):
        assert read_dicom(tmp_path).names == ("IM0001",)


def test_two_series_are_refused_by_name(write, tmp_path):
    write(tmp_path / "a.dcm", series=ONE, SeriesDescription="lung")
    write(tmp_path / "b.dcm", series=OTHER, SeriesDescription="bone")
    with pytest.raises(InputError, match=rf"2 series, 'lung' {ONE} \(1 files\), 'bone' {OTHER}"):
        read_dicom(tmp_path)


def test_mixed_orientations_and_sizes_are_refused(write, tmp_path):
    for name, plane in [("a", [1, 0, 0, 0, 1, 0]), ("b", [1, 0, 0, 0, 0, 1])]:
        write(tmp_path / "x" / name, ImageOrientationPatient=plane, ImagePositionPatient=[0, 0, 0])
    with pytest.raises(InputError, match="point in different directions"):
        read_dicom(tmp_path / "x")
    write(tmp_path / "y" / "a")
    write(tmp_path / "y" / "b", stored(shape=(6, 10)))
    with pytest.raises(InputError, match=r"b: is 6 x 10 pixels but .*a is 6 x 8"):
        read_dicom(tmp_path / "y")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"PixelData": None}, "has no pixel data"),
        ({"PixelData": bytes(10)}, "cannot be decoded"),
        ({"BitsStored": None}, "has no tag BitsStored"),
        ({"Rows": None}, "holds no picture"),
        ({"Rows": 1, "Columns": 1}, "holds no picture"),
        ({"SamplesPerPixel": 3}, "3 values per pixel"),
        ({"RescaleSlope": 0}, "tag RescaleSlope is 0"),
    ],
)
def test_unusable_files_are_named_in_one_line(write, tmp_path, tags, message):
    path = write(tmp_path / "x.dcm", **tags)
    with pytest.raises(InputError, match=message) as caught:
        read_dicom(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_compression_no_decoder_knows_is_named(write, tmp_path):
    path = write(tmp_path / "x.dcm", compressed=True)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2.4.100")  # MPEG2
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"MPEG2.*cannot be decoded: convert it to uncompressed"):
        read_dicom(path)


def test_damaged_and_foreign_files_are_refused(write, tmp_path):
    path = write(tmp_path / "x.dcm")
    content = path.read_bytes()
    for length in (100, 140, len(content) // 2, len(content) - 20):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"x\.dcm"):
            read_dicom(path)
    path.write_text("no DICOM")
    with pytest.raises(InputError, match="does not begin as DICOM files do"):
        read_dicom(path)
    with pytest.raises(InputError, match="no such file"):
        read_dicom(tmp_path / "absent")


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_is_survived_or_reported(write, tmp_path_factory, data):
    """Random bytes give tags of unknown types, lists for numbers and wrong lengths."""
    folder = tmp_path_factory.getbasetemp() / "damage"
    tags = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 0]}
    path = write(folder / "x.dcm", stored(shape=(3, 3)), **tags)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(128, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of what it repairs
        try:
            slices = read_dicom(path)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert slices.pixels.min() >= 0 and slices.pixels.max() <= 1


def test_memory_is_checked_by_the_headers_alone(write, tmp_path):
    path = write(tmp_path / "x.dcm", Rows=60_000, Columns=60_000)
    with pytest.raises(InputError, match="GiB of memory, more than the limit"):
        read_dicom(path)


def test_missing_pydicom_names_the_install_command(write, tmp_path, monkeypatch):
    path = write(tmp_path / "x.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(MissingExtra, match=r"pip install 'theta0\[dicom\]'"):
        read_dicom(path)
