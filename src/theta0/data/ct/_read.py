"""Reads computed-tomography slices from files of any format that they are stored in."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data._arrays import array_names, read_array
from theta0.data._files import existing_file, named, note_left_out, visible_files
from theta0.data.ct._dicom import read_dicom
from theta0.data.ct._dicom_files import is_dicom
from theta0.data.ct._formats import DICOM_SUFFIXES, SLICE_FORMATS, VOLUME_SUFFIXES
from theta0.data.ct._pictures import read_picture, read_picture_folder
from theta0.data.ct._slices import (
    BYTE_WINDOW,
    HU_WINDOW,
    Slices,
    Window,
    assumed_window,
    check_numbers,
    is_mask,
    stacked,
)
from theta0.data.ct._volumes import read_volume, read_volumes
from theta0.data.images import PICTURE_SUFFIXES
from theta0.errors import InputError
from theta0.memory import MAX_BYTES

PUBLISHED = ("data_train", "data_test")
"""Arrays of the .npz files that the paper's authors publish."""

_FLOAT_BYTES = 4
"""Of the float32 slices that are made of an array, for each of its values."""


def read_slices(
    path: str | Path,
    window: Window = HU_WINDOW,
    key: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Slices:
    """Read the slices of a file or folder.

    Formats: DICOM (a file, or a folder of one series), NIfTI and MetaImage (axial slices, from the
    feet to the head), .npz, .npy, TIFF (all pages), other grey pictures, and folders of pictures or
    of volumes, in natural order. Pixels that are not square are resampled.

    Args:
        path: File or folder.
        window: Applied to Hounsfield units: DICOM, NIfTI and MetaImage files, arrays called `hu` in
            .npz files, and signed integers of .npy and TIFF files. Of other integers the largest is
            1, and floats must be in [0, 1].
        key: The array of an .npz file, for instance "data_test"; see `read_npz`.
        max_bytes: Refuse to use more memory.

    Raises:
        InputError: The file cannot be used.
        MissingExtra: The library for its format is not installed.
    """
    path = named(path)
    suffix = path.suffix.lower()
    if path.is_dir():
        return _read_folder(path, window, max_bytes)
    if suffix == ".npz":
        return read_npz(path, window, key, max_bytes)
    if key is not None:
        raise InputError(f"{path}: key={key!r} names an array of an .npz file; leave it out here")
    if suffix == ".npy":
        stored = read_array(path, None, max_bytes, _FLOAT_BYTES)
        how = None
        if not is_mask(path, stored):
            check_numbers(path, stored.dtype)
            how = assumed_window(stored.dtype, window)
        return stacked(path, stored, how, max_bytes, group=path.stem)
    if suffix in PICTURE_SUFFIXES:
        return read_picture(path, window, max_bytes)
    if path.name.lower().endswith(VOLUME_SUFFIXES):
        return read_volume(path, window, max_bytes)
    if suffix in DICOM_SUFFIXES or is_dicom(existing_file(path)):
        return read_dicom(path, window, max_bytes)
    raise InputError(f"{path}: is in no format that is read; CT slices are {SLICE_FORMATS}")


def _read_folder(path: Path, window: Window, max_bytes: int) -> Slices:
    files = [file for file in visible_files(path) if file.is_file()]
    if any(is_dicom(file) for file in files):
        return read_dicom(path, window, max_bytes)
    suffixes = VOLUME_SUFFIXES, tuple(PICTURE_SUFFIXES)
    for ending, read in zip(suffixes, (read_volumes, read_picture_folder), strict=True):
        found = [file for file in files if file.name.lower().endswith(ending)]
        if found:
            _note_others(path, files, found)
            found.sort(key=lambda file: _natural(file.relative_to(path).as_posix()))
            return read(path, found, window, max_bytes)
    raise InputError(
        f"{path}: holds no DICOM series, volume or picture; CT slices are {SLICE_FORMATS}"
    )


def _note_others(path: Path, files: Sequence[Path], found: Sequence[Path]) -> None:
    # The voxels of an .mhd file are read with it.
    others = [
        file for file in set(files) - set(found) if file.suffix.lower() not in (".raw", ".zraw")
    ]
    note_left_out(path, others, "files that are of another format")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which 2 comes before 10."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]


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
        max_bytes: Refuse to use more memory, before it is allocated.

    Raises:
        InputError: The file or the array cannot be used.
    """
    path = Path(path)
    available = array_names(path)
    key = _chosen(path, available, key)
    stored = read_array(path, key, max_bytes, _FLOAT_BYTES)
    if key != "hu":
        grey = not is_mask(path, stored) and stored.dtype == np.uint8
        return stacked(path, stored, BYTE_WINDOW if grey else None, max_bytes)
    names = _strings(path, "names", available, max_bytes)
    patients = _strings(path, "patient", available, max_bytes)
    return stacked(path, stored, window, max_bytes, names, patients, group=path.stem)


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
