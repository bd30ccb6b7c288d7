"""Pixel coordinates: the unit square, (row, column), ``ij``."""

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.memory import MAX_BYTES, check_memory


def pixel_coordinates(
    height: int, width: int, offset: float = 0.5
) -> Float[np.ndarray, "pixels 2"]:
    """(row, column) of every pixel in [0, 1), row by row.

    Args:
        height: rows.
        width: columns.
        offset: where in its pixel a sample lies: 0.5 the centre, 0 the corner towards the
            origin (the paper's ``linspace(0, 1, n + 1)[:-1]``).

    Raises:
        InputError: they would not fit into memory.
    """
    # Two grids in double precision, both in one array, and that again in single.
    needed = (16 + 16 + 8) * height * width
    check_memory(f"{height} x {width} pixels", needed, MAX_BYTES, "choose a smaller size")
    rows = (np.arange(height) + offset) / height
    columns = (np.arange(width) + offset) / width
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    return grid.reshape(-1, 2).astype(np.float32)


def in_disc(points: Float[np.ndarray, "*n 2"]) -> Bool[np.ndarray, "*n"]:
    """Which points lie in the disc inscribed in the unit square.

    >>> in_disc(pixel_coordinates(4, 4)).reshape(4, 4).sum(axis=1).tolist()
    [2, 4, 4, 2]
    """
    return ((points - 0.5) ** 2).sum(axis=-1) <= 0.25


def z_order(height: int, width: int) -> Int[np.ndarray, " pixels"]:
    """Pixel numbers (row by row) along Morton's curve, which visits square by square.

    >>> z_order(2, 4).tolist()
    [0, 1, 4, 5, 2, 3, 6, 7]
    """
    bits = np.arange(16)
    spread = lambda n: ((np.arange(n)[:, None] >> bits & 1) << 2 * bits).sum(axis=1)
    return np.argsort((2 * spread(height)[:, None] + spread(width)).ravel())
