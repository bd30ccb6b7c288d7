"""Reads the tables of .ply files, checked against the length of the file before memory is taken."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Int, UInt8

from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._lines import word_blocks
from theta0.data.meshes._source import Source
from theta0.errors import InputError

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip

_SHORT = "ends before all it declares; copy it again"
_MOST_HEADER = 1 << 20

_ROWS = 1 << 16
"""Values that are gathered at a time"""


@dataclass(frozen=True)
class Property:
    """A column as declared: `count` is the type of the lengths of lists."""

    name: str
    type: np.dtype
    count: np.dtype | None


@dataclass(frozen=True)
class Column:
    """The values of a property, those of lists one after another, and the lengths of lists."""

    values: np.ndarray
    counts: Int[np.ndarray, " rows"] | None = None


@dataclass(frozen=True)
class _Element:
    name: str
    rows: int
    properties: list[Property]


def read_tables(source: Source) -> tuple[dict[str, dict[str, Column]], list[str]]:
    """The columns by element and property, and the comments; what comes after them is noted.

    Raises:
        InputError: The file is damaged or declares too many faces.
    """
    content = source.content
    order, elements, comments, start = _header(content)
    for element in elements:
        faces = element.name in ("face", "tristrips")
        check_faces(element.rows if faces else element.rows // 3, source.limits)
    if order == "ascii":
        body = content[start:].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = (line for line in io.BytesIO(body) if line.strip())
        tables = {one.name: _text(lines, one, len(body)) for one in elements}
        if more := sum(1 for _ in lines):
            source.note(f"{more} lines after the tables that its header declares are left out")
        return tables, comments
    data = np.frombuffer(content, np.uint8)
    tables = {}
    for element in elements:
        tables[element.name], start = _binary(data, start, element)
    if more := len(content[start:].rstrip(b"\0\r\n ")):  # of padding nothing is said
        source.note(f"{more} bytes after the tables that its header declares are left out")
    return tables, comments


def _header(content: bytes) -> tuple[str, list[_Element], list[str], int]:
    """Byte order or 'ascii', the elements, the comments, and where the tables begin."""
    at = content.find(b"end_header", 0, _MOST_HEADER)
    if not content.startswith(b"ply") or at < 0:
        raise ValueError("it has no header")
    start = at + len(b"end_header")
    while content[start : start + 1] in (b" ", b"\t"):
        start += 1
    start += 2 if content[start : start + 2] == b"\r\n" else 1
    order, elements, comments = "", [], []
    for line in content[:at].decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        key, *words = line.split() or [""]
        if key == "format":
            order = {"ascii": "ascii", "binary_little_endian": "<", "binary_big_endian": ">"}[
                words[0]
            ]
        elif key == "comment":
            comments.append(line.strip().partition(" ")[2].strip())
        elif key == "element":
            elements.append(_Element(words[0], int(words[1]), []))
            if elements[-1].rows < 0:
                raise ValueError(f"it declares {words[1]} rows")
        elif key == "property":
            kind = "<" if order == "ascii" else order
            types = [np.dtype(kind + _TYPES[word]) for word in words[words[0] == "list" : -1]]
            lengths = types[0] if len(types) == 2 else None
            elements[-1].properties.append(Property(words[-1], types[-1], lengths))
    if not order:
        raise ValueError("it has no format")
    return order, elements, comments, start


def _text(lines: Iterator[bytes], element: _Element, length: int) -> dict[str, Column]:
    """Read a table of text, one row a line."""
    if 2 * element.rows > length + 1:
        raise InputError(_SHORT)
    columns: list[list[np.ndarray]] = [[] for _ in element.properties]
    counts: list[list[np.ndarray]] = [[] for _ in element.properties]
    for rows in word_blocks(lines, element.rows):
        place = np.zeros(len(rows), np.int64)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        words = np.array([float(word) for word in chain.from_iterable(rows)])
        starts = np.cumsum(lengths) - lengths
        for number, one in enumerate(element.properties):
            size = np.ones(len(rows), np.int64)
            if (place >= lengths).any():
                raise InputError("has a row with too few numbers; export it again")
            if one.count is not None:
                size = words[starts + place].astype(np.int64)
                place = place + 1
                counts[number].append(size)
            if (size < 0).any() or (place + size > lengths).any():
                raise InputError("has a row with too few numbers; export it again")
            columns[number].append(words[_ranges(starts + place, size)])
            place = place + size
        if (place < lengths).any():
            raise InputError(
                "has a row with more numbers than its header declares; export it again"
            )
    return {
        one.name: Column(
            _joined(columns[number], one.type),
            None if one.count is None else _joined(counts[number], np.dtype(np.int64)),
        )
        for number, one in enumerate(element.properties)
    }


def _joined(pieces: list[np.ndarray], kind: np.dtype) -> np.ndarray:
    values = np.concatenate(pieces) if pieces else np.empty(0)
    # Some files write fractions under the name of a type of whole numbers.
    if kind.kind != "f" and len(values):
        limits = np.iinfo(kind)
        if values.min() < limits.min or values.max() > limits.max:
            raise InputError(
                f"has a number that its type cannot hold, which is {limits.min} to {limits.max}; "
                "export it again"
            )
    exact = kind.kind == "f" or (values == np.rint(values)).all()
    return values.astype(kind) if exact else values


def _ranges(starts: Int[np.ndarray, " n"], sizes: Int[np.ndarray, " n"]) -> Int[np.ndarray, " m"]:
    """Numbers from each start on, as many as the size, one after another."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + sizes, sizes)


def _binary(
    data: UInt8[np.ndarray, " bytes"], start: int, element: _Element
) -> tuple[dict[str, Column], int]:
    """Read a binary table that begins at `start`; also returns where it ends."""
    if not element.rows:
        return {one.name: _empty(one) for one in element.properties}, start
    # Lists are mostly of one length, that of the first row.
    places, counts, end = _places(data, start, element, 1)
    size = end - start
    whole = data[start : start + size * element.rows]
    if len(whole) == size * element.rows:
        rows = whole.reshape(element.rows, size)
        lengths = [
            rows[:, place[0] - start - one.count.itemsize : place[0] - start]
            for one, place in zip(element.properties, places, strict=True)
            if one.count is not None
        ]
        if all((length == length[0]).all() for length in lengths):
            return {
                one.name: _strided(rows, place[0] - start, count[0], one)
                for one, place, count in zip(element.properties, places, counts, strict=True)
            }, start + whole.size
    places, counts, end = _places(data, start, element, element.rows)
    return {
        one.name: _gathered(data, np.array(place), np.array(count), one)
        for one, place, count in zip(element.properties, places, counts, strict=True)
    }, end


def _empty(one: Property) -> Column:
    none = np.empty(0, np.int64)
    return Column(none.astype(one.type), None if one.count is None else none)


def _places(
    data: UInt8[np.ndarray, " bytes"], at: int, element: _Element, rows: int
) -> tuple[list[list[int]], list[list[int]], int]:
    """Where the values of each property begin in each row, how many there are, and the end."""
    places: list[list[int]] = [[] for _ in element.properties]
    counts: list[list[int]] = [[] for _ in element.properties]
    buffer = data.data
    for _ in range(rows):
        for one, place, count in zip(element.properties, places, counts, strict=True):
            number = 1
            if one.count is not None:
                number = int(np.frombuffer(buffer, one.count, 1, at)[0]) if at < len(data) else -1
                at += one.count.itemsize
            place.append(at)
            count.append(number)
            at += number * one.type.itemsize
            if number < 0 or at > len(data):
                raise InputError(_SHORT)
    return places, counts, at


def _strided(rows: UInt8[np.ndarray, "rows size"], at: int, count: int, one: Property) -> Column:
    """The values of a property that lie at the same place in all rows."""
    values = rows[:, at : at + count * one.type.itemsize].copy().reshape(-1).view(one.type)
    return Column(values, None if one.count is None else np.full(len(rows), count))


def _gathered(
    data: UInt8[np.ndarray, " bytes"],
    places: Int[np.ndarray, " rows"],
    counts: Int[np.ndarray, " rows"],
    one: Property,
) -> Column:
    size = one.type.itemsize
    items = np.repeat(places, counts) + size * _ranges(np.zeros_like(counts), counts)
    # An index takes eight times the memory of a byte.
    pieces = [
        data[some[:, None] + np.arange(size)].reshape(-1).view(one.type)
        for some in np.array_split(items, len(items) // _ROWS + 1)
    ]
    return Column(np.concatenate(pieces), None if one.count is None else counts)
