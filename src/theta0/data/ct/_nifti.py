"""Reads NIfTI volumes as axial slices in Hounsfield units."""

import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from theta0.data._files import existing_file, reason
from theta0.data.ct._voxels import Volume, check_voxels
from theta0.errors import InputError, MissingExtra, note

_FIRST_VOXEL = {348: 352, 540: 544}
"""By the bytes of the headers of NIfTI-1 and NIfTI-2, the number that a file begins with: the first
byte that may be of a voxel."""

_MOST_DEFLATED = 1032
"""Deflate makes nothing smaller by a larger factor."""

_MOST_BEFORE = 1 << 24
"""Bytes that may stand before the voxels, for extensions, or are looked at after them."""


def read_nifti(path: str | Path, max_bytes: int) -> Volume:
    """Read a .nii or .nii.gz file.

    Raises:
        InputError: The file is damaged, or is not one volume of real numbers.
        MissingExtra: nibabel is not installed.
    """
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtra("reading NIfTI needs nibabel: pip install 'theta0[volumes]'") from error

    path = existing_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nibabel warns of what it repairs
            header = _header(nibabel, path)
            shape = _shape(path, header.get_data_shape())
            slope, inter = header.get_slope_inter()
        voxels = _voxels(path, header, shape, max_bytes)
    except InputError:
        raise
    except Exception as error:  # nibabel, gzip and zlib raise many types
        raise InputError(
            f"{path}: cannot be read as NIfTI ({reason(error)}); copy or export it again"
        ) from error
    scale = (1.0 if slope is None else float(slope), 0.0 if inter is None else float(inter))
    return Volume(voxels, _steps(path, header), scale)


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _header(nibabel: Any, path: Path) -> Any:
    """The header alone: nibabel reads extensions, of any size, with it."""
    with _opened(path) as stream:
        block = stream.read(540)
    first = {int.from_bytes(block[:4], order) for order in ("little", "big")}
    if not first & _FIRST_VOXEL.keys():
        raise InputError(f"{path}: does not begin as NIfTI files do; export it again")
    kind = nibabel.Nifti2Header if 540 in first else nibabel.Nifti1Header
    size = 540 if 540 in first else 348
    header = kind(block[:size], check=False)
    # Some programs leave it at 0.
    offset = float(header["vox_offset"]) or _FIRST_VOXEL[size]
    if not _FIRST_VOXEL[size] <= offset <= _MOST_BEFORE:
        raise InputError(
            f"{path}: its header says vox_offset {offset:g}, where no voxels begin; export it again"
        )
    header["vox_offset"] = offset
    return header


def _shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The three lengths of a volume, of which the last are 1 if the file has fewer."""
    if any(length < 1 for length in shape) or len(shape) < 2:
        raise InputError(f"{path}: has shape {shape}, which is no volume; export it again")
    if any(length > 1 for length in shape[3:]):
        raise InputError(
            f"{path}: has {int(np.prod(shape[3:]))} volumes (shape {shape}), of several times or "
            "channels; save one of them, of three dimensions"
        )
    x, y, z = (*shape, 1)[:3]
    return x, y, z


def _voxels(
    path: Path, header: Any, shape: tuple[int, int, int], max_bytes: int
) -> Shaped[np.ndarray, "_ _ _"]:
    kind, found = header.get_data_dtype(), path.stat().st_size
    size = check_voxels(path, shape, kind, found, max_bytes)
    found *= _MOST_DEFLATED if path.suffix.lower() == ".gz" else 1
    if size <= found:
        with _opened(path) as stream:
            stream.seek(header.get_data_offset())
            content = stream.read(size)
            more = len(stream.read(_MOST_BEFORE))  # gzip checks its sum at the end
        if more:
            note(f"{path}: {more} bytes or more after the voxels are left out")
        if len(content) == size:
            return np.frombuffer(content, kind).reshape(shape, order="F")
    raise InputError(
        f"{path}: its header declares {size} bytes of voxels ({shape}, {kind}), more than the file "
        "holds; it is truncated or forged: copy it again"
    )


def _steps(path: Path, header: Any) -> Float[np.ndarray, "3 3"]:
    """Steps along the axes of the array, in LPS."""
    if not (header["qform_code"] > 0 or header["sform_code"] > 0):
        note(
            f"{path}: nothing says how it lies in the patient (qform and sform are 0); rows and "
            "columns are read as they are stored"
        )
        return np.diag(np.abs(np.asarray((*header.get_zooms(), 1.0, 1.0), float)[:3]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            affine = header.get_best_affine()
        except Exception as error:
            raise InputError(
                f"{path}: its orientation cannot be read ({reason(error)}); correct the header"
            ) from error
    # NIfTI counts x to the right and y to the front.
    return np.diag([-1.0, -1.0, 1.0]) @ affine[:3, :3]
