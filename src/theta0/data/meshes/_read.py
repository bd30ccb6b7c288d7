"""Reads textured triangle meshes in a common frame: z up, centred, in the unit sphere.

Supported are .obj, .glb, .gltf, .ply and .off files. The colour is the albedo: a base colour, a
texture or vertex colours. Transparency, gloss and normals are ignored: all surfaces are opaque,
diffuse, flat and two-sided.
"""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float

from theta0.data.cameras import z_up_from_y_up
from theta0.data.meshes._limits import MeshLimits, check_declared
from theta0.data.meshes._mesh import Mesh, Part, in_unit_sphere
from theta0.data.meshes._parts import load_parts
from theta0.data.meshes._stores import Store
from theta0.errors import InputError, MissingExtra

__all__ = ["MESH_SUFFIXES", "Mesh", "MeshLimits", "Part", "read_mesh"]

MESH_SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".off")


def read_mesh(
    store: Store,
    name: str,
    limits: MeshLimits | None = None,
    up: str | None = None,
    rotation: Float[np.ndarray, "3 3"] | None = None,
) -> Mesh:
    """Read a mesh, rotate it to z up, centre its bounding box, and scale it to the unit sphere.

    Args:
        store: Contains the mesh and the files it refers to.
        name: Of the file in the store.
        limits: Larger files are refused before they are read; None for the defaults.
        up: 'y' or 'z', the up axis of the file; None: z for .ply and .off files, which define none,
            and y for the others.
        rotation: Applied first, in the axes of the file.

    Raises:
        InputError: The file is missing, damaged, too large, or has no surface.
        MissingExtra: trimesh is not installed.
    """
    if find_spec("trimesh") is None:
        raise MissingExtra("reading meshes needs trimesh: pip install 'theta0[render]'")
    limits = limits or MeshLimits()
    suffix = name[name.rfind(".") :].lower()
    if suffix not in MESH_SUFFIXES:
        raise InputError(f"{name}: is not a mesh; supported are {' '.join(MESH_SUFFIXES)}")
    if up not in (None, "y", "z"):
        raise InputError(f"up is {up!r}; choose from y, z")
    content = store.read(name)
    check_declared(name, suffix, content, limits)
    parts, notes = load_parts(store, name, content, limits)
    if rotation is not None:
        parts = [replace(part, vertices=part.vertices @ rotation.T) for part in parts]
    if (up or ("z" if suffix in (".ply", ".off") else "y")) == "y":
        parts = [replace(part, vertices=z_up_from_y_up(part.vertices)) for part in parts]
    try:
        return Mesh(in_unit_sphere(tuple(parts)), notes)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
