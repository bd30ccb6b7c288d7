"""The voxels of a volume, and where they lie in the patient."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from theta0.data._files import check_expansion
from theta0.errors import InputError
from theta0.memory import check_memory


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume as a file stores it.

    Attributes:
        voxels: By the axes of the file.
        steps: Column i is the step from a voxel to the next along axis i, in LPS.
        scale: Slope and intercept, from stored values to Hounsfield units.
    """

    voxels: Shaped[np.ndarray, "_ _ _"]
    steps: Float[np.ndarray, "3 3"]
    scale: tuple[float, float]


def check_voxels(
    path: Path, shape: tuple[int, ...], dtype: np.dtype, stored: int, max_bytes: int
) -> int:
    """Refuse voxels that are no real numbers, or that need too much memory, before they are read.

    Args:
        path: For errors.
        shape: Of the volume.
        dtype: Of the voxels.
        stored: Bytes of the file that holds them, compressed or not.
        max_bytes: Largest amount of memory to use.

    Returns:
        The bytes of the voxels.

    Raises:
        InputError: They are, or they do.
    """
    if dtype.kind not in "iuf":
        raise InputError(f"{path}: its voxels are {dtype}; save plain numbers, one per voxel")
    count = math.prod(map(int, shape))
    check_memory(path, (4 + dtype.itemsize) * count, max_bytes, "save fewer slices")
    check_expansion(path, stored, count * dtype.itemsize)
    return count * dtype.itemsize
