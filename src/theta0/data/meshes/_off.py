"""Reads Object File Format (.off): polygons with colours of vertices (COFF) or faces.

The text form with three coordinates is read; normals (NOFF) and texture coordinates (STOFF, of a
texture that the format cannot name) are skipped. A colour is of 3 or 4 numbers, to 1 or to 255.
(http://www.geomview.org/docs/html/OFF.html)
"""

import io
import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
from jaxtyping import Float, Int

from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._lines import word_blocks
from theta0.data.meshes._looks import Look, Polygons, parts_of, require_corners, unit_colours
from theta0.data.meshes._mesh import Part
from theta0.data.meshes._source import Source
from theta0.errors import InputError


def read_off(source: Source) -> list[Part]:
    """Read a file.

    Raises:
        InputError: It is damaged, binary, of other than three coordinates, or too large.
    """
    kind, vertices, faces = _header(source.content)
    check_faces(faces, source.limits)
    check_faces(vertices // 3, source.limits)
    # Each takes at least a number and a line end.
    if 2 * (vertices + faces) > len(source.content):
        raise InputError("ends before all vertices and faces it declares; copy it again")
    lines = _lines(source.content)
    if not re.search(rb"\d", next(lines)):  # counts may follow the keyword in its line
        next(lines)
    points, colours = _vertices(source, kind, word_blocks(lines, vertices))
    polygons = _polygons(source, points, colours, word_blocks(lines, faces))
    if more := sum(1 for _ in lines):
        source.note(f"{more} lines after the faces that its header declares are left out")
    return parts_of(source, *polygons)


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines, without comments and empty ones."""
    lines = (line.partition(b"#")[0] for line in io.BytesIO(content.replace(b"\r", b"\n")))
    return (line for line in lines if line.strip())


def _header(content: bytes) -> tuple[str, int, int]:
    """The letters before OFF, and the declared numbers of vertices and faces."""
    words = b" ".join(islice(_lines(content[:65536]), 3)).decode("latin-1").split()
    kind = ""
    if words and (match := re.fullmatch(r"(ST)?(C)?(N)?(4)?(n)?OFF", words[0])):
        kind = words.pop(0).removesuffix("OFF")
        if match[4] or match[5]:
            raise InputError(f"is {kind}OFF, of other than three coordinates; export plain OFF")
    if words and words[0] == "BINARY":
        raise InputError("is binary OFF, which is not supported; export it as text")
    vertices, faces = int(words[0]), int(words[1])
    if vertices < 0 or faces < 0:
        raise InputError("declares a negative number of vertices or faces; export it again")
    return kind, vertices, faces


def _vertices(
    source: Source, kind: str, blocks: Iterator[list[list[bytes]]]
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "vertices 3"] | None]:
    """Points and sRGB colours."""
    tables = [np.array([list(map(float, row)) for row in rows]) for rows in blocks]
    table = np.concatenate(tables) if tables else np.empty((0, 3))
    if table.ndim != 2 or table.shape[1] < 3:
        raise InputError("has vertices of fewer than three numbers; export it again")
    points, rest = table[:, :3], table[:, 3:]
    if kind.startswith("ST"):
        source.note("texture coordinates are ignored: the format names no texture")
        rest = rest[:, :-2]
    if "N" in kind:
        rest = rest[:, 3:]
    if rest.shape[1] in (3, 4):
        if "C" not in kind:
            source.note("the numbers after the vertices are taken for colours")
        return points, _colours(source, rest)
    if "C" in kind or rest.shape[1]:
        source.note(f"{rest.shape[1]} numbers after each vertex are ignored: no colours")
    return points, None


def _colours(source: Source, values: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n 3"]:
    unit = unit_colours(values)
    if unit.shape[1] == 4 and (unit[:, 3] < 1).any():
        source.note("transparency is ignored")
    return unit[:, :3]


def _polygons(
    source: Source,
    points: Float[np.ndarray, "vertices 3"],
    colours: Float[np.ndarray, "vertices 3"] | None,
    blocks: Iterator[list[list[bytes]]],
) -> tuple[Polygons, list[Look], np.ndarray]:
    pieces = [_faces(source, rows) for rows in blocks]
    none = np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 4))
    counts, corners, table = map(np.concatenate, zip(*(pieces or [none]), strict=True))
    require_corners(corners, len(points))
    per_corner = None if colours is None else colours[corners]
    if np.isfinite(table).any():
        if per_corner is not None:
            source.note("colours of faces are ignored where vertices have colours")
        else:
            per_corner = np.repeat(_colours(source, table), counts, axis=0)
    polygons = Polygons(points, corners, counts, colours=per_corner)
    return polygons, [Look()], np.zeros(len(counts), np.int64)


def _faces(
    source: Source, rows: list[list[bytes]]
) -> tuple[Int[np.ndarray, " faces"], Int[np.ndarray, " n"], Float[np.ndarray, "faces 4"]]:
    """Corners of each face, their vertices, and colours of the faces; NaN of those without."""
    counts = [int(row[0]) for row in rows]
    pairs = list(zip(rows, counts, strict=True))
    if any(count < 0 or len(row) <= count for row, count in pairs):
        raise InputError("has faces with missing corners; copy it again")
    corners = [int(word) for row, count in pairs for word in row[1 : count + 1]]
    table = np.full((len(rows), 4), np.nan)
    for number, (row, count) in enumerate(pairs):
        colour = row[count + 1 : count + 5]
        if len(colour) >= 3:
            table[number, : len(colour)] = list(map(float, colour))
        elif colour:
            source.note("faces whose colour is a number in a colour map are grey")
    return np.array(counts, np.int64), np.array(corners, np.int64), table
