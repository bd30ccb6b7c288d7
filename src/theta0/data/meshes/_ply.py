"""Reads Stanford polygons (.ply): text or binary, with colours and texture coordinates.

Polygons or triangle strips; colours of vertices or faces, as bytes, as numbers to 65535, or as
fractions; texture coordinates of vertices (s, t and other names) or of the corners of faces
(texcoord, texnumber); textures are named by comments: `comment TextureFile picture.png`.
(http://paulbourke.net/dataformats/ply)
"""

import numpy as np
from jaxtyping import Float, Int

from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._looks import Look, Polygons, parts_of, require_corners, unit_colours
from theta0.data.meshes._mesh import Part
from theta0.data.meshes._ply_table import Column, read_tables
from theta0.data.meshes._source import Source
from theta0.errors import InputError

_UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"),
       ("texcoord_u", "texcoord_v"), ("s0", "t0"))  # fmt: skip
_COLOURS = (("red", "green", "blue"), ("r", "g", "b"),
            ("diffuse_red", "diffuse_green", "diffuse_blue"))  # fmt: skip
_QUIET = {"vertex", "face", "tristrips", "camera", "range_grid", "edge", "material"}
"""Elements that are read, or show nothing"""

Table = dict[str, Column]


def read_ply(source: Source) -> list[Part]:
    """Read a file.

    Raises:
        InputError: It is damaged, or has too many faces.
    """
    tables, comments = read_tables(source)
    for name, table in tables.items():
        if name not in _QUIET and any(len(column.values) for column in table.values()):
            source.note(f"its {name} elements are ignored")
    vertex = tables.get("vertex", {})
    if not all(axis in vertex for axis in "xyz"):
        raise InputError("has no vertices with x, y and z; export it again")
    points = np.stack([vertex[axis].values.astype(np.float64) for axis in "xyz"], axis=-1)
    faces = tables.get("face", {})
    corners, counts = _faces(faces)
    if strips := tables.get("tristrips"):
        corners, counts = _strips(strips, corners, counts)
        faces = {}
    check_faces(int(np.maximum(counts - 2, 0).sum()), source.limits)
    require_corners(corners, len(points))
    textures = _textures(source, comments)
    polygons = Polygons(
        points,
        corners,
        counts,
        uv=_uv(vertex, faces, corners, counts) if textures else None,
        colours=_colours(source, vertex, faces, corners, counts),
    )
    looks = [Look(texture=key) for key in textures] or [Look()]
    return parts_of(source, polygons, looks, _numbers(source, faces, len(looks), len(counts)))


def _faces(faces: Table) -> tuple[Int[np.ndarray, " corners"], Int[np.ndarray, " faces"]]:
    for name in ("vertex_indices", "vertex_index"):
        if name in faces and faces[name].counts is not None:
            if faces[name].values.dtype.kind == "f":
                raise InputError("has fractions among the numbers of its corners; export it again")
            return faces[name].values.astype(np.int64), np.asarray(faces[name].counts)
    return np.empty(0, np.int64), np.empty(0, np.int64)


def _strips(
    strips: Table, corners: Int[np.ndarray, " n"], counts: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " corners"], Int[np.ndarray, " faces"]]:
    """Triangles of strips, which -1 separates, after other faces."""
    runs, _ = _faces(strips)
    triples = (
        np.lib.stride_tricks.sliding_window_view(runs, 3) if len(runs) > 2 else np.empty((0, 3))
    )
    triples = triples[(triples >= 0).all(axis=1)].astype(np.int64)
    whole = np.concatenate([corners, triples.reshape(-1)])
    return whole, np.concatenate([counts, np.full(len(triples), 3)])


def _textures(source: Source, comments: list[str]) -> list[str | None]:
    """Keys of the textures that comments name; None for those that are missing."""
    names = [
        rest.strip()
        for keyword, _, rest in (comment.partition(" ") for comment in comments)
        if keyword.lower() == "texturefile" and rest.strip()
    ]
    return [source.texture(name) for name in names]


def _uv(
    vertex: Table,
    faces: Table,
    corners: Int[np.ndarray, " n"],
    counts: Int[np.ndarray, " faces"],
) -> Float[np.ndarray, "n 2"] | None:
    """Texture coordinates of the corners."""
    column = faces.get("texcoord")
    if column is not None and column.counts is not None:
        own = np.asarray(column.counts)
        uv = np.full((len(corners), 2), np.nan)
        has = own == 2 * counts
        uv[np.repeat(has, counts)] = column.values[np.repeat(has, own)].reshape(-1, 2)
        return uv
    for names in _UV:
        if all(name in vertex for name in names):
            return np.stack([vertex[name].values for name in names], axis=-1)[corners].astype(float)
    return None


def _colours(
    source: Source,
    vertex: Table,
    faces: Table,
    corners: Int[np.ndarray, " n"],
    counts: Int[np.ndarray, " faces"],
) -> Float[np.ndarray, "n 3"] | None:
    """sRGB colours of the corners."""
    of_vertices, of_faces = _table_colours(source, vertex), _table_colours(source, faces)
    if of_vertices is not None:
        if of_faces is not None:
            source.note("colours of faces are ignored where vertices have colours")
        return of_vertices[corners]
    return None if of_faces is None else np.repeat(of_faces, counts, axis=0)


def _table_colours(source: Source, table: Table) -> Float[np.ndarray, "n 3"] | None:
    for names in _COLOURS:
        if not all(name in table for name in names):
            continue
        values = np.stack([table[name].values for name in names], axis=-1)
        opacity = table.get("alpha", table.get("a"))
        if opacity is not None and (_unit(opacity.values) < 1).any():
            source.note("transparency is ignored")
        return _unit(values)
    return None


def _unit(values: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1], by their type."""
    if values.dtype.kind in "ui" and values.dtype.itemsize <= 2:
        return values / np.float64(256**values.dtype.itemsize - 1)
    return unit_colours(values.astype(np.float64))


def _numbers(source: Source, faces: Table, looks: int, count: int) -> Int[np.ndarray, " faces"]:
    """The texture of each face."""
    column = faces.get("texnumber")
    if column is None or looks == 1:
        return np.zeros(count, np.int64)
    numbers = column.values.astype(np.int64)
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < looks:
        source.note("some faces name a texture that is not there: the first is used")
        numbers = np.where((numbers >= 0) & (numbers < looks), numbers, 0)
    return numbers
