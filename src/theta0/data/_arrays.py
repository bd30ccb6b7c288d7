"""Reads single arrays from .npy and .npz files without trusting their headers.

`numpy.load` allocates the memory that a header declares before it looks at the data, and may
unpickle. Here the header is read first and compared with the stored size and a limit; memory is
allocated only then. Members of .npz files are stored or deflated, as NumPy writes them: decoders of
other methods cannot be told where to stop.
"""

import math
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from numpy.lib import format as npy

from theta0.data._files import check_expansion, existing_file, reason
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

_CHUNK_BYTES = 1 << 24
_LONGEST_HEADER = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@runtime_checkable
class _Stream(Protocol):
    """What an open file and an open member of a zip file have in common."""

    def read(self, n: int = -1, /) -> bytes: ...

    def tell(self) -> int: ...


@contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Turn any exception of a damaged file into a one-line error that names the file."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and the header parser raise many types
        raise InputError(
            f"{path}: cannot be read as a NumPy file ({reason(error)}); "
            "save it again with numpy.save or numpy.savez"
        ) from error


def array_names(path: str | Path) -> tuple[str, ...]:
    """List the arrays of an .npz file, in stored order.

    Raises:
        InputError: The file is missing or is not an .npz file.
    """
    path = existing_file(path)
    if path.suffix.lower() == ".npy":
        raise InputError(f"{path}: contains a single array; give an .npz file of named arrays")
    with _errors_name(path), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f"{path}: holds {twice[0]} twice; save each array once")
    return tuple(name.removesuffix(".npy") for name in names)


def array_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """The shapes that the arrays of an .npz file declare, by name; no array is read.

    Raises:
        InputError: The file or a header is damaged, or an array holds Python objects.
    """
    path, shapes = Path(path), {}
    for name in array_names(path):
        with _errors_name(path), zipfile.ZipFile(path) as archive, _member(archive, name) as stream:
            shapes[name] = _read_header(stream, f"{path}: array {name!r}")[0]
    return shapes


def read_array(
    path: str | Path, name: str | None = None, max_bytes: int = MAX_BYTES, bytes_a_value: int = 0
) -> np.ndarray:
    """Read one array of numbers or strings.

    Args:
        path: An .npy file, or an .npz file.
        name: The array inside an .npz file; None for an .npy file.
        max_bytes: Refuse to use more memory, before it is allocated.
        bytes_a_value: Memory that the caller will allocate for each value, besides the array.

    Returns:
        The array, in its stored shape and dtype.

    Raises:
        InputError: The file is missing, damaged or too large, declares a wrong size, or contains
            Python objects.
    """
    path = existing_file(path)
    source = f"{path}: array {name!r}" if name else str(path)
    limits = max_bytes, bytes_a_value
    with _errors_name(path):
        if name is None:
            with path.open("rb") as stream:
                return _read_stream(stream, path.stat().st_size, source, *limits)
        with zipfile.ZipFile(path) as archive, _member(archive, name) as stream:
            member = archive.getinfo(f"{name}.npy")
            check_expansion(source, member.compress_size, member.file_size)
            return _read_stream(stream, member.file_size, source, *limits)


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    """An array of an .npz file, open for reading (a `zipfile.ZipExtFile`)."""
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in _METHODS:
        raise ValueError(f"{member.filename} is packed by another method than numpy's")
    return archive.open(member)


def _read_stream(
    stream: _Stream, stored_bytes: int, source: str, max_bytes: int, bytes_a_value: int
) -> np.ndarray:
    shape, fortran, dtype = _read_header(stream, source)
    declared = math.prod(shape) * dtype.itemsize
    needed = math.prod(shape) * (dtype.itemsize + bytes_a_value)
    check_memory(source, needed, max_bytes, "store fewer or smaller arrays in the file")
    if declared != stored_bytes - stream.tell():
        raise InputError(
            f"{source}: its header declares {declared} bytes ({shape}, {dtype}) but the file "
            f"stores {stored_bytes - stream.tell()}; it is damaged or forged: save it again"
        )
    array = np.empty(shape[::-1] if fortran else shape, dtype)
    if declared:
        _fill(array.reshape(-1).view(np.uint8), stream, source)
    return array.T if fortran else array


@dataclass
class _Head:
    """A file whose header is read: a longer one than any is not, whatever length it claims."""

    stream: _Stream

    def read(self, n: int = -1, /) -> bytes:
        if not 0 <= n <= _LONGEST_HEADER:
            raise ValueError(f"its header claims {n} bytes")
        return self.stream.read(n)


def _read_header(stream: _Stream, source: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    head: Any = _Head(stream)
    version = npy.read_magic(head)
    if version not in ((1, 0), (2, 0)):  # 3 is only used for structured arrays
        raise InputError(f"{source}: structured arrays are not supported; save plain numbers")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reading `.npy`")  # written by Python 2, but read rightly
        shape, fortran, dtype = read(head)
    if dtype.kind not in "biufUS" or dtype.itemsize == 0:
        raise InputError(
            f"{source}: has dtype {dtype}, which is refused; save real numbers or strings (objects "
            "may run code when read)"
        )
    if any(length < 0 for length in shape):
        raise InputError(f"{source}: its header declares the shape {shape}; save it again")
    return shape, fortran, dtype


def _fill(target: UInt8[np.ndarray, " bytes"], stream: _Stream, source: str) -> None:
    """Read exactly `len(target)` bytes; a compressed member may contain fewer than it declares."""
    filled = 0
    while filled < len(target):
        block = stream.read(min(_CHUNK_BYTES, len(target) - filled))
        if not block:
            raise InputError(
                f"{source}: ends after {filled} of {len(target)} bytes; copy or download it again"
            )
        target[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
