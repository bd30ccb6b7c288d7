"""A field as a picture of any size and of any region: it answers between the pixels, too."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, UInt8

from theta0.chunks import predict
from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Points
from theta0.tasks import in_disc

Region = tuple[float, float, float, float]
"""Top, left, bottom, right, in fractions of the fitted square"""

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
LARGEST_SIZE = 8192
"""Pixels of the longest side that is rendered"""

_MARGIN, _LEAST = 1.0, 1e-3
_POINTS = 2**18


def check_region(region: Region) -> None:
    """Refuse a region that cannot be rendered.

    It may reach one side's length beyond the fitted square, where the field extrapolates.

    Raises:
        InputError: it is empty or too far out.
    """
    top, left, bottom, right = region
    shown = " ".join(f"{value:g}" for value in region)
    # Not (a >= b) instead of a < b: NaN fails, too.
    if not (bottom - top >= _LEAST and right - left >= _LEAST):
        raise InputError(
            f"region {shown}: give TOP LEFT BOTTOM RIGHT, the last two at least {_LEAST:g} larger "
            "than the first"
        )
    if min(region) < -_MARGIN or max(region) > 1 + _MARGIN:
        raise InputError(
            f"region {shown}: reaches beyond {-_MARGIN:g} to {1 + _MARGIN:g}; the fitted square is "
            "0 to 1"
        )


def own_size(region: Region, own_side: int) -> int:
    """Pixels of the region's long side at the scale of a square of ``own_side`` pixels.

    Raises:
        InputError: they are more than are rendered.
    """
    top, left, bottom, right = region
    size = max(1, round(own_side * max(bottom - top, right - left)))
    if size > LARGEST_SIZE:
        raise InputError(
            f"the region is {size} pixels long at the picture's own scale; choose a size of at "
            f"most {LARGEST_SIZE}"
        )
    return size


def render(
    field: Field,
    size: int,
    region: Region = WHOLE,
    pixel_offset: float = 0.5,
    disc_only: bool = False,
) -> UInt8[np.ndarray, "height width channels"]:
    """A region of the field on square pixels; values outside [0, 1] are clipped.

    Takes twice the memory of the picture (1 byte a value), and that of one block of rows.

    Args:
        field: (row, column) in the unit square to a value.
        size: pixels of the region's long side; its short side ends at the pixel border nearest to
            the bottom or right that was given.
        region: what is shown.
        pixel_offset: where in its pixel a sample lies: 0.5 the centre, 0 the corner.
        disc_only: 0 outside the disc inscribed in the square.
    """
    blocks = _blocks(field, size, region, pixel_offset, disc_only)
    return np.concatenate([np.round(values * 255).astype(np.uint8) for values in blocks])


def render_values(
    field: Field, size: int, pixel_offset: float = 0.5, disc_only: bool = False
) -> Float[np.ndarray, "size size channels"]:
    """The whole square as :func:`render` shows it, before values are rounded to bytes."""
    return np.concatenate(list(_blocks(field, size, WHOLE, pixel_offset, disc_only)))


def _blocks(
    field: Field, size: int, region: Region, pixel_offset: float, disc_only: bool
) -> Iterator[Float[np.ndarray, "rows width channels"]]:
    """Blocks of rows, from the top, in [0, 1]."""
    top, left, bottom, right = region
    pitch = max(bottom - top, right - left) / size
    height, width = (max(1, round(side / pitch)) for side in (bottom - top, right - left))
    rows = top + (np.arange(height) + pixel_offset) * pitch
    columns = left + (np.arange(width) + pixel_offset) * pitch
    block = max(1, _POINTS // width)
    for first in range(0, height, block):
        grid = np.meshgrid(rows[first : first + block], columns, indexing="ij")
        points = np.stack(grid, axis=-1).reshape(-1, 2).astype(np.float32)
        values = np.clip(np.asarray(predict(Points(), field, points)), 0, 1)
        if disc_only:
            values = values * in_disc(points)[:, None]
        yield values.reshape(-1, width, values.shape[-1])
