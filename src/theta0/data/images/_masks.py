"""Masks of the pixels of a picture that are used."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped

from theta0.data.images._images import image_size, read_image
from theta0.errors import InputError


def read_mask(
    path: str | Path, picture: str | Path | tuple[int, int], size: int
) -> Bool[np.ndarray, "size size"]:
    """Read a mask, cropped and resized like its picture in `read_image`.

    The centred square is resized to the nearest pixel, so the mask stays binary.

    Args:
        path: A picture whose white pixels (at least half of full brightness) are seen.
        picture: The picture that the mask belongs to, of the same height and width; or these.
        size: Side of the square, in pixels.

    Returns:
        True where the picture is seen.

    Raises:
        InputError: The mask cannot be read, has another size, or covers the whole square.
    """
    shape = picture if isinstance(picture, tuple) else image_size(picture)
    return square_mask(read_image(path).mean(axis=-1), shape, size, str(path))


def square_mask(
    mask: Shaped[np.ndarray, "height width"], shape: tuple[int, int], size: int, source: str
) -> Bool[np.ndarray, "size size"]:
    """A mask in [0, 1] of a picture of a shape (height, width); see `read_mask`."""
    height, width = shape
    if mask.shape != shape:
        raise InputError(
            f"{source}: a mask of {mask.shape[1]} x {mask.shape[0]} pixels for a picture of "
            f"{width} x {height}; make it of the picture's own size"
        )
    short = min(height, width)
    nearest = ((np.arange(size) + 0.5) * short / size).astype(int)
    rows, columns = (height - short) // 2 + nearest, (width - short) // 2 + nearest
    seen = mask[np.ix_(rows, columns)] >= 0.5
    require_seen(source, seen)
    return seen


def require_seen(path: str | Path, seen: Bool[np.ndarray, "size size"]) -> None:
    """Refuse a mask that covers the whole square.

    Raises:
        InputError: It does; the message names the mask.
    """
    if not seen.any():
        raise InputError(
            f"{path}: leaves nothing to fit in the centred square; paint white what is seen"
        )
