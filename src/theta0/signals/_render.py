"""Render an image field at any size and over any region."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, UInt8

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Points, predict

from ._grid import in_disc

Region = tuple[float, float, float, float]
"""Top, left, bottom, right, in fractions of the fitted square"""

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
LARGEST_SIZE = 8192
"""Greatest side of a rendered picture in pixels"""

_MARGIN, _LEAST = 1.0, 1e-3
_POINTS = 2**18


def check_region(region: Region) -> None:
    """Check that a region can be rendered.

    It may extend beyond the fitted square by the length of its side; the field extrapolates there.

    Raises:
        InputError: the region is empty or extends too far.
    """
    top, left, bottom, right = region
    shown = " ".join(f"{value:g}" for value in region)
    # `not a >= b` instead of `a < b` refuses NaN, too.
    if not (bottom - top >= _LEAST and right - left >= _LEAST):
        raise InputError(
            f"region {shown}: give TOP LEFT BOTTOM RIGHT, the last two at least {_LEAST:g} larger "
            "than the first"
        )
    if min(region) < -_MARGIN or max(region) > 1 + _MARGIN:
        raise InputError(
            f"region {shown}: extends beyond {-_MARGIN:g} to {1 + _MARGIN:g}; the fitted square is "
            "0 to 1"
        )


def native_size(region: Region, side: int) -> int:
    """Pixels of the region's long side at the resolution of the picture it is part of.

    Args:
        region: part of the picture.
        side: of the picture, in pixels.

    Raises:
        InputError: the size exceeds ``LARGEST_SIZE``.
    """
    top, left, bottom, right = region
    size = max(1, round(side * max(bottom - top, right - left)))
    if size > LARGEST_SIZE:
        raise InputError(
            f"the region is {size} pixels long at the picture's resolution; choose a size of at "
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
    """Render a region of a field with square pixels; values outside [0, 1] are clipped.

    The memory used is twice that of the picture (1 byte per value), plus a block of rows.

    Args:
        field: (row, column) in the unit square to a value.
        size: pixels of the region's long side; its short side is rounded to whole pixels.
        region: the part of the plane to render.
        pixel_offset: position of a sample in its pixel: 0.5 is the centre, 0 the corner.
        disc_only: set values outside the disc inscribed in the unit square to 0.
    """
    blocks = _blocks(field, size, region, pixel_offset, disc_only)
    return np.concatenate([np.round(values * 255).astype(np.uint8) for values in blocks])


def render_values(
    field: Field,
    size: int,
    pixel_offset: float = 0.5,
    disc_only: bool = False,
    region: Region = WHOLE,
) -> Float[np.ndarray, "height width channels"]:
    """A region of the field as :func:`render` shows it, before values are rounded to bytes."""
    return np.concatenate(list(_blocks(field, size, region, pixel_offset, disc_only)))


def _blocks(
    field: Field, size: int, region: Region, pixel_offset: float, disc_only: bool
) -> Iterator[Float[np.ndarray, "rows width channels"]]:
    """Blocks of rows from top to bottom, in [0, 1]."""
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
