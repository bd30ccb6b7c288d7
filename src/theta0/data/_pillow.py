"""Opens pictures: headers are checked first, and decoder errors become one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from theta0.data._files import existing_file, reason
from theta0.errors import InputError

MAX_PIXELS = 89_478_485
"""Largest picture that is decoded, Pillow's own default: 256 MiB at 3 bytes per pixel."""


@contextmanager
def opened(path: str | Path) -> Iterator[Image.Image]:
    """Open a picture and check its header; decode it within the block.

    Raises:
        InputError: The file is not a picture, is too large or is damaged.
    """
    path = existing_file(path)
    try:
        with Image.open(path) as image:
            _check_pixels(path, image)
            yield image
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, "too many") from error
    except Image.UnidentifiedImageError as error:
        raise InputError(
            f"{path}: is not a picture in a format that Pillow reads; convert it to PNG or JPEG"
        ) from error
    except Exception as error:  # decoders raise many types on damaged files
        raise InputError(
            f"{path}: is damaged or truncated ({reason(error)}); copy it again or remove it"
        ) from error


def _check_pixels(path: Path, image: Image.Image) -> None:
    """Check the size in the header, before anything is decoded."""
    count = image.width * image.height
    if count > MAX_PIXELS:
        raise _too_large(path, f"{image.width} x {image.height}")
    if count < 2:
        raise InputError(f"{path}: has {count} pixels; a picture needs at least 2: remove it")


def _too_large(path: Path, found: str) -> InputError:
    return InputError(
        f"{path}: has {found} pixels, more than the limit of {MAX_PIXELS}; make it smaller first"
    )
