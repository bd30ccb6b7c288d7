"""DICOM tags that change what values mean or where pixels lie are heeded, or refused by name."""

import numpy as np
import pytest

from theta0.data.ct import read_dicom
from theta0.errors import InputError, InputWarning

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

from pydicom.dataset import Dataset  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402

HU = np.random.default_rng(0).integers(-1000, 1000, (6, 8), dtype=np.int16)
STORED = (HU + 1024).astype(np.uint16)


def windowed(hu):
    return np.clip((np.asarray(hu, float) + 1000) / 2000, 0, 1)


def item(**tags):
    dataset = Dataset()
    for tag, value in tags.items():
        setattr(dataset, tag, value)
    return Sequence([dataset])


def transformation(slope, intercept, kind="HU"):
    return item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType=kind)


PLAIN = {"RescaleSlope": None, "RescaleIntercept": None}
SIGNED = {**PLAIN, "PixelRepresentation": 1}


def reads_hu(path):
    pixels = read_dicom(path).pixels
    np.testing.assert_allclose(pixels, windowed(HU)[None], atol=1e-6)


@pytest.mark.parametrize("slope", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("where", ["Shared", "PerFrame"])
def test_rescaling_of_functional_groups_goes_before_that_of_the_file(
    write_dicom, tmp_path, slope, where
):
    stored = np.round((HU + 1024) / slope).astype(np.uint16)
    group = item(PixelValueTransformationSequence=transformation(slope, -1024))
    path = write_dicom(
        tmp_path / "x.dcm",
        stored,
        RescaleIntercept=-7,
        **{f"{where}FunctionalGroupsSequence": group},
    )
    expected = windowed(stored * slope - 1024)
    np.testing.assert_allclose(read_dicom(path).pixels[0], expected, atol=1e-6)


def test_each_frame_has_its_own_rescaling_and_place(write_dicom, tmp_path):
    """Three frames, stored neither upwards nor downwards."""
    slices = [HU, HU // 2, HU[::-1]]
    frames, places = [], [5.0, -1.0, 2.0]
    scales = [(1, -1024), (2, -1000), (0.5, -1200)]
    for (slope, intercept), place in zip(scales, places, strict=True):
        groups = item(
            PixelValueTransformationSequence=transformation(slope, intercept),
            PlanePositionSequence=item(ImagePositionPatient=[0, 0, place]),
        )[0]
        frames.append(groups)
    stored = [
        np.round((one - intercept) / slope).astype(np.uint16)
        for one, (slope, intercept) in zip(slices, scales, strict=True)
    ]
    shared = item(PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]))
    path = write_dicom(
        tmp_path / "x.dcm", stored[0], NumberOfFrames=3, PixelData=np.stack(stored).tobytes(),
        SharedFunctionalGroupsSequence=shared, PerFrameFunctionalGroupsSequence=Sequence(frames),
        **PLAIN,
    )  # fmt: skip
    found = read_dicom(path)
    assert found.names == ("x.dcm/0001", "x.dcm/0002", "x.dcm/0000")
    values = [s.astype(float) * a + b for s, (a, b) in zip(stored, scales, strict=True)]
    np.testing.assert_allclose(found.pixels, windowed([values[i] for i in (1, 2, 0)]), atol=1e-6)


def test_frames_without_places_are_read_as_stored_with_a_note(write_dicom, tmp_path):
    stack = np.stack([STORED, STORED[::-1]])
    # A single position, of the file, is that of none of them.
    place = {"ImagePositionPatient": [0, 0, 1], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    for tags in ({}, place):
        frames = {"NumberOfFrames": 2, "PixelData": stack.tobytes()}
        path = write_dicom(tmp_path / "x.dcm", STORED, **frames, **tags)
        with pytest.warns(InputWarning, match="frames have no position; they are read as they are"):
            found = read_dicom(path)
        np.testing.assert_allclose(found.pixels, windowed([HU, HU[::-1]]), atol=1e-6)


@pytest.mark.parametrize(
    "tags, message",
    [
        ({"NumberOfFrames": 10**9}, "NumberOfFrames is 1000000000, more than the file has bytes"),
        ({"NumberOfFrames": 2, "PerFrameFunctionalGroupsSequence": item(KVP=1)}, "tags for 1 "),
    ],
)
def test_impossible_numbers_of_frames_are_refused(write_dicom, tmp_path, tags, message):
    path = write_dicom(tmp_path / "x.dcm", STORED, **tags)
    with pytest.raises(InputError, match=message):
        read_dicom(path)


@pytest.mark.parametrize("first", [0, 24])
def test_a_lookup_table_is_applied(write_dicom, tmp_path, first):
    entries = np.arange(4096) - 1024 + first
    table = item(
        LUTDescriptor=[4096, first, 16], ModalityLUTType="HU",
        LUTData=entries.astype("<i2").tobytes(),
    )  # fmt: skip
    table[0]["LUTData"].VR = "OW"
    path = write_dicom(tmp_path / "x.dcm", STORED, ModalityLUTSequence=table, **PLAIN)
    reads_hu(path)


def test_a_lookup_table_of_another_unit_is_refused(write_dicom, tmp_path):
    table = item(LUTDescriptor=[4096, 0, 16], ModalityLUTType="OD", LUTData=bytes(8192))
    table[0]["LUTData"].VR = "OW"
    path = write_dicom(tmp_path / "x.dcm", STORED, ModalityLUTSequence=table, **PLAIN)
    with pytest.raises(InputError, match="ModalityLUTType OD, not Hounsfield units"):
        read_dicom(path)


@pytest.mark.parametrize(
    "tags, message",
    [
        ({"Modality": "MR"}, "holds values of modality MR, not Hounsfield units"),
        ({"Modality": "PT", "RescaleType": "US"}, "modality PT"),
        ({"RescaleType": "OD"}, "RescaleType OD"),
        ({"RescaleType": "Z_EFF"}, "RescaleType Z_EFF"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", **SIGNED}, "grey levels of a picture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "an overview"),
    ],
)
def test_values_that_are_not_hounsfield_units_are_refused(write_dicom, tmp_path, tags, message):
    path = write_dicom(tmp_path / "x.dcm", STORED, **tags)
    with pytest.raises(InputError, match=message):
        read_dicom(path)


@pytest.mark.parametrize("modality", ["", None, "MR"])
def test_values_that_are_said_to_be_hounsfield_units_are_taken(write_dicom, tmp_path, modality):
    reads_hu(write_dicom(tmp_path / "x.dcm", STORED, Modality=modality, RescaleType="HU"))


def test_units_that_are_not_said_are_noted(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "x.dcm", STORED, RescaleType="US")
    with pytest.warns(InputWarning, match="RescaleType US are taken as Hounsfield units"):
        reads_hu(path)


@pytest.mark.parametrize("kind", ["PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "HSV"])
def test_colours_are_refused(write_dicom, tmp_path, kind):
    path = write_dicom(tmp_path / "x.dcm", STORED, PhotometricInterpretation=kind)
    with pytest.raises(InputError, match=rf"is {kind} \(PhotometricInterpretation\)"):
        read_dicom(path)


@pytest.mark.parametrize("empty", [("RescaleSlope",), ("RescaleIntercept",), tuple(PLAIN)])
def test_an_empty_tag_counts_as_absent(write_dicom, tmp_path, empty):
    tags = {"PixelRepresentation": 1, "RescaleSlope": 1, "RescaleIntercept": 0}
    more = ("InstanceNumber", "PixelSpacing", "ImagePositionPatient", "PixelPaddingValue")
    path = write_dicom(tmp_path / "x.dcm", HU, **tags, **dict.fromkeys(more, ""))
    dataset = pydicom.dcmread(path)
    for tag in empty:
        setattr(dataset, tag, "")
    dataset.save_as(path)
    reads_hu(path)


@pytest.mark.parametrize(
    "tag, value",
    [
        ("RescaleIntercept", "-1024,0"), ("RescaleSlope", "one"), ("PixelSpacing", "1,0\\1,0"),
        ("ImagePositionPatient", "0\\0"), ("ImageOrientationPatient", "a\\b\\c\\d\\e\\f"),
        ("InstanceNumber", "first"), ("NumberOfFrames", "two"),
        ("RescaleSlope", "nan"), ("RescaleSlope", "1\\2"),
    ],
)  # fmt: skip
def test_a_wrong_tag_is_named_and_pixels_are_not_blamed(write_dicom, tmp_path, tag, value):
    path = write_dicom(tmp_path / "x.dcm", STORED)
    dataset = pydicom.dcmread(path)
    number = pydicom.tag.Tag(tag)
    dataset[tag] = pydicom.dataelem.DataElement(number, "LO", value.split("\\"))
    dataset.save_as(path)
    # As text, which pydicom writes unchecked, then with the type that the tag has.
    begin = number.group.to_bytes(2, "little") + number.element.to_bytes(2, "little")
    kind = pydicom.datadict.dictionary_VR(number).encode()
    content = path.read_bytes()
    assert content.count(begin + b"LO") == 1
    path.write_bytes(content.replace(begin + b"LO", begin + kind))
    with pytest.raises(InputError, match=rf"tag {tag} cannot be read") as caught:
        read_dicom(path)
    assert "pixels" not in str(caught.value) and "damaged" not in str(caught.value)


@pytest.mark.parametrize(
    "tags",
    [
        {"PixelSpacing": [1, 2]},
        {"ImagerPixelSpacing": [0.4, 0.8]},
        {"NominalScannedPixelSpacing": [1, 2]},
        {"PixelAspectRatio": [1, 2]},
        {"SharedFunctionalGroupsSequence": item(PixelMeasuresSequence=item(PixelSpacing=[1, 2]))},
        {"PixelSpacing": [1, 2], "PixelAspectRatio": [2, 1]},
    ],
)
def test_pixels_twice_as_wide_as_high_become_square(write_dicom, tmp_path, tags):
    path = write_dicom(tmp_path / "x.dcm", STORED, **tags)
    with pytest.warns(InputWarning, match=r"resampled to squares .6 x 8 to 6 x 16 pixels."):
        pixels = read_dicom(path).pixels[0]
    assert pixels.shape == (6, 16)
    # Each pair of columns lies a quarter of a pixel beside the middle of a stored one.
    own = windowed(HU)
    np.testing.assert_allclose(pixels[:, 3], 0.75 * own[:, 1] + 0.25 * own[:, 2], atol=1e-5)


@pytest.mark.parametrize("spacing", [[0, 1], [1, -1], [1, 1000], [1e-6, 1]])
def test_impossible_pixels_are_refused(write_dicom, tmp_path, spacing):
    path = write_dicom(tmp_path / "x.dcm", STORED, PixelSpacing=spacing)
    with pytest.raises(InputError, match="correct the header"):
        read_dicom(path)


def test_slices_of_different_pixels_are_no_stack(write_dicom, tmp_path):
    for number, spacing in enumerate([0.7, 0.9]):
        write_dicom(
            tmp_path / f"{number}", STORED, PixelSpacing=[spacing] * 2, InstanceNumber=number
        )
    with pytest.raises(InputError, match=r"0.7 x 0.7 mm in 0 but 0.9 x 0.9 mm in 1"):
        read_dicom(tmp_path)
