"""Limits for mesh files, checked against what they declare before memory is allocated."""

from dataclasses import dataclass

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


def check_faces(count: int, limits: MeshLimits) -> None:
    """Refuse a mesh with too many triangles.

    Raises:
        InputError: There are more than the limit.
    """
    if count > limits.faces:
        raise InputError(
            f"has {count} faces, more than the limit of {limits.faces}; simplify the mesh, or "
            "raise the limit"
        )
