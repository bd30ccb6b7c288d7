"""Reads a DICOM series as a stack of slices, in the units of its rescale tags (HU for CT)."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from theta0.data.ct._dicom_files import dicom_files, require_pydicom
from theta0.data.ct._dicom_header import Frame, Header, read_header
from theta0.data.ct._dicom_order import in_order
from theta0.data.ct._dicom_pixels import decoded
from theta0.data.ct._geometry import square_pixels, turned_to_axial
from theta0.data.ct._slices import HU_WINDOW, Slices, Window, filled
from theta0.errors import InputError, note
from theta0.memory import MAX_BYTES


def read_dicom(path: str | Path, window: Window = HU_WINDOW, max_bytes: int = MAX_BYTES) -> Slices:
    """Read a DICOM file, or a folder (with its subfolders) that contains one series.

    Slices, also the frames of multi-frame files, are sorted by position along their normal, or by
    InstanceNumber where positions are missing, and axial ones are turned as radiology shows them.
    Slope and intercept, or the lookup table, are applied, padding is air, pixels that are not
    square are resampled, and MONOCHROME1 is inverted after the window.

    Raises:
        InputError: Several series or acquisitions, no pixels, pixels that cannot be decoded, or
            values that are not Hounsfield units.
        MissingExtra: pydicom is not installed.
    """
    require_pydicom()
    path = Path(path)
    files = dicom_files(path)
    if not files:
        raise InputError(f"{path}: holds no DICOM file; give a folder of one series")
    headers = _slices_only(path, {file: read_header(file) for file in files})
    _check_one_series(path, headers)
    for remark in sorted({one for header in headers.values() for one in header.remarks}):
        note(f"{path}: {remark}")
    frames = [frame for header in headers.values() for frame in header.frames]
    shape = _shape(path, frames)
    frames = in_order(path, frames)
    spacing = _spacing(path, frames)
    inverted = _inverted(path, headers)
    first = headers[frames[0].file]
    largest = max(frame.file.stat().st_size for frame in frames)
    slices = filled(
        path,
        (len(frames), *shape),
        decoded(frames, inverted),
        window,
        max_bytes,
        _names(path, frames),
        group=first.patient or first.series or path.stem,
        stored_bytes=2 * largest,
    )
    if inverted:
        np.subtract(1.0, slices.pixels, out=slices.pixels)
    squared = square_pixels(path, slices.pixels, spacing, max_bytes) if spacing else slices.pixels
    axes = [frame.axes for frame in frames]
    if axes[0] is not None and all(one is not None for one in axes):
        squared = turned_to_axial(path, squared, axes[0])
    return Slices(squared, slices.names, slices.groups, window)


def _slices_only(path: Path, found: dict[Path, Header | None]) -> dict[Path, Header]:
    """The files that hold slices; reports and overviews of a folder are left out with a note."""
    headers = {file: header for file, header in found.items() if header is not None}
    kept = {file: header for file, header in headers.items() if not header.localizer}
    if not kept:
        what = "an overview (localizer)" if headers else "no picture"
        raise InputError(f"{path}: holds {what}, not a slice; give the slices of a series")
    if left_out := sorted(set(found) - set(kept)):
        note(
            f"{path}: {len(left_out)} DICOM files without a slice (overviews or reports) are left "
            f"out, such as {left_out[0].name}"
        )
    return kept


def _check_one_series(path: Path, headers: dict[Path, Header]) -> None:
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


def _inverted(path: Path, headers: dict[Path, Header]) -> bool:
    kinds = {header.inverted for header in headers.values()}
    if len(kinds) > 1:
        raise InputError(
            f"{path}: some slices are MONOCHROME1 and others MONOCHROME2; give those of one kind"
        )
    return kinds.pop()


def _shape(path: Path, frames: Sequence[Frame]) -> tuple[int, int]:
    """Return the height and width that all slices share."""
    first = frames[0]
    for other in frames:
        if other.shape != first.shape:
            (height, width), (first_height, first_width) = other.shape, first.shape
            raise InputError(
                f"{other.file}: is {height} x {width} pixels but {first.file} is "
                f"{first_height} x {first_width}; give slices of one size"
            )
    return first.shape


def _spacing(path: Path, frames: Sequence[Frame]) -> tuple[float, float] | None:
    """Return the distance between rows, and between columns, that all slices share."""
    first = frames[0].spacing
    for frame in frames:
        if (frame.spacing is None) != (first is None) or (
            first is not None
            and frame.spacing is not None
            and not np.allclose(frame.spacing, first, rtol=1e-3, atol=0)
        ):
            raise InputError(
                f"{path}: pixels are {_mm(first)} in {frames[0].file.name} but "
                f"{_mm(frame.spacing)} in {frame.file.name}; give slices of one pixel spacing"
            )
    return first


def _mm(spacing: tuple[float, float] | None) -> str:
    return "of unknown size" if spacing is None else f"{spacing[0]:g} x {spacing[1]:g} mm"


def _names(path: Path, frames: Sequence[Frame]) -> tuple[str, ...]:
    """File names relative to the folder, with the number of the frame if there are several."""
    folder = path if path.is_dir() else path.parent
    names = ((frame.file.relative_to(folder).as_posix(), frame.number) for frame in frames)
    return tuple(name if number is None else f"{name}/{number:04d}" for name, number in names)
