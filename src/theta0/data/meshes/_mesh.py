"""Coloured triangle meshes, in memory."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from theta0.errors import InputError

MOST_PARTS = 2000
"""Parts of different textures that one mesh may have"""


Wrap = Literal["repeat", "mirror", "clamp"]


@dataclass(frozen=True)
class Sampling:
    """How a texture continues outside its edges, and between its pixels."""

    wrap: Wrap = "repeat"
    nearest: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """Triangles of one material. Their colour is `colour` times the texture or vertex colours.

    Attributes:
        vertices: In world units.
        faces: Indices of vertices.
        colour: Linear RGB in [0, 1].
        texture: Linear RGB in [0, 1]; the first row is the top, at v = 1.
        uv: Texture coordinates of the vertices, (0, 0) at the lower left.
        vertex_colours: Linear RGB in [0, 1].
        sampling: Of the texture.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    colour: Float[np.ndarray, " 3"]
    texture: Float[np.ndarray, "height width 3"] | None = None
    uv: Float[np.ndarray, "vertices 2"] | None = None
    vertex_colours: Float[np.ndarray, "vertices 3"] | None = None
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, eq=False)
class Mesh:
    """An object, z up.

    Attributes:
        parts: At least one.
        notes: Remarks on what the file lacked.
    """

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    @property
    def faces(self) -> int:
        """Number of triangles."""
        return sum(len(part.faces) for part in self.parts)

    def moved(self, matrix: Float[np.ndarray, "3 3"]) -> "Mesh":
        """Apply a linear map, and normalize to the unit sphere again."""
        parts = [replace(part, vertices=part.vertices @ matrix.T) for part in self.parts]
        return replace(self, parts=in_unit_sphere(tuple(parts)))

    def fitted(self, size: Float[np.ndarray, " 3"]) -> "Mesh":
        """Stretch the bounding box to the proportions of a size; what is flat stays flat."""
        points = np.concatenate([part.vertices for part in self.parts])
        extent = np.ptp(points, axis=0)
        return self.moved(np.diag(size / np.where(extent > 1e-6, extent, size)))


def in_unit_sphere(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Centre the bounding box, and scale so that the farthest vertex is at distance 1."""
    points = np.concatenate([part.vertices for part in parts])
    centre = points.min(axis=0) / 2 + points.max(axis=0) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    if not 1e-30 < radius < 1e30:
        raise InputError(f"has the radius {radius:g}; export it again, at a sensible scale")
    return tuple(replace(part, vertices=(part.vertices - centre) / radius) for part in parts)


def merged(parts: list[Part], few: int = 64) -> list[Part]:
    """Join parts that differ in nothing but their plain colours, if there are more than a few.

    A renderer takes milliseconds for each part, and files may have a million.

    Raises:
        InputError: More than `MOST_PARTS` remain.
    """
    if len(parts) <= few:
        return parts
    alike: dict[tuple, list[Part]] = defaultdict(list)
    for part in parts:
        textured = part.texture is not None
        look = (id(part.texture), part.sampling, part.colour.tobytes()) if textured else ()
        alike[look].append(part)
    if len(alike) > MOST_PARTS:
        raise InputError(
            f"has {len(alike)} parts of different textures or colours, more than the limit of "
            f"{MOST_PARTS}; join them"
        )
    return [_joined(group) for group in alike.values()]


def _joined(parts: list[Part]) -> Part:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    joined = {
        "vertices": np.concatenate([part.vertices for part in parts]),
        "faces": np.concatenate(
            [part.faces + start for part, start in zip(parts, starts, strict=False)]
        ),
    }
    if parts[0].texture is not None:
        joined["uv"] = np.concatenate([part.uv for part in parts if part.uv is not None])
    else:
        joined["colour"] = np.ones(3)
        joined["vertex_colours"] = np.concatenate([_vertex_colours(part) for part in parts])
    return replace(parts[0], **joined)


def _vertex_colours(part: Part) -> Float[np.ndarray, "vertices 3"]:
    """Colours of the vertices of an untextured part."""
    given = part.vertex_colours
    return np.tile(part.colour, (len(part.vertices), 1)) if given is None else given * part.colour
