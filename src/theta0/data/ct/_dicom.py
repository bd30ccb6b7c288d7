"""Reads a DICOM series as a stack of slices, in the units of its rescale tags (HU for CT)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.data._files import existing_file, reason, visible_files
from theta0.errors import InputError, MissingExtra
from theta0.memory import check_memory

_PIXEL_TAGS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Transfer syntaxes of uncompressed pixels, little or big endian."""


@dataclass(frozen=True, eq=False)
class Series:
    """Slices, ordered along the normal of their plane.

    Attributes:
        values: float32, after rescale slope and intercept.
        names: File names, relative to the folder.
        group: The identifier of the patient, or of the series if there is none.
        inverted: High values are to be shown dark (MONOCHROME1).
    """

    values: Float[np.ndarray, "slices height width"]
    names: tuple[str, ...]
    group: str
    inverted: bool


@dataclass(frozen=True, eq=False)
class _Header:
    """The tags that identify a slice; `plane` is its position in mm and its unit normal."""

    series: str
    description: str
    patient: str
    shape: tuple[int, int]
    frames: int
    samples: int
    instance: float
    plane: tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]] | None
    inverted: bool


def read_series(path: str | Path, max_bytes: int) -> Series:
    """Read a DICOM file, or all DICOM files below a folder, which must be of one series.

    Raises:
        InputError: The files are not DICOM, belong to several series, or cannot be decoded.
        MissingExtra: pydicom is not installed.
    """
    try:
        import pydicom
        from pydicom.misc import is_dicom
    except ImportError as error:
        raise MissingExtra("reading DICOM needs pydicom: pip install 'theta0[dicom]'") from error

    path = Path(path)
    folder = path if path.is_dir() else path.parent
    files: list[Path] = []
    for file in _candidates(path) if path.is_dir() else [existing_file(path)]:
        with _errors_name(file):
            files += [file] if is_dicom(file) else []
    if not files:
        raise InputError(f"{path}: holds no DICOM file; give a .dcm file or a folder of one series")

    headers = {file: _read_header(pydicom, file) for file in files}
    _check_one_series(path, headers)
    height, width = _shape(headers)
    # A float32 stack and, while one slice is decoded, a float64 copy of that slice.
    needed = (4 * len(files) + 8) * height * width
    check_memory(path, needed, max_bytes, "read fewer slices at a time")

    ordered = _in_order(path, headers)
    values = np.empty((len(ordered), height, width), np.float32)
    for row, file in enumerate(ordered):
        values[row] = _read_pixels(pydicom, file, (height, width))
    first = headers[ordered[0]]
    group = first.patient or first.series or path.stem
    names = tuple(file.relative_to(folder).as_posix() for file in ordered)
    return Series(values, names, group, first.inverted)


def _candidates(folder: Path) -> list[Path]:
    """All visible files except DICOMDIR, an index without pixels."""
    files = visible_files(folder)
    return sorted(file for file in files if file.is_file() and file.name != "DICOMDIR")


@contextmanager
def _errors_name(file: Path) -> Iterator[None]:
    """Turn any exception of a damaged file into a one-line error that names the file."""
    try:
        yield
    except Exception as error:
        raise InputError(
            f"{file}: cannot be read as DICOM ({reason(error)}); export it again"
        ) from error


def _read_header(pydicom: Any, file: Path) -> _Header:
    with _errors_name(file):  # pydicom parses tags lazily: all of them here
        tags = pydicom.dcmread(file, stop_before_pixels=True)
        return _Header(
            series=str(tags.get("SeriesInstanceUID") or ""),
            description=str(tags.get("SeriesDescription") or ""),
            patient=str(tags.get("PatientID") or ""),
            shape=(int(tags.get("Rows") or 0), int(tags.get("Columns") or 0)),
            frames=int(tags.get("NumberOfFrames") or 1),
            samples=int(tags.get("SamplesPerPixel") or 1),
            instance=_instance_number(tags),
            plane=_plane(tags),
            inverted=tags.get("PhotometricInterpretation") == "MONOCHROME1",
        )


def _check_one_series(path: Path, headers: dict[Path, _Header]) -> None:
    counts = Counter(header.series for header in headers.values())
    if len(counts) > 1:
        descriptions = {header.series: header.description for header in headers.values()}
        found = ", ".join(
            f"{descriptions[series]!r} {series} ({count} files)"
            for series, count in sorted(counts.items())
        )
        raise InputError(
            f"{path}: holds {len(counts)} series, {found}; give a folder with one of them"
        )


def _shape(headers: dict[Path, _Header]) -> tuple[int, int]:
    """Return the height and width that all files share."""
    shapes: dict[tuple[int, int], Path] = {}
    for file, header in headers.items():
        if header.frames != 1 or header.samples != 1:
            raise InputError(
                f"{file}: has {header.frames} frames of {header.samples} values per pixel; only "
                "single grey slices are supported: split it, for instance with dcm4che's emf2sf"
            )
        shape = header.shape
        if shape[0] * shape[1] < 2:
            raise InputError(
                f"{file}: holds no picture ({shape[0]} x {shape[1]} pixels); leave it out"
            )
        shapes.setdefault(shape, file)
    if len(shapes) > 1:
        (one, one_file), (other, other_file) = list(shapes.items())[:2]
        raise InputError(
            f"{other_file}: is {other[0]} x {other[1]} pixels but {one_file} is "
            f"{one[0]} x {one[1]}; give slices of one size"
        )
    return next(iter(shapes))


def _in_order(path: Path, headers: dict[Path, _Header]) -> list[Path]:
    """Sort by position along the slice normal, or by InstanceNumber where positions are missing."""
    instance = {file: header.instance for file, header in headers.items()}
    planes = {file: header.plane for file, header in headers.items() if header.plane is not None}
    if len(planes) < len(headers):
        return sorted(headers, key=lambda file: (instance[file], file.as_posix()))
    normal = next(iter(planes.values()))[1]
    for file, (_, other) in planes.items():
        if float(other @ normal) < 0.999:
            raise InputError(
                f"{path}: slices point in different directions (see {file.name}); "
                "leave out localizers and keep one orientation"
            )
    along = {file: float(position @ normal) for file, (position, _) in planes.items()}
    return sorted(headers, key=lambda file: (along[file], instance[file], file.as_posix()))


def _instance_number(tags: Any) -> float:
    try:
        return float(tags.get("InstanceNumber"))
    except (TypeError, ValueError):
        return 0.0


def _plane(tags: Any) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]] | None:
    """Return the position in mm and the unit normal of a slice, or None if the tags are missing."""
    position = _numbers(tags.get("ImagePositionPatient"), 3)
    orientation = _numbers(tags.get("ImageOrientationPatient"), 6)
    if position is None or orientation is None:
        return None
    normal = np.cross(orientation[:3], orientation[3:])
    length = float(np.linalg.norm(normal))
    return (position, normal / length) if length > 0 else None


def _numbers(values: Sequence[Any] | None, count: int) -> Float[np.ndarray, " count"] | None:
    try:
        array = np.asarray([float(value) for value in values or ()])
    except (TypeError, ValueError):
        return None
    return array if array.shape == (count,) and np.isfinite(array).all() else None


def _read_pixels(
    pydicom: Any, file: Path, shape: tuple[int, int]
) -> Float[np.ndarray, "height width"]:
    """Decode one slice and apply its rescale slope and intercept."""
    with _errors_name(file):
        dataset = pydicom.dcmread(file)
    if not any(tag in dataset for tag in _PIXEL_TAGS):
        raise InputError(f"{file}: has no pixel data; leave it out or export it again")
    try:
        stored = np.asarray(dataset.pixel_array, np.float64)
        slope = float(dataset.get("RescaleSlope", 1.0))
        intercept = float(dataset.get("RescaleIntercept", 0.0))
    except Exception as error:  # decoders raise many types
        syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        if syntax in _UNCOMPRESSED:
            raise InputError(
                f"{file}: its pixels cannot be decoded, as they are damaged or truncated; copy it "
                f"again ({reason(error)})"
            ) from error
        raise InputError(
            f"{file}: its pixels ({getattr(syntax, 'name', 'unknown encoding')}) cannot be "
            "decoded: convert it to uncompressed (gdcmconv --raw) or pip install "
            f"'pylibjpeg[all]'; pydicom says: {reason(error)}"
        ) from error
    if stored.shape != shape or slope == 0 or not np.isfinite([slope, intercept]).all():
        raise InputError(
            f"{file}: has shape {stored.shape}, rescale slope {slope} and intercept {intercept}, "
            f"but {shape}, a nonzero slope and finite numbers are needed; export it again"
        )
    return stored * slope + intercept
