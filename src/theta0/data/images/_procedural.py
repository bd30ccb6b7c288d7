"""Procedural classes: picture number n is a function of (seed, n), drawn when asked for."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.lib import format as npy

from theta0.data import MAX_BYTES, Split, check_memory
from theta0.data._numbered import Numbered, numbered
from theta0.data.images._pictures import Pictures, PictureSource
from theta0.errors import InputError
from theta0.files import replacing

Draw = Callable[[np.random.Generator], Float[np.ndarray, "size size channels"]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pictures of a procedural class, each drawn when it is loaded; see `Pictures`."""

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    _seeds: tuple[int, int]
    _draw: Draw

    def load(self, index: int) -> Float[np.ndarray, "size size channels"]:
        """Draw picture number ``index``, float32 in [0, 1].

        Raises:
            InputError: there is no such number.
        """
        if not 0 <= index < len(self.names):
            raise InputError(f"picture number {index}: give 0 to {len(self.names) - 1}")
        return self._draw(np.random.default_rng((*self._seeds, index)))


def drawn(
    settings: Numbered,
    kind: str,
    size: int,
    draw: Draw,
    skipped: tuple[tuple[str, str], ...] = (),
) -> Drawn:
    """The pictures of a class.

    Args:
        settings: How many, and the seed.
        kind: Names the pictures and separates the random numbers of one class from another's.
        size: Side of the squares that ``draw`` returns, in pixels.
        draw: One picture from a random generator of its own.
        skipped: As in `Pictures`.

    Raises:
        InputError: the size is below 2, or the pictures or their names need too much memory.
    """
    if size < 2:
        raise InputError(f"{kind}: size={size} pixels must be at least 2")
    # 64 bytes: a float64 point, its distance, and a float32 picture of three channels.
    check_memory(f"{kind}: size={size}", 64 * size**2, MAX_BYTES, "choose a smaller size")
    counts = settings.samples, settings.validation, settings.test
    names, split = numbered(kind, "pictures", kind, *counts)
    return Drawn(
        names=names,
        skipped=skipped,
        split=split,
        _seeds=(settings.seed, int.from_bytes(kind.encode())),
        _draw=draw,
    )


def write_npz(
    source: PictureSource,
    path: str | Path,
    size: int,
    progress: Callable[[int, int], None] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Split:
    """Write a class as the paper's authors keep theirs: ``train_data`` and ``test_data``.

    Both are (pictures, size, size, channels) in uint8, where 255 is 1.0, in the order of the split.
    The layout has no place for validation pictures, so they are left out. Pictures go to the file
    one by one, so memory holds only one; the file is replaced as a whole, and equal pictures make
    equal files, byte by byte.

    Args:
        source: The class.
        path: File ending in .npz.
        size: Side of the pictures, in pixels.
        progress: Called with (pictures written, pictures in all) after each.
        max_bytes: Refuse larger arrays; what readers take by default.

    Returns:
        The split of the class.

    Raises:
        InputError: the name does not end in .npz or is a folder's, or the arrays are too large.
        OSError: the file cannot be written; an old one is untouched.
    """
    path = Path(path)
    if path.suffix != ".npz" or path.is_dir():
        raise InputError(f"{path}: give the name of a file ending in .npz")
    pictures = source.read(size)
    parts = {"train_data": pictures.split.train, "test_data": pictures.split.test}
    total = sum(map(len, parts.values()))
    shape = _as_bytes(pictures, (*pictures.split.train, *pictures.split.test)[0]).shape
    for name, numbers in parts.items():
        check_memory(
            f"{path}: {name}, {len(numbers)} pictures at size={size}",
            len(numbers) * int(np.prod(shape)),
            max_bytes,
            "choose a smaller size, or fewer pictures",
        )
    done = 0
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
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
    return pictures.split


def _as_bytes(pictures: Pictures, number: int) -> np.ndarray:
    return np.rint(pictures.load(number) * 255).astype(np.uint8)
