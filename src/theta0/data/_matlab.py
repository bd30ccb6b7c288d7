"""Reads arrays of numbers and text from MATLAB files of versions 5 to 7 (.mat).

`scipy.io.loadmat` crashes the interpreter on some damaged files. Here every size is compared with
what is there; structs, cells, objects and function handles are refused by the class that their
header states. The layout is that of MathWorks, "MAT-File Format".
"""

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np

from theta0.data._files import existing_file, reason
from theta0.errors import InputError

_HEADER_BYTES = 4096
"""More than flags, shape and name of a variable take."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
            13: "u8"}  # fmt: skip
"""Types in which numbers are stored."""

_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CLASSES = ("", "cell", "struct", "object", "char", "sparse", "f8", "f4", "i1", "u1", "i2", "u2",
            "i4", "u4", "i8", "u8", "function handle", "opaque")  # fmt: skip
"""Of variables, by number; of numbers, which may be stored as smaller ones."""

Order = Literal["little", "big"]


class _Variable(NamedTuple):
    """A variable's header, and where its values begin in its body."""

    name: str
    shape: tuple[int, ...]
    kind: str
    logical: bool
    at: int


@contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: cannot be read as a MATLAB file ({reason(error)}); save it again with "
            "save(..., '-v7')"
        ) from error


def matlab_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the variables of a MATLAB file, by name; no variable is read.

    Raises:
        InputError: The file is missing, damaged or of version 7.3, or a variable is not a full
            array of real numbers, or text.
    """
    path, shapes = existing_file(path), {}
    with _errors_name(path), path.open("rb") as file:
        order = _order(file, path)
        for body in _bodies(file, order, _HEADER_BYTES):
            variable = _variable(body, order, path)
            if variable.name in shapes:
                raise InputError(f"{path}: holds {variable.name} twice; save each variable once")
            shapes[variable.name] = variable.shape
    return shapes


def read_matlab(path: str | Path) -> dict[str, np.ndarray]:
    """All variables of a MATLAB file whose shapes were checked (:func:`matlab_shapes`).

    MATLAB's scalars and text become arrays without axes; other arrays have two or more.

    Raises:
        InputError: As for `matlab_shapes`.
    """
    path, arrays = Path(path), {}
    largest = max((math.prod(shape) for shape in matlab_shapes(path).values()), default=0)
    with _errors_name(path), path.open("rb") as file:
        order = _order(file, path)
        for body in _bodies(file, order, _HEADER_BYTES + 8 * largest):
            variable = _variable(body, order, path)
            arrays[variable.name] = _values(body, variable, order)
    return arrays


def _order(file: BinaryIO, path: Path) -> Order:
    """Byte order by the header of the file, past which it is read."""
    start = file.read(512 + len(_HDF5))
    if _HDF5 in (start[: len(_HDF5)], start[512:]) or start.startswith(b"MATLAB 7.3"):
        raise InputError(
            f"{path}: is a MATLAB 7.3 file (HDF5), which is not read; save it with "
            "save(..., '-v7') or '-v6'"
        )
    file.seek(128)
    orders: dict[bytes, Order] = {b"\x00\x01IM": "little", b"\x01\x00MI": "big"}
    if start[124:128] not in orders:
        raise ValueError("it has no header of version 5 to 7")
    return orders[start[124:128]]


def _bodies(file: BinaryIO, order: Order, limit: int) -> Iterator[bytes]:
    """What is in each variable, at most `limit` bytes of it."""
    end = file.seek(0, 2)
    file.seek(128)
    while tag := file.read(8):
        kind, size = (int.from_bytes(tag[at : at + 4], order) for at in (0, 4))
        after = file.tell() + size
        if len(tag) < 8 or after > end:
            raise ValueError("it is truncated")
        body = file.read(min(size, limit))
        if kind == _COMPRESSED:
            body = zlib.decompressobj().decompress(body, limit)
            kind, body = int.from_bytes(body[:4], order), body[8:]
        if kind != _MATRIX:
            raise ValueError(f"it holds an element of type {kind}")
        yield body
        file.seek(after)


def _variable(body: bytes, order: Order, path: Path) -> _Variable:
    flags, at = _element(body, 0, order, {_UINT32})
    sizes, at = _element(body, at, order, {_INT32})
    name, at = _element(body, at, order, {_INT8})
    if len(flags[1]) != 8:
        raise ValueError("it is damaged")
    bits = int.from_bytes(flags[1][:4], order)
    number, logical, is_complex = bits & 255, bool(bits & 0x200), bool(bits & 0x800)
    called = name[1].decode("latin-1")
    kind = _CLASSES[number] if 0 < number < len(_CLASSES) else f"class {number}"
    if is_complex or not (kind == "char" or kind[1:].isdecimal()):
        raise InputError(
            f"{path}: {called:.60} is {'complex' if is_complex else f'a {kind}'}, which is not "
            "read; save full arrays of real numbers, or text"
        )
    shape = tuple(np.frombuffer(sizes[1], _dtype("i4", order)).tolist())
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"{called:.60} has the shape {shape}")
    return _Variable(called, shape, kind, logical, at)


def _values(body: bytes, variable: _Variable, order: Order) -> np.ndarray:
    text = variable.kind == "char"
    (kind, data), _ = _element(body, variable.at, order, set(_ENCODINGS if text else _NUMBERS))
    if text:
        encoding = _ENCODINGS[kind]
        suffix = "" if encoding in ("latin-1", "utf-8") else "-le" if order == "little" else "-be"
        return np.array(data.decode(encoding + suffix))
    values = np.frombuffer(data, _dtype(_NUMBERS[kind], order))
    if len(values) != math.prod(variable.shape):
        raise ValueError(f"{variable.name:.60} has {len(values)} values of {variable.shape}")
    values = values.astype(bool if variable.logical else variable.kind)
    return values.reshape(() if len(values) == 1 else variable.shape, order="F")


def _element(body: bytes, at: int, order: Order, kinds: set[int]) -> tuple[tuple[int, bytes], int]:
    """Type and data of the element at a position, and where the next begins."""
    kind, size = (int.from_bytes(body[start : start + 4], order) for start in (at, at + 4))
    if kind >> 16:  # a small one, of at most 4 bytes in the place of the size
        kind, size, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
    else:
        start, after = at + 8, at + 8 + size + -size % 8
    if kind not in kinds or start + size > len(body) or after - start < size:
        raise ValueError("it is truncated or damaged")
    return (kind, body[start : start + size]), after


def _dtype(code: str, order: Order) -> np.dtype:
    return np.dtype(("<" if order == "little" else ">") + code)
