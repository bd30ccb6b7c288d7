"""Reads textured triangle meshes in a common frame: z up, centred, in the unit sphere.

Supported are .obj, .glb, .gltf, .ply and .off files. The colour is the albedo: a base colour, a
texture or vertex colours. Transparency, gloss and normals are ignored: all surfaces are opaque,
diffuse, flat and two-sided. The notes of a mesh tell what of its file is ignored or assumed.
"""

import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from theta0.data._files import reason
from theta0.data.cameras import z_up_from_y_up
from theta0.data.meshes._gltf import read_gltf
from theta0.data.meshes._limits import MeshLimits
from theta0.data.meshes._mesh import Mesh, Part, in_unit_sphere, merged
from theta0.data.meshes._obj import read_obj
from theta0.data.meshes._off import read_off
from theta0.data.meshes._ply import read_ply
from theta0.data.meshes._source import Source
from theta0.data.meshes._stores import Store, inside
from theta0.data.meshes._textures import Textures
from theta0.errors import InputError

__all__ = ["MESH_SUFFIXES", "Mesh", "MeshLimits", "Part", "read_mesh"]

_READERS: dict[str, Callable[[Source], list[Part]]] = {
    ".obj": read_obj, ".glb": read_gltf, ".gltf": read_gltf, ".ply": read_ply, ".off": read_off,
}  # fmt: skip

MESH_SUFFIXES = tuple(_READERS)


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
        InputError: The file is missing, damaged, too large, or has no surface; the message begins
            with where it is.
    """
    if up not in (None, "y", "z"):
        raise InputError(f"up is {up!r}; choose from y, z")
    where, suffix = store.where(name), name[name.rfind(".") :].lower()
    if suffix not in _READERS:
        raise InputError(f"{where}: is not a mesh; supported are {' '.join(MESH_SUFFIXES)}")
    limits = limits or MeshLimits()
    try:
        inside("", name)  # the only one of the store's errors that does not say where
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    source = Source(store, name, store.read(name), limits, Textures(limits.texture))
    try:
        parts = _parts(source)
        if rotation is not None:
            parts = [replace(part, vertices=part.vertices @ rotation.T) for part in parts]
        if (up or ("z" if suffix in (".ply", ".off") else "y")) == "y":
            parts = [replace(part, vertices=z_up_from_y_up(part.vertices)) for part in parts]
        return Mesh(in_unit_sphere(tuple(merged(parts))), source.notes)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _parts(source: Source) -> list[Part]:
    """The surface of a file, in its axes.

    Raises:
        InputError: It is damaged, or has no faces or too many.
    """
    if not source.content.strip(b"\xef\xbb\xbf\0\r\n\t "):
        raise InputError("is empty; copy or export it again")
    try:
        with np.errstate(all="ignore"):  # numbers that are not finite are told below
            parts = _READERS[source.suffix](source)
    except (ValueError, OverflowError, struct.error, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot be read as a mesh ({reason(error)}); export it again") from error
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise InputError(
            "cannot be read as a mesh: a value is missing, or is not what the format has there; "
            "export it again"
        ) from error
    if not parts:
        raise InputError("holds no faces; export surfaces, not points or lines")
    # Lengths are computed from squares, which must be finite too.
    if not all((np.abs(part.vertices) < 1e150).all() for part in parts):
        raise InputError("has vertices that are not finite, or too far away; export it again")
    return parts
