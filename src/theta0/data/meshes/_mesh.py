"""Coloured triangle meshes, in memory."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from theta0.errors import InputError


@dataclass(frozen=True, eq=False)
class Part:
    """Triangles of one material. Their colour is `colour` times the texture or vertex colours.

    Attributes:
        vertices: In world units.
        faces: Indices of vertices.
        colour: Linear RGB in [0, 1].
        texture: Linear RGB in [0, 1]; the first row is the top, at v = 1.
        uv: Texture coordinates of the vertices, (0, 0) at the lower left; the texture repeats.
        vertex_colours: Linear RGB in [0, 1].
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    colour: Float[np.ndarray, " 3"]
    texture: Float[np.ndarray, "height width 3"] | None = None
    uv: Float[np.ndarray, "vertices 2"] | None = None
    vertex_colours: Float[np.ndarray, "vertices 3"] | None = None


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


def in_unit_sphere(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Centre the bounding box, and scale so that the farthest vertex is at distance 1."""
    points = np.concatenate([part.vertices for part in parts])
    centre = points.min(axis=0) / 2 + points.max(axis=0) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    if not 1e-30 < radius < 1e30:
        raise InputError(f"has the radius {radius:g}; export it again, at a sensible scale")
    return tuple(replace(part, vertices=(part.vertices - centre) / radius) for part in parts)
