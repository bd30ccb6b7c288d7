"""Value noise: random values on a lattice, interpolated smoothly between lattice points.

The values are integer hashes of the position, so they are the same on every machine.
"""

import numpy as np
from jaxtyping import Float, Int

_STEPS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)


def hashed(cells: Int[np.ndarray, "n axes"], seed: int) -> Float[np.ndarray, " n"]:
    """A random number in [0, 1) for each cell of a lattice of up to three axes."""
    words = cells.astype(np.uint64) * _STEPS[: cells.shape[1]]  # wraps around
    return _mixed(words.sum(axis=1, dtype=np.uint64), seed)


def value_noise(
    points: Float[np.ndarray, "n 3"], seed: int, octaves: int = 1
) -> Float[np.ndarray, " n"]:
    """Noise in [0, 1) with features of about one unit, halved in size with each further octave.

    At integer points, a single octave equals `hashed`.
    """
    total, weight = np.zeros(len(points)), 0.0
    for octave in range(octaves):
        total += _octave(points * 2**octave, seed + octave) / 2**octave
        weight += 1 / 2**octave
    return total / weight


def _octave(points: Float[np.ndarray, "n 3"], seed: int) -> Float[np.ndarray, " n"]:
    floor = np.floor(points)
    along = points - floor
    along = along * along * (3 - 2 * along)
    low = floor.astype(np.int64).astype(np.uint64) * _STEPS
    (x, y, z), (a, b, c) = along.T, low.T

    def along_z(first: np.ndarray, second: np.ndarray) -> Float[np.ndarray, " n"]:
        one, two = (_mixed(first + second + third, seed) for third in (c, c + _STEPS[2]))
        return _mix(one, two, z)

    def along_y(first: np.ndarray) -> Float[np.ndarray, " n"]:
        return _mix(along_z(first, b), along_z(first, b + _STEPS[1]), y)

    return _mix(along_y(a), along_y(a + _STEPS[0]), x)


def _mix(
    one: Float[np.ndarray, " n"], two: Float[np.ndarray, " n"], part: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    return one + (two - one) * part


def _mixed(words: np.ndarray, seed: int) -> Float[np.ndarray, " n"]:
    """Mix the bits of words and return numbers in [0, 1)."""
    words = words + np.uint64((seed * int(_MIX)) % 2**64)
    for _ in range(2):
        words = (words ^ (words >> _HALF)) * _MIX
    return (words >> np.uint64(11)).astype(np.float64) / 2**53
