"""The surface of a fitted object, by marching cubes on its density (Lorensen & Cline 1987)."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, UInt8

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Points, Volume, predict_in_blocks

RESOLUTIONS = (8, 512)
"""Least and greatest number of grid points per side; the greatest takes half a gigabyte"""

_SLAB = 2**18


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles in world coordinates, z up; corners are anticlockwise seen from outside."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    colours: UInt8[np.ndarray, "vertices 3"]

    def ply(self) -> bytes:
        """The mesh as the bytes of a binary PLY file."""
        corner = np.dtype([("at", "<f4", 3), ("colour", "u1", 3)])
        triangle = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
        corners = np.empty(len(self.vertices), corner)
        triangles = np.empty(len(self.faces), triangle)
        corners["at"], corners["colour"] = self.vertices, self.colours
        triangles["count"], triangles["corners"] = 3, self.faces
        header = [
            "ply", "format binary_little_endian 1.0", f"element vertex {len(corners)}",
            *(f"property float {axis}" for axis in "xyz"),
            *(f"property uchar {name}" for name in ("red", "green", "blue")),
            f"element face {len(triangles)}", "property list uchar int vertex_indices",
            "end_header\n",
        ]  # fmt: skip
        file = io.BytesIO("\n".join(header).encode())
        file.seek(0, io.SEEK_END)
        file.write(corners.tobytes() + triangles.tobytes())
        return file.getvalue()


def half_opaque(radius: float) -> float:
    """The density that absorbs half the light over 1/32 of the bounding sphere's diameter.

    ``1 - exp(-sigma l) = 1/2`` gives ``sigma = ln 2 / l``.
    """
    return float(np.log(2) / (2 * radius / 32))


def density_grid(
    volume: Volume,
    field: Field,
    radius: float,
    resolution: int,
    on_layer: Callable[[int], None] = lambda done: None,
) -> Float[np.ndarray, "x y z"]:
    """Density on a cubic grid around the bounding sphere, 0 on and outside it.

    Args:
        volume: the renderer, whose activation maps the last channel of the field to density.
        field: position to colours and density.
        radius: of the sphere; the grid reaches from ``-radius`` to ``radius``.
        resolution: points per side.
        on_layer: called with the number of layers of equal x done so far.

    Raises:
        InputError: ``resolution`` is too small or too large.
    """
    if not RESOLUTIONS[0] <= resolution <= RESOLUTIONS[1]:
        raise InputError(f"resolution is {resolution}; give {RESOLUTIONS[0]} to {RESOLUTIONS[1]}")
    axis = np.linspace(-radius, radius, resolution, dtype=np.float32)
    density = np.zeros((resolution,) * 3, np.float32)
    layers = max(1, _SLAB // resolution**2)
    for first in range(0, resolution, layers):
        slab = density[first : first + layers]
        grid = np.meshgrid(axis[first : first + layers], axis, axis, indexing="ij")
        points = np.stack(grid, axis=-1)
        inside = np.square(points).sum(axis=-1) < (1 - 1e-6) * radius**2
        if inside.any():
            raw = predict_in_blocks(Points(), field, points[inside])[:, -1]
            slab[inside] = volume.activated(jnp.asarray(raw))
        on_layer(first + len(slab))
    return density


def surface(
    field: Field, density: Float[np.ndarray, "x y z"], radius: float, threshold: float
) -> Surface:
    """The isosurface of a density, with the colours of the field at its vertices.

    Args:
        field: position to colours and density.
        density: on a cubic grid; see :func:`density_grid`.
        radius: half the side of the grid.
        threshold: the density of the surface.

    Raises:
        InputError: no density exceeds the threshold; the message names the largest one.
    """
    from skimage.measure import marching_cubes

    largest = float(density.max())
    if not 0 < threshold < largest:
        raise InputError(
            f"no surface at a density of {threshold:.4g}: the largest on the grid is "
            f"{largest:.4g}; give a threshold above 0 and below that, or fit more steps"
        )
    spacing = 2 * radius / (len(density) - 1)
    # "ascent" orders the corners so that normals point towards lower density.
    corners, faces, *_ = marching_cubes(
        density, threshold, spacing=(spacing,) * 3, gradient_direction="ascent"
    )
    vertices = (corners - radius).astype(np.float32)
    colours = predict_in_blocks(Points(), field, vertices)[:, :-1]
    return Surface(vertices, faces, np.rint(255 * np.clip(colours, 0, 1)).astype(np.uint8))
