"""Reads photos and other pictures as RGB in [0, 1], whole or cropped to squares, with Pillow."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from theta0.data._picture_remarks import note_remarks
from theta0.data._pillow import opened
from theta0.data.images._decode import as_array, as_bytes, decode, flat, squared
from theta0.data.images._listing import image_names
from theta0.errors import InputError, MissingExtra
from theta0.memory import MAX_BYTES, check_memory


@dataclass(frozen=True, eq=False)
class Images:
    """Pictures of one size in memory.

    Attributes:
        pixels: RGB; 255 is 1.0.
        names: Paths relative to the folder, with forward slashes.
        skipped: (name, reason) of the files that could not be read.
    """

    pixels: UInt8[np.ndarray, "images height width 3"]
    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.names)


def read_image(path: str | Path, size: int | None = None) -> Float[np.ndarray, "height width 3"]:
    """Read a picture of any mode as RGB.

    Transparent pictures are composited over white, 16-bit greys keep their precision, and the
    orientation of the file is applied. What is left out is noted once (`InputWarning`): 16-bit
    colours are reduced to 8 bits, CMYK is converted without its colour profile, other profiles and
    gammas than sRGB are ignored, and of animations and pages the first is read.

    Args:
        path: The file.
        size: Resize the short side to this length (Lanczos) and crop the centred square; None keeps
            the size of the picture.

    Returns:
        float32 in [0, 1].

    Raises:
        InputError: The file cannot be read or is too large or too small.
    """
    pixels, remarks = decode(path, _checked_size(size))
    note_remarks(path, {str(path): remarks})
    if pixels.dtype == np.uint8:
        return np.divide(pixels, np.float32(255), dtype=np.float32)
    return np.repeat(pixels[..., None], 3, axis=-1)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a picture as `read_image` gives it, by its header alone.

    Raises:
        InputError: The file cannot be read or is too large or too small.
    """
    with opened(path, header_only=True) as picture:
        width, height = picture.upright_size
    return height, width


def read_upright(
    path: str | Path, longest: int
) -> tuple[UInt8[np.ndarray, "height width 3"], tuple[str, ...]]:
    """Read a picture of any mode as 8-bit RGB; see `read_image`.

    Args:
        path: The file.
        longest: Longest side, in pixels; larger pictures are downscaled.

    Returns:
        The pixels, and what of the file is not used, which is not noted.

    Raises:
        InputError: The file cannot be read or is too large or too small.
    """
    with opened(path) as picture:
        image = flat(picture)
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        return as_bytes(as_array(image)), picture.remarks


def read_folder(
    folder: str | Path,
    size: int,
    limit: int | None = None,
    workers: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> Images:
    """Read the pictures of a folder as centred squares; those that cannot be read are skipped.

    Args:
        folder: Searched with its subfolders.
        size: Side of the squares, in pixels.
        limit: Number of files to read, the first by name, including unreadable ones.
        workers: Decoding threads; None for one per processor, at most 8.
        max_bytes: Refuse to use more memory than this.

    Raises:
        InputError: No picture can be read, or they need too much memory.
    """
    _checked_size(size)
    names = image_names(folder)[: _at_least_one("limit", limit)]
    return read_images(folder, names, size, workers, max_bytes)


def read_images(
    folder: str | Path,
    names: Sequence[str],
    size: int,
    workers: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> Images:
    """Read the named pictures of a folder; see `read_folder`.

    Args:
        folder: The folder that the names are relative to.
        names: At least one, in the desired order.
        size: Side of the squares, in pixels.
        workers: Decoding threads; None for one per processor, at most 8.
        max_bytes: Refuse to use more memory than this.
    """
    _checked_size(size)
    pixels = empty_squares(folder, len(names), size, max_bytes)
    problems, remarks = _decode_into(pixels, [Path(folder, name) for name in names], workers)
    note_remarks(folder, dict(zip(names, remarks, strict=True)))
    skipped = tuple((name, text) for name, text in zip(names, problems, strict=True) if text)
    good = [row for row, text in enumerate(problems) if not text]
    if not good:
        raise InputError(
            f"{folder}: none of its {len(names)} pictures can be read; the first: {skipped[0][1]}"
        )
    for row, source in enumerate(good):  # compact in place: no second copy in memory
        if row != source:
            pixels[row] = pixels[source]
    return Images(pixels[: len(good)], tuple(names[row] for row in good), skipped)


def square(
    pixels: UInt8[np.ndarray, "height width 3"], size: int
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """The centred square of a picture in memory, resized as by `read_image`."""
    return as_array(squared(Image.fromarray(pixels), _checked_size(size)))


def _decode_into(
    pixels: UInt8[np.ndarray, "images size size 3"], paths: Sequence[Path], workers: int | None
) -> tuple[list[str | None], list[tuple[str, ...]]]:
    """Fill `pixels` in threads (Pillow releases the GIL).

    Returns:
        An error, or None, for each row; and what of each file is not used.
    """

    def load(row: int) -> tuple[str | None, tuple[str, ...]]:
        try:
            decoded, remarks = decode(paths[row], pixels.shape[1])
        except (InputError, MissingExtra) as error:
            return str(error), ()
        pixels[row] = as_bytes(decoded)
        return None, remarks

    threads = _at_least_one("workers", workers) or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(load, range(len(paths))))
    return [error for error, _ in results], [remarks for _, remarks in results]


def empty_squares(
    source: str | Path, number: int, size: int, max_bytes: int = MAX_BYTES
) -> UInt8[np.ndarray, "number size size 3"]:
    """Room for the pictures of `source`.

    Raises:
        InputError: They need more than `max_bytes`.
    """
    check_memory(
        f"{source}: {number} pictures at size={size}",
        number * size * size * 3,
        max_bytes,
        "choose a smaller size, or a limit on the number of pictures",
    )
    return np.empty((number, size, size, 3), np.uint8)


def _checked_size(size: int | None) -> int | None:
    if size is not None and size < 2:
        raise InputError(f"image size: {size} pixels must be at least 2")
    return size


def _at_least_one(argument: str, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise InputError(f"read_folder: {argument}={value} must be at least 1, or left out")
    return value
