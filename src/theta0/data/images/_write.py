"""Writes a class of pictures in the .npz format of the paper's authors."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from theta0.data import Split
from theta0.data.images._pictures import Pictures, PictureSource
from theta0.errors import InputError
from theta0.files import replacing
from theta0.memory import MAX_BYTES, check_memory


def write_npz(
    source: PictureSource,
    path: str | Path,
    size: int,
    progress: Callable[[int, int], None] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Split:
    """Write a class in the format of the paper's authors: ``train_data`` and ``test_data``.

    Both are uint8 of shape (pictures, size, size, channels), where 255 is 1.0, in split order.
    The layout has no place for validation pictures, so they are left out. Pictures are written one
    by one, the file is replaced as a whole, and equal pictures make files that are equal bytewise.

    Args:
        source: The class.
        path: File ending in .npz.
        size: Side of the pictures, in pixels.
        progress: Called with (pictures written, all pictures) after each picture.
        max_bytes: Refuse larger arrays; the default is that of the readers.

    Returns:
        The split of the class.

    Raises:
        InputError: The name does not end in .npz or is a folder, or the arrays are too large.
        OSError: The file cannot be written; an existing one is unchanged.
    """
    path = Path(path)
    if path.suffix != ".npz" or path.is_dir():
        raise InputError(f"{path}: give the name of a file ending in .npz")
    pictures = source.read(size)
    parts = {"train_data": pictures.split.train, "test_data": pictures.split.test}
    first = _as_bytes(pictures, (*pictures.split.train, *pictures.split.test)[0])
    for name, numbers in parts.items():
        what, needed = f"{path}: {name}, {len(numbers)} pictures", len(numbers) * first.size
        remedy = "choose a smaller size, or fewer pictures"
        check_memory(f"{what} at size={size}", needed, max_bytes, remedy)
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        _write(archive, pictures, parts, first.shape, progress)
    return pictures.split


def _write(
    archive: zipfile.ZipFile,
    pictures: Pictures,
    parts: dict[str, tuple[int, ...]],
    shape: tuple[int, ...],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the pictures of each part as one array of the archive."""
    done, total = 0, sum(map(len, parts.values()))
    for name, numbers in parts.items():
        # A fixed date (that of ZipInfo), so that the bytes do not depend on the clock.
        member = zipfile.ZipInfo(f"{name}.npy")
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(numbers), *shape)}
            npy.write_array_header_1_0(stream, header)
            for number in numbers:
                stream.write(_as_bytes(pictures, number).tobytes())
                done += 1
                if progress is not None:
                    progress(done, total)


def _as_bytes(pictures: Pictures, number: int) -> np.ndarray:
    return np.rint(pictures.load(number) * 255).astype(np.uint8)
