"""Signals given as arrays: checked in the caller's words, brought to float32 in [0, 1]."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageOps

from theta0.data.ct import as_unit_range, assumed_window, check_numbers, is_mask
from theta0.data.images import image_size, read_image
from theta0.errors import InputError, implausible, note

_ROUNDING = 1e-3
"""How far values may lie outside [0, 1] and still count as in it."""


def as_array(values: Any, name: str) -> np.ndarray:
    """What was given, as a NumPy array, of whatever type.

    Args:
        values: an array, nested lists, or what offers itself as an array, as tensors do.
        name: what the message calls it.

    Raises:
        InputError: NumPy makes no array of it, or some of its values are masked.
    """
    if dataclasses.is_dataclass(values) and not hasattr(values, "__array__"):
        raise InputError(
            f"{name} is given as {type(values).__name__}, which other kinds of signals take; give "
            "an array of numbers"
        )
    try:
        array = np.asarray(values)
    except Exception as error:  # of ragged lists, and whatever a tensor raises
        raise InputError(f"{name} is no array of numbers ({error!s:.100}); give one") from error
    if masked := int(np.ma.count_masked(values)) if isinstance(values, np.ma.MaskedArray) else 0:
        raise InputError(f"{name} has {masked} masked values; fill them, as by values.filled(0)")
    return array


def check_bytes(array: np.ndarray, name: str) -> None:
    """Refuse bytes that are all 0 or 1, as masks are, unless trusted: 255 is white.

    Raises:
        InputError: they are not trusted.
    """
    if array.dtype == np.uint8 and array.size and array.max() == 1:
        implausible(f"{name} is uint8 of 0 and 1, where 255 is 1; give booleans or floats")


def as_unit(values: Any, name: str) -> Float[np.ndarray, "..."]:
    """Numbers in [0, 1], of floats in that range, of bytes (255 is 1), or of booleans.

    Args:
        values: an array, or what NumPy makes one of (a PIL image).
        name: what the message calls it.

    Raises:
        InputError: it holds no such numbers.
    """
    array = as_array(values, name)
    if array.dtype == np.uint8:
        check_bytes(array, name)
        return array.astype(np.float32) / np.float32(255)
    if isinstance(values, list | tuple) and array.dtype.kind in "iu":
        array = array.astype(np.float32)  # a list of 0 and 1 is one of 0.0 and 1.0
    if array.dtype.kind not in "fb":
        raise InputError(
            f"{name} has dtype {array.dtype}; give floats in [0, 1], or uint8 where 255 is 1"
        )
    array = array.astype(np.float32)
    if bad := int((~np.isfinite(array)).sum()):
        raise InputError(
            f"{name} holds {bad} values that are not finite (NaN or infinite); replace them"
        )
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        remedy = "divide by 255, or give uint8" if 1 < high <= 255 and low >= 0 else "scale them"
        raise InputError(f"{name} has values from {low:g} to {high:g}, not in [0, 1]; {remedy}")
    return np.asarray(np.clip(array, 0, 1))  # of no axes, NumPy makes a number


def as_picture(values: Any, name: str = "the image") -> Float[np.ndarray, "height width channels"]:
    """A picture: (height, width, 3), or grey (height, width) or (height, width, 1).

    Transparency (a fourth channel) is laid over white.

    Raises:
        InputError: its shape, type or range is another.
    """
    if isinstance(values, Image.Image):
        values = ImageOps.exif_transpose(values)
        if values.mode[0] in "IF":  # more than 8 bits; as files of them are read
            scale = 1 if values.mode == "F" else 65535
            values = np.asarray(values).astype(np.float32) / np.float32(scale)
        else:
            values = values.convert("RGBA" if values.has_transparency_data else "RGB")
    array = as_unit(values, name)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        turned = array.ndim == 3 and array.shape[0] in (1, 3, 4)
        raise InputError(
            f"{name} has shape {np.shape(values)}; give (height, width, 3) or (height, width)"
            + (": move its first axis to the end" if turned else "")
        )
    if min(array.shape[:2]) < 2:
        raise InputError(
            f"{name} has shape {np.shape(values)}; give (height, width, 3) or (height, width), of "
            "at least 2 x 2 pixels"
        )
    if array.shape[2] == 4:
        array = array[..., :3] * array[..., 3:] + 1 - array[..., 3:]
    return array


def as_pictures(
    values: Any, size: int, name: str = "images"
) -> list[Float[np.ndarray, "size size channels"]]:
    """Pictures as centred squares: an array (N, height, width, 3), or a sequence of pictures
    or of their paths.

    Raises:
        InputError: there are none, one cannot be used, or some are grey and others in colour.
    """
    values = several(values, name, "(N, height, width, 3)")
    if isinstance(values, np.ndarray) and values.ndim not in (3, 4):
        raise InputError(
            f"{name} has shape {values.shape}; give (N, height, width, 3) or (N, height, width)"
        )
    if isinstance(values, np.ndarray) and values.ndim == 3 and values.shape[2] in (3, 4):
        raise InputError(
            f"{name} has shape {values.shape}, which is one picture; give several: "
            "(N, height, width, 3)"
        )
    found = [_squared_of(one, f"{name}[{number}]", size) for number, one in enumerate(values)]
    if len(kinds := {one.shape[2] for one in found}) > 1:
        raise InputError(f"{name} have {sorted(kinds)} channels; give all in grey or all in colour")
    if (smallest := size_without_enlarging(values, size)) < size:
        note(f"{name}: the smallest, of {smallest} pixels, is enlarged to {size} x {size}")
    return found


def size_without_enlarging(values: Any, size: int) -> int:
    """The size, or the short side of the smallest of several pictures where that is less.

    What holds no pictures is left to :func:`as_pictures` to refuse.
    """
    if hasattr(values, "__array__"):
        values = np.asarray(values)
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str | bytes):
        return size
    return max(1, min([size, *(side for one in values for side in _sides(one))]))


def _sides(one: Any) -> tuple[int, ...]:
    """Both sides of a picture, in any order; none if it is not known."""
    if isinstance(one, str | Path):
        return image_size(one)
    if isinstance(one, Image.Image):
        return one.size
    try:
        return np.shape(one)[:2]
    except ValueError:  # of ragged lists
        return ()


def _squared_of(one: Any, name: str, size: int) -> Float[np.ndarray, "size size channels"]:
    """The centred square of a picture given as an array or by its path."""
    if isinstance(one, str | Path):
        return read_image(one, size)
    return squared(as_picture(one, name), size)


def several(values: Any, name: str, shape: str) -> Sequence[Any] | np.ndarray:
    """Signals given as an array of them, or as a sequence.

    Raises:
        InputError: it is neither, or there are none.
    """
    if hasattr(values, "__array__"):
        values = as_array(values, name)
    listed = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    stacked = isinstance(values, np.ndarray) and values.ndim > 0
    if (listed or stacked) and len(values):
        return values
    raise InputError(f"{name}: give an array {shape}, or a list of such")


def squared(
    picture: Float[np.ndarray, "height width channels"], size: int
) -> Float[np.ndarray, "size size channels"]:
    """The centred square of a picture, resized (Lanczos) as those of files are."""
    height, width = picture.shape[:2]
    if height == width == size:
        return picture
    short = min(height, width)
    left, top = (width - short) // 2, (height - short) // 2
    box = (left, top, left + short, top + short)
    resized = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(picture[..., channel])).resize(
                (size, size), Image.Resampling.LANCZOS, box=box
            )
        )
        for channel in range(picture.shape[2])
    ]
    # Lanczos overshoots.
    return np.clip(np.stack(resized, axis=-1), 0, 1)


def as_slice(values: Any, name: str = "the slice") -> Float[np.ndarray, "height width"]:
    """A CT slice (height, width) in [0, 1], read as an .npy file of the same array is.

    Signed integers are Hounsfield units, of uint8 255 is 1, floats and booleans are in [0, 1].

    Raises:
        InputError: its shape, type or range is another.
    """
    array = as_array(values, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 or min(array.shape) < 2 or array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} has shape {np.shape(values)} and dtype {array.dtype}; give (height, width) "
            "numbers, or a theta0.Sinogram of what a scanner measured"
        )
    if is_mask(name, array):
        return as_unit_range(name, array, None)
    check_numbers(name, array.dtype)
    return as_unit_range(name, array, assumed_window(array.dtype))
