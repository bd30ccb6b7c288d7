"""The system matrix: line integrals of a pixel slice as a sparse matrix."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import sparse


def system_matrix(
    start: Float[np.ndarray, "*rays 2"], end: Float[np.ndarray, "*rays 2"], size: int
) -> sparse.csr_array:
    """``A`` with ``A @ slice.ravel()`` the integrals along straight segments.

    The slice is bilinear between its pixel centres and sampled at midpoints, two a pixel, exactly
    as `theta0.signals.slice_integrals` does. The matrices of the last few beams are kept.

    Args:
        start: (row, column) in the unit square.
        end: likewise.
        size: pixels per side.

    Returns:
        One row a ray, one column a pixel (row by row), float64; not to be changed.
    """
    as_bytes = lambda ends: np.asarray(ends, np.float64).tobytes()
    return _matrix(as_bytes(start), as_bytes(end), size)


@lru_cache(maxsize=4)
def _matrix(start: bytes, end: bytes, size: int) -> sparse.csr_array:
    first, last = (np.frombuffer(ends).reshape(-1, 2) for ends in (start, end))
    # The entries of all rays at once would take gigabytes for many views.
    blocks = [
        _rows(first[begin : begin + 256], last[begin : begin + 256], size)
        for begin in range(0, len(first), 256)
    ]
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def _rows(
    start: Float[np.ndarray, "rays 2"], end: Float[np.ndarray, "rays 2"], size: int
) -> sparse.csr_array:
    samples = 2 * size
    t = ((np.arange(samples) + 0.5) / samples)[:, None]
    pixel = (start[:, None] + t * (end - start)[:, None]) * size - 0.5
    # Beyond the outermost pixel centres nothing is interpolated; there the slice counts as 0.
    inside = ((pixel >= 0) & (pixel <= size - 1)).all(axis=-1)
    ray = np.nonzero(inside)[0]
    length = np.linalg.norm(end - start, axis=1)[ray] / samples
    corner = np.minimum(pixel[inside].astype(int), size - 2)
    part = pixel[inside] - corner
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    weights = [length * np.abs(1 - up - part).prod(axis=-1) for up in np.array(corners)]
    columns = [(corner + up) @ [size, 1] for up in np.array(corners)]
    entries = np.concatenate(weights), (np.tile(ray, 4), np.concatenate(columns))
    return sparse.csr_array(entries, shape=(len(start), size**2))
