"""What the formats without linear colours share: OBJ, PLY and OFF."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._mesh import Part, Sampling
from theta0.data.meshes._polygons import triangulate
from theta0.data.meshes._source import Source
from theta0.errors import InputError

GREY = 0.5
"""sRGB value of parts without a material"""


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons of a file, and what is known of each of their corners.

    Attributes:
        points: All vertices.
        corners: Vertices of the corners of all polygons, one after another.
        counts: Corners of each polygon.
        uv: Texture coordinates of each corner, (0, 0) at the lower left; NaN where there are none.
        colours: sRGB in [0, 1] of each corner; NaN where there are none.
    """

    points: Float[np.ndarray, "vertices 3"]
    corners: Int[np.ndarray, " corners"]
    counts: Int[np.ndarray, " faces"]
    uv: Float[np.ndarray, "corners 2"] | None = None
    colours: Float[np.ndarray, "corners 3"] | None = None


@dataclass(frozen=True)
class Look:
    """A material.

    Attributes:
        colour: sRGB in [0, 1]; None: not given, 1 with a texture and grey without.
        texture: Key of the texture in the source.
        scale: Of texture coordinates; `offset` is added afterwards.
    """

    colour: tuple[float, ...] | None = None
    texture: Any = None
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    sampling: Sampling = field(default_factory=Sampling)


def parts_of(
    source: Source, polygons: Polygons, looks: list[Look], look: Int[np.ndarray, " faces"]
) -> list[Part]:
    """Triangulate polygons and give them their looks, one part for each look.

    Args:
        source: Takes the notes.
        polygons: Of the whole file.
        looks: The materials.
        look: Number of the material of each polygon.

    Raises:
        InputError: The polygons have vertices that are missing, or there are too many of them.
    """
    corners = polygons.corners
    require_corners(corners, len(polygons.points))
    check_faces(int(np.maximum(polygons.counts - 2, 0).sum()), source.limits)
    if (polygons.counts < 3).any():
        source.note(f"{(polygons.counts < 3).sum()} faces of fewer than 3 corners are ignored")
    polygons, looks, look = _with_few_looks(polygons, looks, look)
    triangles, face = triangulate(polygons.points, corners, polygons.counts)
    if not len(triangles):
        return []
    # In the order of the looks, so that each takes one slice.
    order = np.argsort(look[face], kind="stable")
    triangles, chosen = triangles[order], look[face][order]
    numbers, starts = np.unique(chosen, return_index=True)
    parts, grey = [], 0
    for number, some in zip(numbers, np.split(triangles, starts[1:]), strict=True):
        part, has_colour = _part(source, polygons, looks[number], some.reshape(-1))
        parts.append(part)
        grey += not has_colour
    if grey:
        source.note(f"{grey} of {len(parts)} parts have no material: grey")
    return parts


def _with_few_looks(
    polygons: Polygons, looks: list[Look], look: Int[np.ndarray, " faces"], few: int = 64
) -> tuple[Polygons, list[Look], Int[np.ndarray, " faces"]]:
    """Replace many plain colours by colours of the corners: a file may have a million of them."""
    used = np.unique(look)
    plain = np.array([one.texture is None for one in looks], bool)
    if plain[used].sum() <= few:
        return polygons, looks, look
    table = np.array([(np.nan,) * 3 if one.colour is None else one.colour for one in looks])
    per_corner = np.repeat(look, polygons.counts)
    own = table[per_corner]
    own[~plain[per_corner]] = np.nan
    if polygons.colours is not None:
        own = np.where(np.isfinite(polygons.colours), polygons.colours, own)
    joined = np.where(plain[look], len(looks), look)
    return replace(polygons, colours=own), [*looks, Look()], joined


def _part(
    source: Source, polygons: Polygons, look: Look, places: Int[np.ndarray, " n"]
) -> tuple[Part, bool]:
    """A part, and whether its colour is known, from the places of its triangles' corners."""
    # Each face gets its own vertices, so that none is unused.
    vertices = polygons.points[polygons.corners[places]]
    part = Part(vertices, np.arange(len(places)).reshape(-1, 3), np.ones(3))
    uv = None if polygons.uv is None else polygons.uv[places]
    colours = None if polygons.colours is None else polygons.colours[places]
    given = colours is not None and bool(np.isfinite(colours).any())
    factor = _linear(look.colour)
    if look.texture is not None and uv is not None and np.isfinite(uv).any():
        if not np.isfinite(uv).all():
            source.note("some corners have no texture coordinates: 0 is used")
        uv = np.nan_to_num(uv, posinf=0.0, neginf=0.0) * look.scale + look.offset
        if given and not (np.asarray(colours) >= 1).all():
            source.note("vertex colours are ignored where there is a texture")
        factor = np.ones(3) if factor is None else factor
        texture = source.textures[look.texture]
        look_of = {"texture": texture, "uv": uv, "sampling": look.sampling}
        return replace(part, colour=factor, **look_of), True
    if look.texture is not None:
        source.note("a texture is ignored where there are no texture coordinates")
    if given and colours is not None:
        if not np.isfinite(colours).all():
            source.note("some corners have no colour: grey")
        # Exporters write white where nothing was painted.
        if factor is None or not (colours == 1).all():
            if factor is not None and (factor != 1).any():
                source.note("the material's colour is ignored where vertices have colours")
            colours = np.where(np.isfinite(colours), np.clip(colours, 0, 1), GREY)
            return replace(part, vertex_colours=linear_from_srgb(colours)), True
    grey = linear_from_srgb(np.full(3, GREY))
    return replace(part, colour=grey if factor is None else factor), factor is not None


def _linear(colour: tuple[float, ...] | None) -> Float[np.ndarray, " 3"] | None:
    if colour is None:
        return None
    if not np.isfinite(colour).all():
        raise InputError(f"has a material of the colour {colour}; export it again")
    return linear_from_srgb(np.clip(np.array(colour, np.float64), 0, 1))


def require_corners(corners: Int[np.ndarray, " corners"], vertices: int) -> None:
    """Refuse corners whose vertices are not there.

    Raises:
        InputError: Some are not.
    """
    if len(corners) and not 0 <= corners.min() <= corners.max() < vertices:
        raise InputError("has faces with missing vertices; export it again")


def unit_colours(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Colours in [0, 1] of numbers that count to 1 or, where one is larger, to 255."""
    return values / 255 if np.nanmax(values, initial=0.0) > 1 else values
