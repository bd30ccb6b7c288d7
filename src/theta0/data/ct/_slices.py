"""Computed-tomography slices in [0, 1], and the window that maps Hounsfield units there.

The window maps `low..high` HU linearly to 0..1 and clips values outside.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped
from PIL import Image

from theta0.errors import InputError, note
from theta0.memory import MAX_BYTES, check_memory

_ROUNDING = 1e-3
"""Tolerance for stored values outside [0, 1]."""

_OFFSETS = (1024, 32768)
"""Added to Hounsfield units by programs that do not store negative numbers."""

_TISSUE = (-50, 150, 0.05)
"""Range of soft tissue in Hounsfield units, and the fraction of a slice that it fills at least."""

_LEAST_HU = -1100.0
"""Values below are not of matter: scanners and other programs write them where nothing is known."""


@dataclass(frozen=True)
class Window:
    """A window of Hounsfield units: `low` becomes 0 and `high` 1; values outside are clipped."""

    low: float = -1000.0
    high: float = 1000.0

    def __post_init__(self):
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InputError(f"window: low={self.low} must lie below high={self.high}, both finite")

    def apply(self, hu: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Map Hounsfield units to float32 in [0, 1]."""
        scaled = (hu.astype(np.float32) - np.float32(self.low)) / np.float32(self.high - self.low)
        return np.clip(scaled, 0.0, 1.0, out=scaled)


HU_WINDOW = Window()
"""From air (-1000 HU) to dense bone (1000 HU)."""

BYTE_WINDOW = Window(0.0, 255.0)
"""The window applied to uint8 arrays, which are not Hounsfield units."""


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of one size.

    Attributes:
        pixels: float32 in [0, 1].
        names: One per slice.
        groups: The patient or series of each slice; slices of a group stay together in a split.
        window: The window applied (0 to 255 to uint8); None if the file had values in [0, 1].
    """

    pixels: Float[np.ndarray, "slices height width"]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    window: Window | None

    def __len__(self) -> int:
        return len(self.names)


def assumed_window(dtype: np.dtype, window: Window = HU_WINDOW) -> Window | None:
    """How numbers that nothing else is known about are read, by their type alone.

    Signed integers are Hounsfield units, of bytes 255 is 1, and floats and booleans are in [0, 1]
    (None). Of larger unsigned integers nobody knows: see `check_numbers`.
    """
    if dtype == np.uint8:
        return BYTE_WINDOW
    return window if dtype.kind in "iu" else None


def check_numbers(source: object, dtype: np.dtype) -> None:
    """Refuse numbers that `assumed_window` cannot tell the unit of.

    Raises:
        InputError: They are unsigned integers of more than 8 bits.
    """
    if dtype.kind == "u" and dtype.itemsize > 1:
        raise InputError(
            f"{source}: has dtype {dtype}, which may be Hounsfield units plus an offset, or "
            "fractions of full scale; save Hounsfield units as signed integers, or floats in "
            "[0, 1], or uint8 where 255 is 1"
        )


def is_mask(source: object, values: Shaped[np.ndarray, "..."]) -> bool:
    """Whether integers are 0 and 1 alone, which is noted: nobody means 0 and 1 of 255 by them."""
    found = values.dtype.kind in "iu" and bool(values.size)
    found = found and int(values.min()) == 0 and int(values.max()) == 1
    if found:
        note(f"{source}: holds 0 and 1 alone, so it is a mask; they are read as 0 and 1")
    return found


def resize_slices(
    pixels: Float[np.ndarray, "slices height width"], size: int
) -> Float[np.ndarray, "slices size size"]:
    """Resize slices to squares, by area averaging if they shrink and bilinearly if they grow.

    Slices that are not square are first padded with black (air) to keep their aspect. Both filters
    only average, so values stay in [0, 1].

    Raises:
        InputError: `size` is below 2, or too large for memory.
    """
    if size < 2:
        raise InputError(f"resize_slices: size={size} must be at least 2")
    count, height, width = pixels.shape
    side = max(height, width)
    # The padded square, Pillow's copy of it, and the copies of one row of filters between.
    needed = 4 * (count + 1) * size**2 + 8 * side**2 + 4 * side * size
    check_memory(f"{count} slices", needed, MAX_BYTES, "choose a smaller size, or smaller slices")
    top, left = (side - height) // 2, (side - width) // 2
    method = Image.Resampling.BOX if size <= side else Image.Resampling.BILINEAR
    resized = np.empty((count, size, size), np.float32)
    square = np.zeros((side, side), np.float32)
    for row in range(count):
        square[top : top + height, left : left + width] = pixels[row]
        resized[row] = np.asarray(Image.fromarray(square).resize((size, size), method))
    return np.clip(resized, 0.0, 1.0, out=resized)


def constant(pixels: Float[np.ndarray, "height width"]) -> str | None:
    """Why a slice is useless because it is constant, or None if its values vary."""
    low, high = float(pixels.min()), float(pixels.max())
    if low < high:
        return None
    where = {0.0: ", at or below the window", 1.0: ", at or above the window"}.get(low, "")
    return (
        f"is {low:g} everywhere{where} (0 to 1; Hounsfield units: {HU_WINDOW.low:g} to "
        f"{HU_WINDOW.high:g}): give slices whose values vary within the window"
    )


def stacked(
    path: Path,
    stored: Shaped[np.ndarray, "..."],
    window: Window | None,
    max_bytes: int,
    names: tuple[str, ...] | None = None,
    groups: tuple[str, ...] | None = None,
    group: str | None = None,
) -> Slices:
    """Check an array of slices and map it to [0, 1].

    Args:
        path: For errors, and for default names.
        stored: (N H W) or (H W) numbers.
        window: None if the values must already be in [0, 1].
        max_bytes: Largest float32 stack to return.
        names: None for `<file stem>/<number>`.
        groups: One per slice; None for `group`.
        group: The group of all slices; None makes each slice a group.
    """
    stack = stored[None] if stored.ndim == 2 else stored
    if stack.ndim != 3 or stack.dtype.kind not in "biuf" or stack[:1].size < 2:
        raise InputError(
            f"{path}: has an array of shape {stored.shape} and dtype {stored.dtype}; "
            "slices are (N, height, width) numbers, of at least 2 pixels each"
        )
    names = names or numbered(path, len(stack))
    return filled(path, stack.shape, stack, window, max_bytes, names, groups, group, stored.nbytes)


def numbered(path: Path, count: int) -> tuple[str, ...]:
    """Names of the slices of one file."""
    return tuple(f"{path.stem}/{row:04d}" for row in range(count))


def filled(
    path: Path,
    shape: tuple[int, ...],
    stack: Iterable[Shaped[np.ndarray, "height width"]],
    window: Window | None,
    max_bytes: int,
    names: tuple[str, ...],
    groups: tuple[str, ...] | None = None,
    group: str | None = None,
    stored_bytes: int = 0,
) -> Slices:
    """Map slices to [0, 1] as they come, so that no second copy of them all is in memory.

    Args:
        path: For errors.
        shape: (N H W) of the result.
        stack: N slices; nothing is read of them before the memory is asked for.
        window: None if the values must already be in [0, 1].
        max_bytes: Largest amount of memory to use.
        names: One per slice.
        groups: One per slice; None for `group`.
        group: The group of all slices; None makes each slice a group.
        stored_bytes: In memory besides.
    """
    count = shape[0]
    groups = groups or (names if group is None else (group,) * count)
    if len(names) != count or len(groups) != count:
        raise InputError(
            f"{path}: has {count} slices but {len(names)} names and {len(groups)} patients; "
            "store one of each for every slice"
        )
    needed = needed_bytes(shape) + stored_bytes
    check_memory(path, needed, max_bytes, "give fewer or smaller slices")
    pixels = np.empty(shape, np.float32)
    below, varying = False, False
    for row, values in enumerate(stack):
        pixels[row] = as_unit_range(f"{path}: slice {names[row]!r}", values, window)
        below |= bool(((values < 0) & (values > _LEAST_HU)).any())
        varying |= bool(values.min() < values.max())
    if window == HU_WINDOW and varying and not below:
        note(f"{path}: no value is below 0, as those of air are; they may not be Hounsfield units")
    return Slices(pixels, names, groups, window)


def needed_bytes(shape: tuple[int, ...]) -> int:
    """What `filled` allocates: float32 slices, and float64 copies of the one in work."""
    return 4 * math.prod(shape) + 16 * math.prod(shape[-2:])


def as_unit_range(
    source: str, values: Shaped[np.ndarray, "height width"], window: Window | None
) -> Float[np.ndarray, "height width"]:
    """Check the values of one slice and map them to float32 in [0, 1].

    Args:
        source: What they are, for errors.
        values: Numbers.
        window: None if they must already be in [0, 1].

    Raises:
        InputError: They are not finite, not in [0, 1], or cannot be Hounsfield units.
    """
    if not np.isfinite(values).all():
        raise InputError(
            f"{source} holds values that are not finite (NaN or infinite); "
            "replace them, for instance by -1000 HU, or leave the slice out"
        )
    if window is not None:
        if window == HU_WINDOW:
            _check_hounsfield(source, values)
        return window.apply(values)
    low, high = float(values.min()), float(values.max())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise InputError(
            f"{source} has values from {low:g} to {high:g}, not in [0, 1]; scale them, or give "
            "Hounsfield units as signed integers (in a file: .npy, or `hu` in .npz)"
        )
    return np.clip(values, 0.0, 1.0).astype(np.float32)


def _check_hounsfield(source: str, values: Shaped[np.ndarray, "height width"]) -> None:
    """Refuse values that cannot be Hounsfield units, as those of air are negative."""
    values = values[values > _LEAST_HU]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if not 0 <= low < high:
        return
    if high <= 1:
        raise InputError(
            f"{source} has values from {low:g} to {high:g}, which is only water in "
            "Hounsfield units; give values in [0, 1] as floats of a .npy file, or under another "
            "name than `hu` in a .npz file"
        )
    if offset := added_offset(values):
        raise InputError(
            f"{source} has no value below 0, and many at {offset} plus the "
            f"Hounsfield units of soft tissue; subtract {offset}"
        )


def added_offset(values: Shaped[np.ndarray, "..."]) -> int | None:
    """What was probably added to Hounsfield units, for many values are then of soft tissue."""
    least, most, share = _TISSUE
    for offset in _OFFSETS:
        if ((values > offset + least) & (values < offset + most)).mean() > share:
            return offset
    return None
