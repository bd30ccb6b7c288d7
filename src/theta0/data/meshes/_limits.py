"""Limits for mesh files, checked against their headers before a library allocates memory."""

import json
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from theta0.errors import InputError, require_positive


@dataclass(frozen=True)
class MeshLimits:
    """Limits for the meshes that are read."""

    megabytes: int = 200
    """largest mesh file, material or texture"""
    faces: int = 2_000_000
    """most triangles"""
    texture: int = 1024
    """longest side of a texture; larger ones are downscaled"""

    def __post_init__(self):
        require_positive(self, "megabytes", "faces", "texture")

    @property
    def bytes(self) -> int:
        """Size of the largest file."""
        return self.megabytes * 1_000_000


def check_declared(name: str, suffix: str, content: bytes, limits: MeshLimits) -> None:
    """Refuse a file that declares more triangles than are allowed.

    Raises:
        InputError: It does, or its header cannot be read.
    """
    try:
        count = _DECLARED[suffix](content)
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        struct.error,
        RecursionError,
    ) as error:
        raise InputError(f"{name}: its header cannot be read; export the mesh again") from error
    check_faces(name, count, limits)


def check_faces(name: str, count: int, limits: MeshLimits) -> None:
    """Refuse a mesh with too many triangles.

    Raises:
        InputError: There are more than the limit.
    """
    if count > limits.faces:
        raise InputError(
            f"{name}: has {count} faces, more than the limit of {limits.faces}; simplify the mesh, "
            "or raise the limit"
        )


def _declared_obj(content: bytes) -> int:
    return len(re.findall(rb"(?m)^[ \t]*f[ \t]", content))


def _declared_ply(content: bytes) -> int:
    header, end, _ = content.partition(b"end_header")
    if not end:
        raise ValueError("no header")
    return _most(
        (kind == b"face", int(count))
        for kind, count in re.findall(rb"(?m)^element\s+(\S+)\s+(\S+)", header)
    )


def _declared_off(content: bytes) -> int:
    words = re.sub(rb"#[^\n]*", b"", content[:65536]).split()
    start = 0 if words[0].isdigit() else 1
    return _most([(False, int(words[start])), (True, int(words[start + 1]))])


def _most(elements: Iterable[tuple[bool, int]]) -> int:
    """The number of faces that need as much memory as the declared faces or vertices.

    Args:
        elements: Whether the elements are faces, and their number.
    """
    return max(count if faces else count // 3 for faces, count in elements)


def _declared_glb(content: bytes) -> int:
    magic, _, _, length, kind = struct.unpack_from("<4sIIII", content)
    if magic != b"glTF" or kind != 0x4E4F534A:  # "JSON"
        raise ValueError("not glTF")
    return _declared_gltf(content[20 : 20 + length])


def _declared_gltf(content: bytes) -> int:
    """Faces according to the accessors; memory is allocated even if they have no data."""
    tree: dict[str, Any] = json.loads(content)
    counts = [int(accessor["count"]) for accessor in tree.get("accessors", [])]
    # A face has 3 indices and up to 3 vertices, each with position, normal, uv and colour.
    return sum(counts) // 15


_DECLARED = {
    ".obj": _declared_obj,
    ".ply": _declared_ply,
    ".off": _declared_off,
    ".glb": _declared_glb,
    ".gltf": _declared_gltf,
}
