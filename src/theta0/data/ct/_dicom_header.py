"""Reads the tags of a DICOM file that say what its values are and where its slices lie.

Tags of Enhanced (multi-frame) files stand in functional groups, of a frame or shared by all; those
go before tags of the whole file. An empty tag counts as absent.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.data._files import check_expansion
from theta0.data.ct._dicom_files import errors_name, open_dataset, require_pydicom
from theta0.data.ct._dicom_tags import Tags
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

MOMENTS = (
    "AcquisitionNumber", "TemporalPositionIdentifier", "TemporalPositionIndex",
    "TemporalPositionTimeOffset", "NominalPercentageOfCardiacPhase",
    "NominalCardiacTriggerDelayTime", "TriggerTime", "StackID", "EchoNumbers", "ConvolutionKernel",
    "ReconstructionAlgorithm", "KVP", "ImageType", "ContrastBolusAgent", "AcquisitionDateTime",
    "AcquisitionTime", "FrameAcquisitionDateTime", "ContentTime", "SliceThickness",
    "ReconstructionDiameter",
)  # fmt: skip
"""Tags that tell one slice from another of the same place, the most telling first."""

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice of a file: a frame, or all of it.

    Attributes:
        file: Where it is.
        number: Counted from 0; None if the file has one frame.
        shape: Rows and columns.
        scale: Slope and intercept, from stored values to Hounsfield units; None for a lookup table.
        padding: The stored values, least and most, that mean that nothing is known.
        position: In mm, of the first pixel.
        axes: Directions along a row and down a column, of length 1.
        spacing: Distance between rows, and between columns.
        instance: InstanceNumber, or the place in the file.
        moments: Of `MOMENTS`, those that are there.
    """

    file: Path
    number: int | None
    shape: tuple[int, int]
    scale: tuple[float, float] | None
    padding: tuple[int, int] | None
    position: tuple[float, ...] | None
    axes: Float[np.ndarray, "2 3"] | None
    spacing: tuple[float, float] | None
    instance: float | None
    moments: dict[str, str]


@dataclass(frozen=True, eq=False)
class Header:
    """What holds for all frames of a file.

    Attributes:
        series: Identifier.
        description: Of the series, for messages.
        patient: Identifier.
        inverted: High values are dark.
        localizer: It is an overview, which is no slice.
        remarks: What a user should know of how its values are read.
        frames: Its slices.
    """

    series: str
    description: str
    patient: str
    inverted: bool
    localizer: bool
    remarks: tuple[str, ...]
    frames: tuple[Frame, ...]


def read_header(file: Path) -> Header | None:
    """Read the tags of a file; None if it holds no picture, such as a report.

    Raises:
        InputError: A tag is wrong, or the values are not Hounsfield units.
    """
    dataset = open_dataset(file, with_pixels=False)
    tags = Tags(file, [dataset])
    if tags.get("Rows") is None and tags.get("Columns") is None:
        _refuse_cut(file, dataset, tags)
        return None
    inverted = _inverted(file, tags)
    frames, remarks = _frames(file, dataset, tags)
    if inverted:
        remarks.add("MONOCHROME1: high values are dark, so it is inverted")
    return Header(
        series=tags.text("SeriesInstanceUID"),
        description=tags.text("SeriesDescription"),
        patient=tags.text("PatientID"),
        inverted=inverted,
        localizer="LOCALIZER" in tags.text("ImageType").upper(),
        remarks=tuple(sorted(remarks)),
        frames=frames,
    )


def _refuse_cut(file: Path, dataset: Any, tags: Tags) -> None:
    """Refuse a file that should hold a picture: what it is stands before its Rows and Columns."""
    meta, uid = Tags(file, [dataset.file_meta]), require_pydicom().uid.UID
    with errors_name(file):
        kinds = uid(tags.text("SOPClassUID")), uid(meta.text("MediaStorageSOPClassUID"))
        known = [kind.name for kind in kinds if kind.name != kind]
    # A file may end even within its kind, which comes before its modality.
    if "Image Storage" in known[0] if known else tags.get("Modality") is None:
        raise InputError(
            f"{file}: says that it is a picture, but ends before its Rows and Columns; it is "
            "damaged: copy it again, or leave it out"
        )


def _inverted(file: Path, tags: Tags) -> bool:
    """Whether high values are dark; refuses colours."""
    kind = tags.text("PhotometricInterpretation").upper() or "MONOCHROME2"
    samples = tags.whole("SamplesPerPixel", 1) or 1
    if kind not in ("MONOCHROME1", "MONOCHROME2") or samples > 1:
        raise InputError(
            f"{file}: is {kind} (PhotometricInterpretation), with {samples} values per pixel, "
            "not grey; export the original CT slices"
        )
    return kind == "MONOCHROME1"


def _frames(file: Path, dataset: Any, tags: Tags) -> tuple[tuple[Frame, ...], set[str]]:
    """The frames, and remarks on them."""
    count = tags.whole("NumberOfFrames", 1) or 1
    shape = (tags.whole("Rows", 0) or 0, tags.whole("Columns", 0) or 0)
    if shape[0] * shape[1] < 2:
        raise InputError(f"{file}: holds no picture ({shape[0]} x {shape[1]} pixels); leave it out")
    shared, own = (
        tags.groups(f"{kind}FunctionalGroupsSequence") for kind in ("Shared", "PerFrame")
    )
    _check_count(file, count, shape, len(own))
    found: list[Frame] = []
    remarks: set[str] = set()
    for number in range(count):
        if number and not own:  # nothing tells the frames apart
            found.append(replace(found[0], number=number, instance=float(number)))
            continue
        # A functional group is a sequence of one data set.
        groups = [Tags(file, [item]) for item in (*own[number : number + 1], *shared[:1])]
        inner = [item for group in groups for name in _GROUPS for item in group.groups(name)[:1]]
        of_frame = Tags(file, [*inner, dataset])
        found.append(_frame(file, number if count > 1 else None, shape, of_frame))
        remarks |= _checked_units(file, of_frame, found[-1])
    if count > 1 and not own:  # a position would be that of all of them
        found = [replace(frame, position=None) for frame in found]
    return tuple(found), remarks


def _check_count(file: Path, count: int, shape: tuple[int, int], described: int) -> None:
    """Refuse more frames than there can be, before anything is made for each of them."""
    if described not in (0, count):
        raise InputError(
            f"{file}: has {count} frames (NumberOfFrames) but tags for {described} "
            "(PerFrameFunctionalGroupsSequence); export it again"
        )
    if count > file.stat().st_size:
        raise InputError(
            f"{file}: its tag NumberOfFrames is {count}, more than the file has bytes; correct it"
        )
    pixels = count * shape[0] * shape[1]
    check_memory(file, 4 * pixels, MAX_BYTES, "split it")
    check_expansion(file, file.stat().st_size, 2 * pixels)


_GROUPS = (
    "PixelValueTransformationSequence", "PixelMeasuresSequence", "PlanePositionSequence",
    "PlaneOrientationSequence", "FrameContentSequence", "CTImageFrameTypeSequence",
    "CardiacSynchronizationSequence", "CTReconstructionSequence", "TemporalPositionSequence",
    "CTXRayDetailsSequence",
)  # fmt: skip
"""Functional groups with tags that matter."""


def _frame(file: Path, number: int | None, shape: tuple[int, int], tags: Tags) -> Frame:
    lookup = tags.groups("ModalityLUTSequence")
    instance = tags.number("InstanceNumber") if number is None else float(number)
    values = {keyword: tags.text(keyword) for keyword in MOMENTS}
    return Frame(
        file=file,
        number=number,
        shape=shape,
        scale=None if lookup else _scale(file, tags),
        padding=_padding(tags),
        position=tags.numbers("ImagePositionPatient", 3),
        axes=_axes(file, tags),
        spacing=_spacing(tags),
        instance=instance,
        moments={keyword: value for keyword, value in values.items() if value},
    )


def _scale(file: Path, tags: Tags) -> tuple[float, float]:
    slope, intercept = tags.number("RescaleSlope"), tags.number("RescaleIntercept")
    if slope == 0:
        raise InputError(f"{file}: its tag RescaleSlope is 0, so all values are one; correct it")
    return (1.0 if slope is None else slope), intercept or 0.0


def _padding(tags: Tags) -> tuple[int, int] | None:
    value = tags.number("PixelPaddingValue")
    if value is None:
        return None
    limit = tags.number("PixelPaddingRangeLimit")
    ends = sorted((int(value), int(value if limit is None else limit)))
    return ends[0], ends[1]


def _axes(file: Path, tags: Tags) -> Float[np.ndarray, "2 3"] | None:
    """The directions of a row and a column, or None if the tag is missing."""
    orientation = tags.numbers("ImageOrientationPatient", 6)
    if orientation is None:
        return None
    axes = np.reshape(orientation, (2, 3))
    with np.errstate(over="ignore"):  # told below
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    if not (lengths.all() and np.isfinite(lengths).all() and np.cross(*axes / lengths).any()):
        raise InputError(
            f"{file}: its tag ImageOrientationPatient is {orientation}, which are no directions; "
            "correct the tag"
        )
    return axes / lengths


def _spacing(tags: Tags) -> tuple[float, float] | None:
    """Distance between rows, and between columns."""
    for keyword in (
        "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"
    ):  # fmt: skip
        if (found := tags.numbers(keyword, 2)) is not None:
            return found[0], found[1]
    return None


def _checked_units(file: Path, tags: Tags, frame: Frame) -> set[str]:
    """Refuse values that are not Hounsfield units; return remarks on those that nearly are."""
    lookup = tags.groups("ModalityLUTSequence")
    named = (Tags(file, lookup), "ModalityLUTType") if lookup else (tags, "RescaleType")
    kind, modality = named[0].text(named[1]).upper(), tags.text("Modality").upper()
    if kind not in ("", "HU", "HU_MOD", "US"):
        what = f"values of {named[1]} {kind}"
    elif kind != "HU" and modality not in ("", "CT"):
        what = f"values of modality {modality}"
    elif frame.scale == (1.0, 0.0) and _is_picture(tags):
        what = "grey levels of a picture, without RescaleSlope and RescaleIntercept"
    else:
        remarks = set()
        if kind in ("HU_MOD", "US"):
            remarks.add(f"values of {named[1]} {kind} are taken as Hounsfield units")
        if lookup and tags.get("RescaleSlope") is not None:
            remarks.add("ModalityLUTSequence is applied, and RescaleSlope ignored")
        return remarks
    raise InputError(
        f"{file}: holds {what}, not Hounsfield units; give the original CT slices, or save values "
        "in [0, 1] as a .npy file of floats"
    )


def _is_picture(tags: Tags) -> bool:
    captured = tags.text("SOPClassUID").startswith(_SECONDARY_CAPTURE)
    return captured or (tags.whole("BitsAllocated", 1) or 16) <= 8
