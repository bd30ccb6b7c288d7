"""Textured triangle meshes in one frame: z up, centred, in the unit sphere.

Read are .obj, .glb, .gltf, .ply and .off files. Colours are those of the surface without light:
a base colour, a texture or vertex colours. Transparency, gloss and normals are left out: all
surfaces are opaque, dull and flat, and show the same colour on both sides.
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
    """Read a mesh, turn it to z up, centre its box, and scale it to touch the unit sphere.

    Args:
        store: Where it lies, and the files it names.
        name: Of its file in the store.
        limits: Larger files are refused before they are read; None for the usual ones.
        up: 'y' or 'z', the axis that points up in the file; None: z of .ply and .off files, which
            do not say, and y of the others.
        rotation: Applied first, in the file's axes.

    Raises:
        InputError: The file is missing, damaged, too large, or holds no surface.
        MissingExtra: trimesh is not installed.
    """
    if find_spec("trimesh") is None:
        raise MissingExtra("reading meshes needs trimesh: pip install 'theta0[render]'")
    limits = limits or MeshLimits()
    suffix = name[name.rfind(".") :].lower()
    if suffix not in MESH_SUFFIXES:
        raise InputError(f"{name}: is no mesh; read are {' '.join(MESH_SUFFIXES)}")
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
