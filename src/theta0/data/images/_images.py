"""Reads photos and other pictures as RGB in [0, 1], whole or cropped to squares, with Pillow."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image, ImageOps

from theta0.data._files import existing_folder, visible_files
from theta0.data._pillow import opened
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

PICTURE_SUFFIXES = frozenset(
    ".avif .bmp .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()
)
"""Lower-case suffixes of the files that count as pictures."""


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


def image_paths(folder: str | Path) -> tuple[Path, ...]:
    """List the pictures in a folder and its subfolders, sorted by relative path.

    Files count as pictures if their suffix is in `PICTURE_SUFFIXES`. Hidden files and folders are
    ignored; linked folders are followed, each once.

    Raises:
        InputError: There is no such folder, or no picture in it.
    """
    folder = existing_folder(folder)
    found = [path for path in visible_files(folder) if path.suffix.lower() in PICTURE_SUFFIXES]
    if not found:
        raise InputError(
            f"{folder}: holds no picture; files ending in "
            f"{' '.join(sorted(PICTURE_SUFFIXES))} count"
        )
    return tuple(sorted(found, key=lambda path: path.relative_to(folder).as_posix()))


def image_names(folder: str | Path) -> tuple[str, ...]:
    """`image_paths` as names relative to the folder, with forward slashes."""
    return tuple(path.relative_to(folder).as_posix() for path in image_paths(folder))


def read_image(path: str | Path, size: int | None = None) -> Float[np.ndarray, "height width 3"]:
    """Read a picture of any mode as RGB.

    Transparent pictures are composited over white, 16-bit greys keep their precision, 16-bit
    colours are reduced to 8 bits, CMYK is converted without its colour profile, of animations the
    first frame is read, and the EXIF orientation is applied.

    Args:
        path: The file.
        size: Resize the short side to this length (Lanczos) and crop the centred square; None keeps
            the size of the picture.

    Returns:
        float32 in [0, 1].

    Raises:
        InputError: The file cannot be read or is too large or too small.
    """
    pixels = _decode(path, _checked_size(size))
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / np.float32(255)
    return np.repeat(pixels[..., None], 3, axis=-1)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a picture as `read_image` gives it, by its header alone.

    Raises:
        InputError: The file cannot be read or is too large or too small.
    """
    with opened(path) as image:
        turned = image.getexif().get(_ORIENTATION, 1) in _SIDEWAYS
        return (image.width, image.height) if turned else (image.height, image.width)


_ORIENTATION, _SIDEWAYS = 274, (5, 6, 7, 8)
"""The EXIF tag of the camera's orientation, and its values that exchange width and height."""


def read_upright(path: str | Path, longest: int) -> UInt8[np.ndarray, "height width 3"]:
    """Read a picture of any mode as 8-bit RGB; see `read_image`.

    Args:
        path: The file.
        longest: Longest side, in pixels; larger pictures are downscaled.

    Raises:
        InputError: The file cannot be read or is too large or too small.
    """
    with opened(path) as image:
        image = _flat(ImageOps.exif_transpose(image), Path(path))
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        pixels = _as_array(image)
    return pixels if pixels.dtype == np.uint8 else np.repeat(_as_bytes(pixels), 3, axis=2)


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
    problems = _decode_into(pixels, [Path(folder, name) for name in names], workers)
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
    return _as_array(_square(Image.fromarray(pixels), _checked_size(size)))


def _decode_into(
    pixels: UInt8[np.ndarray, "images size size 3"], paths: Sequence[Path], workers: int | None
) -> list[str | None]:
    """Fill `pixels` in threads (Pillow releases the GIL); return an error or None for each row."""

    def load(row: int) -> str | None:
        try:
            pixels[row] = _as_bytes(_decode(paths[row], pixels.shape[1]))
        except InputError as error:
            return str(error)
        return None

    threads = _at_least_one("workers", workers) or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(load, range(len(paths))))


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


def _decode(path: str | Path, size: int | None) -> Shaped[np.ndarray, "height width *channels"]:
    """Return uint8 RGB (h w 3), or float32 grey (h w) in [0, 1] for files with more than 8 bits."""
    with opened(path) as image:
        return _as_array(_square(_flat(ImageOps.exif_transpose(image), Path(path)), size))


def _flat(image: Image.Image, path: Path) -> Image.Image:
    """Convert any mode to RGB, or to F in [0, 1] where 8 bits would lose precision."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float32)
        # Pillow opens 16-bit files as I;16 or as I, depending on format and version.
        values /= np.float32(1 if image.mode == "F" else 65535)
        if not (values.min() >= 0 and values.max() <= 1):
            raise InputError(
                f"{path}: has {image.mode} pixels from {values.min():g} to {values.max():g} of "
                "full scale; save it as 8-bit or 16-bit, or as floats in [0, 1]"
            )
        return Image.fromarray(values)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _square(image: Image.Image, size: int | None) -> Image.Image:
    """Resize the short side to `size` and crop the centre, in one step.

    Cropping first keeps the intermediate result of a very long picture small.
    """
    if size is None:
        return image
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box)


def _as_array(image: Image.Image) -> Shaped[np.ndarray, "height width *channels"]:
    pixels = np.array(image)
    # Lanczos overshoots; for 8 bits Pillow clips.
    return pixels if pixels.dtype == np.uint8 else np.clip(pixels, 0.0, 1.0, out=pixels)


def _as_bytes(
    pixels: Shaped[np.ndarray, "height width *channels"],
) -> UInt8[np.ndarray, "height width _"]:
    if pixels.dtype == np.uint8:
        return pixels
    return np.rint(pixels * 255).astype(np.uint8)[..., None]
