"""Reads Wavefront .obj files: polygons with materials, texture coordinates and vertex colours.

Lines, points, free-form surfaces and normals are ignored, the first three with a note.
(http://paulbourke.net/dataformats/obj)
"""

import re
from collections.abc import Iterator
from itertools import chain

import numpy as np
from jaxtyping import Float, Int

from theta0.data.meshes._limits import MeshLimits, check_faces
from theta0.data.meshes._lines import BLOCK, check_line
from theta0.data.meshes._looks import Look, Polygons, parts_of, require_corners, unit_colours
from theta0.data.meshes._mesh import Part
from theta0.data.meshes._mtl import Values, material_look, read_materials, text_of
from theta0.data.meshes._source import Source
from theta0.errors import InputError

_LINES_A_FACE = 8
"""More than files that are not empty have: their vertices are shared"""

_IGNORED = {
    b"l": "lines are ignored", b"p": "points are ignored",
    **dict.fromkeys((b"curv", b"curv2", b"surf"), "free-form curves and surfaces are ignored"),
    b"call": "the files it calls are ignored", b"csh": "its command is not run",
}  # fmt: skip


def read_obj(source: Source) -> list[Part]:
    """Read a file.

    Raises:
        InputError: It is damaged, or has too many faces.
    """
    content = source.content.removeprefix(b"\xef\xbb\xbf")
    check_counts(content, source.limits)
    if b"#MRGB" in content:
        source.note("vertex colours of ZBrush (#MRGB) are ignored")
    if b"\\" in content:
        content = re.sub(rb"\\[ \t]*\r?\n", b" ", content)
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    lines = _Lines(source)
    for block in _blocks(content):
        lines.read(block)
    return lines.parts()


def check_counts(content: bytes, limits: MeshLimits) -> None:
    """Refuse too many faces and vertices, counted without reading them.

    Raises:
        InputError: There are too many.
    """
    check_faces(content.count(b"\nf "), limits)
    for key in (b"\nv ", b"\nvt "):  # a face has at most three of its own
        check_faces(content.count(key) // 3, limits)
    lines = content.count(b"\n") + content.count(b"\r")
    if lines > _LINES_A_FACE * limits.faces:
        raise InputError(f"has {lines} lines, too many for {limits.faces} faces; export it again")


def _blocks(content: bytes) -> Iterator[list[bytes]]:
    """The lines, in blocks."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + BLOCK)
        end = len(content) if end < 0 else end + 1
        check_line(end - start - BLOCK)
        yield content[start:end].replace(b"\r", b"\n").split(b"\n")
        start = end


class _Lines:
    """What was read so far."""

    def __init__(self, source: Source):
        self._source = source
        self._vertices: list[Float[np.ndarray, "n 6"]] = []
        self._uv: list[Float[np.ndarray, "n 2"]] = []
        self._corners: list[Int[np.ndarray, "n 2"]] = []
        self._counts: list[Int[np.ndarray, " n"]] = []
        self._materials: list[Int[np.ndarray, " n"]] = []
        self._known: dict[str, Values] = {}
        self._numbers: dict[str | None, int] = {None: 0}
        self._current = 0
        self._read = self._uv_read = 0

    def read(self, lines: list[bytes]) -> None:
        """Read some more lines."""
        vertices: list[bytes] = []
        uv: list[bytes] = []
        faces: list[bytes] = []
        materials: list[int] = []
        for line in lines:
            key, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
            if key == b"v":
                vertices.append(rest)
            elif key == b"f" or key == b"fo":
                if b"-" in rest:
                    known = self._read + len(vertices), self._uv_read + len(uv)
                    rest = _absolute(rest, known)
                faces.append(rest)
                materials.append(self._current)
            elif key == b"vt":
                uv.append(rest)
            elif key == b"usemtl":
                name = text_of(rest.strip())
                self._current = self._numbers.setdefault(name, len(self._numbers))
            elif key == b"mtllib":
                self._library(text_of(rest.strip()))
            elif key in _IGNORED:
                self._source.note(_IGNORED[key])
        self._vertices.append(_table(vertices, 3, 8)[:, :6])
        self._read += len(vertices)
        self._uv.append(_table(uv, 1, 3)[:, :2])
        self._uv_read += len(uv)
        counts, corners = _corners(faces)
        self._counts.append(counts)
        self._corners.append(corners)
        self._materials.append(np.array(materials, np.int64))

    def _library(self, rest: str) -> None:
        """Read the materials of a library, whose name may have spaces, or of several."""
        rest = rest.strip("\"'")
        for name in re.findall(r"\S.*?\.mtl(?=\s|$)", rest, re.IGNORECASE) or [rest]:
            # Of two materials of a name the first one counts.
            self._known = read_materials(self._source, name) | self._known

    def parts(self) -> list[Part]:
        """The surface.

        Raises:
            InputError: A texture is damaged.
        """
        vertices, uv = np.concatenate(self._vertices), np.concatenate(self._uv)
        corners, counts = np.concatenate(self._corners), np.concatenate(self._counts)
        material = np.concatenate(self._materials)
        place, uv_place = corners[:, 0] - 1, corners[:, 1] - 1
        require_corners(place, len(vertices))
        if len(place) and uv_place.max() >= len(uv):
            raise InputError("has faces with missing texture coordinates; export it again")
        polygons = Polygons(
            vertices[:, :3],
            place,
            counts,
            uv=np.concatenate([uv, [[np.nan, np.nan]]])[uv_place] if len(uv) else None,
            colours=_colours(vertices[:, 3:], place),
        )
        return parts_of(self._source, polygons, self._looks(material), material)

    def _looks(self, material: Int[np.ndarray, " faces"]) -> list[Look]:
        """The materials by number; those that no face has are not read."""
        used = set(np.unique(material).tolist())
        looks, unknown = [], []
        for name, number in self._numbers.items():
            values = self._known.get(name) if name is not None and number in used else None
            looks.append(Look() if values is None else material_look(self._source, values))
            if number in used and name is not None and values is None:
                unknown.append(name)
        if unknown:
            more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            self._source.note(f"no library holds the material {', '.join(unknown[:3])}{more}")
        return looks


def _colours(
    given: Float[np.ndarray, "vertices 3"], corners: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"] | None:
    """Colours of the corners; a vertex without all three has none."""
    coloured = np.asarray(np.isfinite(given).all(axis=1))
    if not coloured.any():
        return None
    return np.where(coloured[:, None], unit_colours(given), np.nan)[corners]


def _table(rows: list[bytes], least: int, most: int) -> Float[np.ndarray, "rows most"]:
    """The numbers of lines; NaN where a line has fewer than the most."""
    words = [row.split(b"#")[0].split(None, most)[:most] for row in rows]
    counts = np.fromiter(map(len, words), np.int64, len(words))
    if len(counts) and counts.min() < least:
        raise InputError(f"has a line of fewer than {least} numbers; export it again")
    flat = np.fromiter(map(float, chain.from_iterable(words)), np.float64, int(counts.sum()))
    table = np.full((len(rows), most), np.nan)
    table[np.arange(most) < counts[:, None]] = flat
    return table


def _corners(rows: list[bytes]) -> tuple[Int[np.ndarray, " faces"], Int[np.ndarray, "corners 2"]]:
    """Corners of each face, and vertex and texture coordinate of each corner; 0: it has none."""
    words = [row.split(b"#")[0].split() if b"#" in row else row.split() for row in rows]
    counts = np.fromiter(map(len, words), np.int64, len(words))
    fields = [word.split(b"/") for word in chain.from_iterable(words)]
    corners = np.zeros((len(fields), 2), np.int64)
    corners[:, 0] = [int(field[0]) for field in fields]
    corners[:, 1] = [int(field[1]) if len(field) > 1 and field[1] else 0 for field in fields]
    return counts, corners


def _absolute(row: bytes, known: tuple[int, int]) -> bytes:
    """A face whose negative numbers, which count from the last vertex, are replaced."""

    def place(field: bytes, count: int) -> bytes:
        if not field.startswith(b"-"):
            return field
        if int(field) < -count:  # 0 would be a corner without one
            raise InputError(
                "has faces with missing vertices or texture coordinates; export it again"
            )
        return b"%d" % (int(field) + count + 1)

    corners = (word.split(b"/") for word in row.split(b"#")[0].split())
    return b" ".join(
        b"/".join(place(field, count) for field, count in zip(corner, known, strict=False))
        for corner in corners
    )
