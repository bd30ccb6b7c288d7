"""Reads Object File Format (.off): polygons with colours of vertices (COFF) or faces.

The text form with three coordinates is read; normals (NOFF) and texture coordinates (STOFF, of a
texture that the format cannot name) are skipped. A colour is of 3 or 4 numbers, to 1 or to 255.
(http://www.geomview.org/docs/html/OFF.html)
"""

import re

import numpy as np
from jaxtyping import Float

from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._looks import Look, Polygons, parts_of, unit_colours
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
    start = 1 if re.search(rb"\d", lines[0]) else 2  # counts may follow the keyword in its line
    rows = [line.split() for line in lines[start : start + vertices + faces]]
    if len(rows) < vertices + faces:
        raise InputError("ends before all vertices and faces it declares; copy it again")
    numbers, colours = _vertices(source, kind, rows[:vertices])
    return parts_of(source, *_polygons(source, numbers, colours, rows[vertices:]))


def _lines(content: bytes) -> list[bytes]:
    """The lines, without comments and empty ones."""
    content = content.replace(b"\r", b"\n")
    if b"#" in content:
        content = re.sub(rb"#[^\n]*", b"", content)
    return [line for line in content.split(b"\n") if line.strip()]


def _header(content: bytes) -> tuple[str, int, int]:
    """The letters before OFF, and the declared numbers of vertices and faces."""
    head = _lines(content[:65536])
    words = b" ".join(head[:3]).decode("latin-1").split()
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
    source: Source, kind: str, rows: list[list[bytes]]
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "vertices 3"] | None]:
    """Points and sRGB colours."""
    counts = {len(row) for row in rows}
    if len(counts) > 1:
        raise InputError("has vertices of different lengths; export it again")
    table = np.array([list(map(float, row)) for row in rows]).reshape(len(rows), -1)
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
    rows: list[list[bytes]],
) -> tuple[Polygons, list[Look], np.ndarray]:
    counts = np.array([int(row[0]) for row in rows], np.int64)
    if (counts < 0).any() or any(
        len(row) <= count for row, count in zip(rows, counts.tolist(), strict=True)
    ):
        raise InputError("has faces with missing corners; copy it again")
    pairs = list(zip(rows, counts.tolist(), strict=True))
    corners = np.array([int(word) for row, count in pairs for word in row[1 : count + 1]], np.int64)
    of_faces = _face_colours(source, [row[count + 1 :] for row, count in pairs])
    per_corner = None if colours is None else _picked(colours, corners)
    if of_faces is not None and per_corner is not None:
        source.note("colours of faces are ignored where vertices have colours")
    elif of_faces is not None:
        per_corner = np.repeat(of_faces, counts, axis=0)
    polygons = Polygons(points, corners, counts, colours=per_corner)
    return polygons, [Look()], np.zeros(len(counts), np.int64)


def _picked(values: np.ndarray, corners: np.ndarray) -> np.ndarray:
    if len(corners) and not 0 <= corners.min() <= corners.max() < len(values):
        raise InputError("has faces with missing vertices; export it again")
    return values[corners]


def _face_colours(source: Source, rows: list[list[bytes]]) -> Float[np.ndarray, "faces 3"] | None:
    """sRGB colours of faces; NaN for those without, and None if all are."""
    if any(len(row) in (1, 2) for row in rows):
        source.note("faces whose colour is a number in a colour map are grey")
    table = np.full((len(rows), 4), np.nan)
    given = [number for number, row in enumerate(rows) if len(row) >= 3]
    if not given:
        return None
    table[given, :3] = [list(map(float, rows[number][:3])) for number in given]
    table[given, 3] = [
        float(rows[number][3]) if len(rows[number]) > 3 else np.nan for number in given
    ]
    return _colours(source, table)
