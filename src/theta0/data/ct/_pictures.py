"""Reads pictures as CT slices: one, the pages of a TIFF file, or a folder of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from theta0.data._pillow import opened
from theta0.data.ct._formats import TIFF_SUFFIXES
from theta0.data.ct._geometry import square_pixels
from theta0.data.ct._slices import Slices, Window, added_offset, is_mask, numbered, stacked
from theta0.data.ct._tiff import Stored, colour, read_pages
from theta0.data.images import read_image
from theta0.errors import InputError
from theta0.memory import check_memory

_FULL = 65535
_TWELVE_BITS = 4096
_SIGNED_OFFSET = (31_000, 40_000)
"""Range of Hounsfield units plus 32768."""


def read_picture(path: Path, window: Window, max_bytes: int) -> Slices:
    """The slices of one picture file.

    Raises:
        InputError: It is damaged, in colour, or its values cannot be those of a slice.
    """
    stored = _stored(path, window, max_bytes)
    count = len(stored.values)
    names = (path.name,) if count == 1 else numbered(path, count)
    return _slices(path, stored, names, (path.stem,) * count if count > 1 else names, max_bytes)


def read_picture_folder(
    path: Path, files: Sequence[Path], window: Window, max_bytes: int
) -> Slices:
    """The pictures of a folder, in natural order (2 before 10); each subfolder is a patient.

    Raises:
        InputError: One of them cannot be used, or they differ in size or type.
    """
    found: list[Stored] = []
    for file in files:
        one = _stored(file, window, max_bytes)
        first = found[0] if found else one
        if len(one.values) > 1:
            raise InputError(
                f"{file}: has {len(one.values)} pages, in a folder of slices; give it alone"
            )
        if one.values.shape != first.values.shape:
            shapes = " but ".join(
                f"{x.values.shape[1]} x {x.values.shape[2]}" for x in (one, first)
            )
            raise InputError(f"{file}: is {shapes} is {files[0].name}; give slices of one size")
        if (one.window, one.inverted, one.spacing) != (first.window, first.inverted, first.spacing):
            raise InputError(
                f"{file}: its pixels are of another type, unit or shape than those of "
                f"{files[0].name}; give slices of one kind"
            )
        found.append(one)
        needed = len(files) * (one.values.nbytes + 4 * one.values.size)
        check_memory(path, needed, max_bytes, "give fewer slices")
    names = tuple(file.relative_to(path).as_posix() for file in files)
    patients = tuple(file.parent.relative_to(path).as_posix() for file in files)
    groups = tuple(path.name if patient == "." else patient for patient in patients)
    values = np.concatenate([one.values for one in found])
    stored = Stored(values, found[0].window, found[0].inverted, found[0].spacing)
    return _slices(path, stored, names, groups, max_bytes)


def _slices(
    path: Path, stored: Stored, names: tuple[str, ...], groups: tuple[str, ...], max_bytes: int
) -> Slices:
    if stored.window == Window(0.0, float(_FULL)):
        _check_full_scale(path, stored)
    slices = stacked(path, stored.values, stored.window, max_bytes, names, groups)
    if stored.inverted:
        np.subtract(1.0, slices.pixels, out=slices.pixels)
    squared = square_pixels(path, slices.pixels, stored.spacing, max_bytes)
    return Slices(squared, names, groups, stored.window)


def _stored(path: Path, window: Window, max_bytes: int) -> Stored:
    if path.suffix.lower() in TIFF_SUFFIXES:
        return read_pages(path, window, max_bytes)
    with opened(path, header_only=True) as picture:
        image = picture.image
        size, deep = image.width * image.height, image.mode.startswith("I")
    # RGB in float32, and grey in float64.
    check_memory(path, 40 * size, max_bytes, "make it smaller")
    rgb = read_image(path, None)
    if np.ptp(rgb, axis=-1).max() > 0:
        raise InputError(colour(path))
    grey = np.rint(rgb[..., 0] * np.float32(_FULL if deep else 255)).astype(np.uint16)
    if is_mask(path, grey):
        return Stored(grey[None].astype(np.float32), None, False, (1.0, 1.0))
    if deep:
        return Stored(grey[None], Window(0.0, float(_FULL)), False, (1.0, 1.0))
    return Stored(rgb[None, ..., 0], None, False, (1.0, 1.0))


def _check_full_scale(path: Path, stored: Stored) -> None:
    """Refuse unsigned 16-bit pixels that are Hounsfield units plus an offset."""
    high = int(stored.values.max())
    low = int(stored.values.min(where=stored.values > 0, initial=_FULL))
    least, most = _SIGNED_OFFSET
    dark = high < _TWELVE_BITS or (high < 4 * _TWELVE_BITS and added_offset(stored.values))
    if high > 1 and (dark or (least < low and high < most)):
        raise InputError(
            f"{path}: has 16-bit pixels from {low} to {high} of {_FULL}, as Hounsfield units plus "
            "an offset have; subtract it and save them signed (TIFF, .npy), or use the full scale"
        )
