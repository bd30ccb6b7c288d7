"""Reads the pages of a TIFF file as the slices of one stack, with Pillow.

Signed integers are Hounsfield units, of unsigned ones the largest is 1, floats are in [0, 1].
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from theta0.data._files import check_expansion
from theta0.data._pillow import Picture, opened
from theta0.data._tiff import BITS, PHOTOMETRIC, is_signed, tag
from theta0.data.ct._slices import Window, assumed_window, is_mask
from theta0.errors import InputError, note
from theta0.memory import check_memory

_SUBFILE, _DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION = 254, 270, 282, 283
_REDUCED_OR_MASK = 1 | 4
"""Of the tag NewSubfileType: a page that shows another one smaller, or is its mask."""

_GREY = ("1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes of Pillow with one number a pixel."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Slices as a picture stores them.

    Attributes:
        values: Numbers.
        window: What is 0 and what is 1; None if values must be in [0, 1].
        inverted: High values are dark.
        spacing: Distance between rows, and between columns.
    """

    values: Shaped[np.ndarray, "slices height width"]
    window: Window | None
    inverted: bool
    spacing: tuple[float, float]


def read_pages(path: Path, window: Window, max_bytes: int) -> Stored:
    """Read all pages of a TIFF file.

    Args:
        path: The file.
        window: Of Hounsfield units.
        max_bytes: Largest amount of memory to use, for float32 slices too.

    Raises:
        InputError: The file is damaged, in colour, or has several channels or times.
    """
    with opened(path) as picture:
        image: Any = picture.image
        tags = image.tag_v2
        scale = _description(path, str(tags.get(_DESCRIPTION, "")), image.n_frames)
        bits = tag(image, BITS, 1)
        inverted = tag(image, PHOTOMETRIC, 1) == 0 and bits > 8
        spacing = _spacing(tags)
        if picture.orientation > 4:  # rows become columns
            spacing = spacing[1], spacing[0]
        needed = 8 * image.n_frames * image.width * image.height
        check_memory(path, needed, max_bytes, "give fewer pages")
        check_expansion(path, path.stat().st_size, needed * bits // 64)
        values = np.stack(_pages(path, picture, is_signed(image)))
    if inverted:
        note(f"{path}: WhiteIsZero: high values are dark, so it is inverted")
    if scale is not None:
        values = (values * np.float64(scale[1]) + scale[0]).astype(np.float32)
        return Stored(values, window, inverted, spacing)
    if is_mask(path, values):
        return Stored(values.astype(np.float32), None, inverted, spacing)
    if values.dtype == np.uint16:
        return Stored(values, Window(0.0, 2.0 ** min(bits, 16) - 1), inverted, spacing)
    if values.dtype.kind == "u" and values.dtype != np.uint8:
        raise InputError(
            f"{path}: has unsigned pixels of {bits} bits, of unknown unit; save Hounsfield units "
            "as signed 16-bit, or floats in [0, 1]"
        )
    return Stored(values, assumed_window(values.dtype, window), inverted, spacing)


def _pages(path: Path, picture: Picture, signed: bool) -> list[Shaped[np.ndarray, "height width"]]:
    """The pages that are slices, turned as the file says; others are counted and noted."""
    image: Any = picture.image
    pages: list[np.ndarray] = []
    left_out, size = 0, (image.height, image.width)
    for number in range(image.n_frames):
        image.seek(number)
        reduced = tag(image, _SUBFILE, 0) & _REDUCED_OR_MASK
        if pages and (reduced or (image.height, image.width) != size):
            left_out += 1
            continue
        values = _numbers(path, picture, signed)
        if pages and values.dtype != pages[0].dtype:
            raise InputError(f"{path}: page {number} has pixels of another type than page 0")
        pages.append(values)
    if left_out:
        note(
            f"{path}: {left_out} of {image.n_frames} pages are left out, of another size than the "
            "first or smaller copies of others"
        )
    return pages


def _numbers(path: Path, picture: Picture, signed: bool) -> Shaped[np.ndarray, "height width"]:
    bits, image = tag(picture.image, BITS, 1), picture.upright()
    values = np.asarray(image if image.mode in _GREY else image.convert("RGB"))
    if values.ndim == 3:
        if (np.ptp(values, axis=2) > 0).any():
            raise InputError(colour(path))
        return values[..., 0]
    # Pillow does not tell signed from unsigned where it has but one mode.
    if signed and values.dtype == np.uint8:
        return values.view(np.int8)
    if not signed and values.dtype == np.int32:
        return values.view(np.uint32) if bits == 32 else values.astype(np.uint16)
    return values


def colour(path: Path) -> str:
    """What is said of a picture in colour."""
    return (
        f"{path}: a colour picture, but CT slices are grey; give a slice, or an initialization "
        "for pictures such as faces"
    )


def _spacing(tags: Any) -> tuple[float, float]:
    """From the pixels per unit across and down."""
    try:
        across, down = float(tags.get(_X_RESOLUTION, 1)), float(tags.get(_Y_RESOLUTION, 1))
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0, 1.0
    return (1 / down, 1 / across) if min(across, down) > 0 else (1.0, 1.0)


def _description(path: Path, text: str, pages: int) -> tuple[float, float] | None:
    """What microscope programs write: more images than pages, several channels, a calibration.

    Returns:
        Intercept and slope from stored values to calibrated ones, or None.
    """
    declared, several, scale = 1, [], None
    if text.startswith("ImageJ="):
        lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        declared = _whole(lines.get("images"))
        several = [name for name in ("channels", "frames") if _whole(lines.get(name)) > 1]
        scale = _calibration(path, lines)
    elif text.startswith("{"):
        declared = _shaped(text)
    elif "<OME" in text:
        several = [name for name in ("SizeC", "SizeT") if re.search(rf'{name}="0*[2-9]', text)]
    if several:
        raise InputError(
            f"{path}: has several {' and '.join(several)}; save one of them as a stack"
        )
    if declared > pages:
        raise InputError(
            f"{path}: its description says {declared} images, but it has {pages} pages; save it "
            "again, each slice a page"
        )
    return scale


def _calibration(path: Path, lines: dict[str, str]) -> tuple[float, float] | None:
    if "c0" not in lines or "c1" not in lines:
        return None
    if (function := lines.get("cf", "0").strip()) != "0":
        raise InputError(
            f"{path}: ImageJ's calibration function {function} is no straight line; save the "
            "calibrated values as 32-bit floats, without it"
        )
    try:
        intercept, slope = float(lines["c0"]), float(lines["c1"])
    except ValueError:
        intercept, slope = 0.0, 0.0
    if slope == 0 or not np.isfinite([intercept, slope]).all():
        raise InputError(f"{path}: ImageJ's calibration c0, c1 is wrong; save it without")
    note(f"{path}: calibrated by ImageJ ({intercept:g} + {slope:g} x value) to Hounsfield units")
    return intercept, slope


def _whole(text: str | None) -> int:
    return int(text) if text and text.strip().isdigit() else 1


def _shaped(text: str) -> int:
    """The number of images that tifffile declares."""
    try:
        shape = json.loads(text).get("shape", [])
        return int(np.prod(shape[:-2], dtype=object)) if len(shape) > 2 else 1
    except (ValueError, AttributeError, TypeError):
        return 1
