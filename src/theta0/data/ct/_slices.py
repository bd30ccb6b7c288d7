"""Computed-tomography slices in [0, 1], and the window that maps Hounsfield units there.

The window maps `low..high` HU linearly to 0..1 and clips values outside.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped
from PIL import Image

from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

_ROUNDING = 1e-3
"""Tolerance for stored values outside [0, 1]."""

_OFFSET = 1024
"""Added to Hounsfield units by scanners that do not store negative numbers."""

_TISSUE = (-50, 150, 0.05)
"""Range of soft tissue in Hounsfield units, and the fraction of a slice that it fills at least."""


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
    check_memory(f"{count} slices", 4 * count * size**2, MAX_BYTES, "choose a smaller size")
    side = max(height, width)
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
    count = len(stack)
    names = names or tuple(f"{path.stem}/{row:04d}" for row in range(count))
    groups = groups or (names if group is None else (group,) * count)
    if len(names) != count or len(groups) != count:
        raise InputError(
            f"{path}: has {count} slices but {len(names)} names and {len(groups)} patients; "
            "store one of each for every slice"
        )
    check_memory(path, 4 * stack.size, max_bytes, "store fewer slices in the file")
    pixels = np.empty(stack.shape, np.float32)
    for row, values in enumerate(stack):  # slice by slice: no second copy of the whole stack
        _check_values(path, names[row], values, window)
        pixels[row] = np.clip(values, 0.0, 1.0) if window is None else window.apply(values)
    return Slices(pixels, names, groups, window)


def _check_values(
    path: Path, name: str, values: Shaped[np.ndarray, "height width"], window: Window | None
) -> None:
    if not np.isfinite(values).all():
        raise InputError(
            f"{path}: slice {name!r} holds values that are not numbers (NaN or infinite); "
            "replace them, for instance by -1000 HU, or leave the slice out"
        )
    low, high = float(values.min()), float(values.max())
    if window == HU_WINDOW and 0 <= low < high:
        _check_offset(path, name, values)
    if window is None and (low < -_ROUNDING or high > 1 + _ROUNDING):
        raise InputError(
            f"{path}: slice {name!r} has values from {low:g} to {high:g}, not in [0, 1]; scale "
            "them, or save Hounsfield units as `hu` in an .npz file or as an integer .npy file"
        )


def _check_offset(path: Path, name: str, values: Shaped[np.ndarray, "height width"]) -> None:
    """Refuse values that cannot be Hounsfield units, as those of air are negative."""
    low, high = float(values.min()), float(values.max())
    if high <= 1:
        raise InputError(
            f"{path}: slice {name!r} has values from {low:g} to {high:g}, which is only water in "
            "Hounsfield units; save values in [0, 1] under another name than `hu`, or as an .npy "
            "file of floats"
        )
    least, most, share = _TISSUE
    if ((values > _OFFSET + least) & (values < _OFFSET + most)).mean() > share:
        raise InputError(
            f"{path}: slice {name!r} has no value below 0, and many at {_OFFSET} plus the "
            f"Hounsfield units of soft tissue; subtract {_OFFSET}"
        )
