"""Float arrays out of a pickle that holds Haiku's parameters, without unpickling it.

A pickle is a program for a machine that may call anything. Here neither that machine nor NumPy's
part of it runs: ``pickletools`` splits the bytes into instructions and executes nothing, and the
few instructions that arrays in dicts need are acted out below on plain Python values. Names are
looked up in a table of strings, never imported; whatever else a file asks for is refused.
"""

import io
import math
import pickletools
import warnings
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np

from theta0.errors import InputError

MAX_INSTRUCTIONS = 100_000
"""More are refused; a layer takes about sixty, and each may take some bytes of memory."""


class _Name(Enum):
    """The only things a file may refer to; none of them is ever called."""

    MAPPING = "Haiku's dict"
    NDARRAY = "numpy.ndarray"
    DTYPE = "numpy.dtype"
    RECONSTRUCT = "numpy's _reconstruct"
    FROMBUFFER = "numpy's _frombuffer"


_NAMES = {
    ("haiku._src.data_structures", "FlatMapping"): _Name.MAPPING,
    ("haiku._src.data_structures", "FlatMap"): _Name.MAPPING,
    ("numpy", "ndarray"): _Name.NDARRAY,
    ("numpy", "dtype"): _Name.DTYPE,
    # numpy.core until NumPy 1.26, numpy._core since; _frombuffer in protocol 5.
    ("numpy.core.multiarray", "_reconstruct"): _Name.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _Name.RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _Name.FROMBUFFER,
    ("numpy._core.numeric", "_frombuffer"): _Name.FROMBUFFER,
}

_VALUES = frozenset(
    "BININT BININT1 BININT2 SHORT_BINUNICODE BINUNICODE BINUNICODE8 "
    "SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8".split()
)
"""Instructions that push their own argument, which lies in the file and so is no longer than it."""

_MARK = object()
"""Where the items of a tuple or dict begin on the stack."""

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}


class _Refused(Exception):
    """Why a file is not read on."""


def _refuse(reason: str) -> NoReturn:
    raise _Refused(reason)


@dataclass(eq=False)
class _Number:
    """What the file says of a number type."""

    code: str
    order: str = "="


@dataclass(eq=False)
class _Array:
    """An array, empty until the file has said what is in it."""

    values: np.ndarray | None = None


@dataclass
class _Machine:
    """The stack and the memo that a pickle works on."""

    stack: list[object] = field(default_factory=list)
    memo: dict[int, object] = field(default_factory=dict)

    def act(self, instruction: str, argument: object) -> None:
        """Act out one instruction."""
        push = self.stack.append
        match instruction, argument:
            case (("PROTO" | "FRAME" | "STOP"), _):
                pass
            case name, _ if name in _VALUES:
                push(argument)
            case name, _ if name in _CONSTANTS:
                push(_CONSTANTS[name])
            case "EMPTY_DICT", _:
                push({})
            case "TUPLE", _:
                push(tuple(self.pop_to_mark()))
            case (("TUPLE1" | "TUPLE2" | "TUPLE3"), _):
                push(tuple(self.pop(int(instruction[-1]))))
            case "SETITEM", _:
                self.fill(self.pop(2))
            case "SETITEMS", _:
                self.fill(self.pop_to_mark())
            case (("BINPUT" | "LONG_BINPUT"), int(number)):
                self.memo[number] = self.top()
            case "MEMOIZE", _:
                self.memo[len(self.memo)] = self.top()
            case (("BINGET" | "LONG_BINGET"), int(number)):
                push(self.memo[number] if number in self.memo else _refuse("it is damaged"))
            case "GLOBAL", str(names):
                push(_name(*names.split(" ", 1)))
            case "STACK_GLOBAL", _:
                push(_name(*self.pop(2)))
            case "REDUCE", _:
                push(_called(*self.pop(2)))
            case "BUILD", _:
                push(_with_state(*self.pop(2)))
            case _:
                _refuse(f"it uses the pickle instruction {instruction}")

    def top(self) -> object:
        return self.stack[-1] if self.stack else _refuse("it is damaged")

    def pop(self, count: int) -> list[object]:
        if len(self.stack) < count:
            _refuse("it is damaged")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def pop_to_mark(self) -> list[object]:
        for at in reversed(range(len(self.stack))):
            if self.stack[at] is _MARK:
                return self.pop(len(self.stack) - at)[1:]
        _refuse("it is damaged")

    def fill(self, items: list[object]) -> None:
        """Put keys and values, in turn, into the dict on top."""
        target = self.top()
        if not isinstance(target, dict):
            _refuse("it sets items of something else than a dict")
        # Only text: hashing a deeply nested tuple would exhaust the interpreter's stack.
        if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
            _refuse("it has a dict whose keys are not text")
        target.update(zip(items[::2], items[1::2], strict=True))


def _name(module: object, name: object) -> _Name:
    """What a file refers to."""
    if not (isinstance(module, str) and isinstance(name, str)):
        _refuse("it refers to something by what is not a name")
    if (module, name) not in _NAMES:
        _refuse(f"it refers to {f'{module}.{name}'[:80]!r}")
    return _NAMES[module, name]


def _called(function: object, arguments: object) -> object:
    """What comes of a call that the file asks for."""
    match function, arguments:
        case _Name.MAPPING, (dict() as items,):
            return items
        case _Name.DTYPE, (("f4" | "f8") as code, _, _):
            return _Number(code)
        case _Name.DTYPE, (str(code), _, _):
            _refuse(f"it has numbers of type {code[:20]!r}, not float32 or float64")
        case _Name.RECONSTRUCT, (_Name.NDARRAY, (0,), b"b"):
            return _Array()
        case _Name.FROMBUFFER, (bytes() | bytearray() as data, _Number() as number,
                                tuple() as shape, ("C" | "F") as order):  # fmt: skip
            return _Array(_array(shape, number, order, data))
        case _Name(), _:
            _refuse(f"it calls {function.value} as neither Haiku nor NumPy does")
    _refuse(f"it calls a {type(function).__name__}")


def _with_state(target: object, state: object) -> object:
    """What a call has left empty, filled in."""
    match target, state:
        case _Number(), (3, ("<" | ">") as order, None, None, None, -1, -1, 0):
            target.order = order
        case _Array(None), (1, tuple() as shape, _Number() as number, is_fortran, bytes() as data):
            target.values = _array(shape, number, "F" if is_fortran else "C", data)
        case ((_Number() | _Array()), _):
            _refuse("it has an array that holds something else than plain numbers")
        case _:
            _refuse("it sets the state of something else than an array")
    return target


def _array(
    shape: tuple, number: _Number, order: Literal["C", "F"], data: bytes | bytearray
) -> np.ndarray:
    """The values in the file as an array; a view of them, which takes no memory."""
    dtype = np.dtype(number.order + number.code)
    if not (len(shape) in (1, 2) and all(type(n) is int and n > 0 for n in shape)):
        _refuse("it has an array that is neither a vector nor a matrix")
    if math.prod(shape) * dtype.itemsize != len(data):
        _refuse(f"it has an array of shape {shape}, but {len(data)} bytes for its values")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _run(data: bytes) -> object:
    """What the whole pickle holds."""
    machine, stream = _Machine(), io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            # pickletools reads names as Python literals, which may hold odd escapes.
            warnings.simplefilter("ignore")
            for count, (instruction, argument, _) in enumerate(pickletools.genops(stream)):
                if count == MAX_INSTRUCTIONS:
                    _refuse(f"it has more than {MAX_INSTRUCTIONS} instructions")
                machine.act(instruction.name, argument)
    except ValueError as error:  # of pickletools
        _refuse(f"it is no whole pickle ({str(error)[:80]})")
    if rest := len(data) - stream.tell():
        _refuse(f"{rest} bytes follow its end")
    if len(machine.stack) != 1:
        _refuse("it is damaged")
    return machine.stack[0]


def read_pickle(data: bytes, source: str | Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of a pickled Haiku parameter mapping, by module and by name in it.

    Args:
        data: the whole pickle, of protocol 3 or later.
        source: what the message of an error calls it.

    Returns:
        Vectors and matrices of float32 or float64, in the file's byte order.

    Raises:
        InputError: the pickle is damaged, or asks for or holds anything else; the message says
            what.
    """
    try:
        modules, found, size = _run(data), {}, len(data)
        if not isinstance(modules, dict):
            _refuse(f"it holds no dict of modules, but a {type(modules).__name__}")
        for module, items in modules.items():
            if not isinstance(items, dict):
                _refuse(f"{module[:80]!r} in it is no dict of arrays")
            arrays = {key: item.values for key, item in items.items() if isinstance(item, _Array)}
            if len(arrays) != len(items) or any(values is None for values in arrays.values()):
                _refuse(f"{module[:80]!r} in it holds something else than arrays")
            found[module] = arrays
        # The same bytes may be named many times; copies of them must not fill the memory.
        if sum(values.nbytes for arrays in found.values() for values in arrays.values()) > size:
            _refuse("it uses the same values in several arrays")
        return found
    except _Refused as error:
        raise InputError(
            f"{source}: {error}; only a pickle of Haiku's parameters as NumPy arrays is read, "
            "and nothing in it was run"
        ) from None
