"""Reads computed-tomography slices from .npz, .npy, DICOM and picture files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data._arrays import array_names, read_array
from theta0.data.ct._dicom import read_series
from theta0.data.ct._slices import BYTE_WINDOW, HU_WINDOW, Slices, Window, stacked
from theta0.data.images import PICTURE_SUFFIXES, read_image
from theta0.errors import InputError
from theta0.memory import MAX_BYTES

PUBLISHED = ("data_train", "data_test")
"""Arrays of the .npz files that the paper's authors publish."""


def read_slices(
    path: str | Path,
    window: Window = HU_WINDOW,
    key: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Slices:
    """Read the slices of an .npz, .npy, DICOM or picture file, or of a folder of one DICOM series.

    Args:
        path: File or folder.
        window: Applied to Hounsfield units: DICOM files, arrays called `hu` in .npz files, and
            integer .npy arrays. Other arrays must be in [0, 1].
        key: The array of an .npz file, for instance "data_test"; see `read_npz`.
        max_bytes: Refuse larger arrays.

    Raises:
        InputError: The file cannot be used.
        MissingExtra: It is a DICOM file, and pydicom is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return read_npz(path, window, key, max_bytes)
    if key is not None:
        raise InputError(f"{path}: key={key!r} names an array of an .npz file; leave it out here")
    if suffix == ".npy":
        stored = read_array(path, None, max_bytes)
        hounsfield = stored.dtype.kind in "iu"
        return stacked(path, stored, window if hounsfield else None, max_bytes, group=path.stem)
    if suffix in PICTURE_SUFFIXES:
        rgb = read_image(path, None)
        # Rec. 601 luma, in float64 so that grey stays the same grey.
        grey = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        return stacked(path, grey, None, max_bytes, names=(path.name,))
    return read_dicom(path, window, max_bytes)


def read_slice(
    path: str | Path, window: Window = HU_WINDOW, index: int = 0, key: str | None = None
) -> Float[np.ndarray, "height width"]:
    """Read one slice; see `read_slices`. `index` counts from 0.

    Raises:
        InputError: The file cannot be used or has no such slice.
    """
    slices = read_slices(path, window, key)
    if not 0 <= index < len(slices):
        raise InputError(
            f"{path}: has no slice {index}; choose an index from 0 to {len(slices) - 1}"
        )
    return slices.pixels[index]


def read_npz(
    path: str | Path,
    window: Window = HU_WINDOW,
    key: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Slices:
    """Read the slices of an .npz file, without unpickling.

    The array `hu` (N H W, or H W) contains Hounsfield units; `names` and `patient`, N strings each,
    are optional, and without `patient` the file counts as one patient. Any other array (for
    instance `data_train` and `data_test`) contains values in [0, 1], or uint8, and each of its
    slices counts as a patient of its own.

    Args:
        path: The file.
        window: Applied to `hu` only.
        key: Which array; the default is `hu`, the only array, or `data_test` of the two published
            ones.
        max_bytes: Refuse larger arrays, before memory is allocated.

    Raises:
        InputError: The file or the array cannot be used.
    """
    path = Path(path)
    available = array_names(path)
    key = _chosen(path, available, key)
    stored = read_array(path, key, max_bytes)
    if key != "hu":
        bytes_window = BYTE_WINDOW if stored.dtype == np.uint8 else None
        return stacked(path, stored, bytes_window, max_bytes)
    names = _strings(path, "names", available, max_bytes)
    patients = _strings(path, "patient", available, max_bytes)
    return stacked(path, stored, window, max_bytes, names, patients, group=path.stem)


def read_dicom(path: str | Path, window: Window = HU_WINDOW, max_bytes: int = MAX_BYTES) -> Slices:
    """Read a DICOM file, or a folder (with its subfolders) that contains one series.

    Slices are sorted by position along their normal, or by InstanceNumber where positions are
    missing; rescale slope and intercept are applied, and MONOCHROME1 is inverted after the window.

    Raises:
        InputError: Several series, no pixels, or pixels that cannot be decoded.
        MissingExtra: pydicom is not installed.
    """
    series = read_series(path, max_bytes)
    slices = stacked(Path(path), series.values, window, max_bytes, series.names, group=series.group)
    if series.inverted:
        np.subtract(1.0, slices.pixels, out=slices.pixels)
    return slices


def _chosen(path: Path, available: Sequence[str], key: str | None) -> str:
    """The name of the array to read; see `read_npz`."""
    if not available:
        raise InputError(f"{path}: holds no array; save slices with numpy.savez")
    if key is None and "hu" in available:
        return "hu"
    if key is None and len(available) == 1:
        return available[0]
    if key is None and set(PUBLISHED) <= set(available):
        return PUBLISHED[1]
    if key is None or key not in available:
        wanted = "no array was chosen" if key is None else f"has no array {key!r}"
        raise InputError(f"{path}: {wanted}; choose one of {', '.join(available)}")
    return key


def _strings(
    path: Path, key: str, available: Sequence[str], max_bytes: int
) -> tuple[str, ...] | None:
    if key not in available:
        return None
    return tuple(str(text) for text in read_array(path, key, max_bytes).reshape(-1).tolist())
