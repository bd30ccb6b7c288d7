"""Reads volumes of voxels, in Hounsfield units, as stacks of axial slices."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from theta0.data.ct._geometry import axial, square_pixels
from theta0.data.ct._metaimage import read_metaimage
from theta0.data.ct._nifti import read_nifti
from theta0.data.ct._slices import Slices, Window, filled, numbered
from theta0.data.ct._voxels import Volume
from theta0.errors import InputError
from theta0.memory import check_memory


def read_volume(path: Path, window: Window, max_bytes: int) -> Slices:
    """The axial slices of a NIfTI or MetaImage file, from the feet to the head; one patient.

    Raises:
        InputError: The file cannot be used.
        MissingExtra: nibabel is not installed, which NIfTI needs.
    """
    is_metaimage = path.suffix.lower() in (".mhd", ".mha")
    read = read_metaimage if is_metaimage else read_nifti
    return _slices_of(path, read(path, max_bytes), window, max_bytes)


def read_volumes(path: Path, files: Sequence[Path], window: Window, max_bytes: int) -> Slices:
    """The slices of the volumes of a folder, each of a patient of its own.

    Raises:
        InputError: One of them cannot be used, or they differ in size.
    """
    found: list[Slices] = []
    for file in files:
        found.append(read_volume(file, window, max_bytes))
        shape, first = found[-1].pixels.shape[1:], found[0].pixels.shape[1:]
        if shape != first:
            raise InputError(
                f"{file}: has slices of {shape[0]} x {shape[1]} pixels, but {files[0].name} of "
                f"{first[0]} x {first[1]}; give volumes of one size"
            )
        # Once more when they are joined.
        needed = 2 * sum(one.pixels.nbytes for one in found)
        check_memory(path, needed, max_bytes, "give fewer volumes")
    folders = [file.relative_to(path).as_posix() for file in files]
    counts = [len(one) for one in found]
    return Slices(
        np.concatenate([one.pixels for one in found]),
        tuple(
            f"{name}/{row:04d}" for name, count in zip(folders, counts, strict=True)
            for row in range(count)
        ),
        tuple(name for name, count in zip(folders, counts, strict=True) for _ in range(count)),
        window,
    )  # fmt: skip


def _slices_of(path: Path, volume: Volume, window: Window, max_bytes: int) -> Slices:
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
