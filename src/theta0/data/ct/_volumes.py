"""Volumes of voxels, in Hounsfield units, as stacks of axial slices."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from theta0.data.ct._geometry import axial, square_pixels
from theta0.data.ct._slices import Slices, Window, filled, numbered
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


def check_voxels(path: Path, shape: tuple[int, ...], dtype: np.dtype, max_bytes: int) -> None:
    """Refuse voxels that are no real numbers, or that need too much memory, before they are read.

    Raises:
        InputError: They are, or they do.
    """
    if dtype.kind not in "iuf":
        raise InputError(f"{path}: its voxels are {dtype}; save plain numbers, one per voxel")
    needed = (4 + dtype.itemsize) * math.prod(map(int, shape))
    check_memory(path, needed, max_bytes, "save fewer slices")


def slices_of(path: Path, volume: Volume, window: Window, max_bytes: int) -> Slices:
    """The axial slices of a volume, from the feet to the head; one patient.

    Raises:
        InputError: The values cannot be Hounsfield units, or need too much memory.
    """
    slope, intercept = volume.scale
    if volume.voxels.dtype == np.uint8 and volume.scale == (1.0, 0.0):
        raise InputError(
            f"{path}: its voxels are unsigned bytes, which are labels or grey levels, not "
            "Hounsfield units; give the CT volume itself"
        )
    if not (np.isfinite(volume.scale).all() and slope != 0):
        raise InputError(
            f"{path}: its header scales values by {slope:g} and adds {intercept:g}; correct it"
        )
    stack, spacing = axial(path, volume.voxels, volume.steps)
    if min(stack.shape[1:]) < 2:
        raise InputError(
            f"{path}: its axial slices have {stack.shape[1]} x {stack.shape[2]} pixels; give a "
            "volume of axial slices"
        )
    slices = filled(
        path, stack.shape, _scaled(stack, slope, intercept), window, max_bytes,
        numbered(path, len(stack)), group=path.stem, stored_bytes=volume.voxels.nbytes,
    )  # fmt: skip
    squared = square_pixels(path, slices.pixels, spacing, max_bytes)
    return Slices(squared, slices.names, slices.groups, window)


def _scaled(
    stack: Shaped[np.ndarray, "slices height width"], slope: float, intercept: float
) -> Iterator[Float[np.ndarray, "height width"]]:
    for values in stack:
        yield values.astype(np.float64) * slope + intercept
