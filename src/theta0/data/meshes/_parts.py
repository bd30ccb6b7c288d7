"""Converts trimesh scenes to triangles with a linear base colour, a texture or vertex colours."""

import io
import posixpath
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from theta0.data._colours import linear_from_srgb
from theta0.data._files import reason
from theta0.data._pillow import MAX_PIXELS
from theta0.data.meshes._limits import MeshLimits, check_faces
from theta0.data.meshes._mesh import Part
from theta0.data.meshes._stores import Store, inside
from theta0.errors import InputError

GREY = 0.5
"""sRGB value of parts without a material."""


class _Resolver:
    """Serves the files that a mesh refers to, for trimesh, and records those that are missing."""

    def __init__(self, store: Store, folder: str):
        self.missing: list[str] = []
        self._store = store
        self._folder = folder

    def get(self, name: str) -> bytes:
        try:
            return self._store.read(inside(self._folder, name))
        except InputError:
            self.missing.append(name)
            raise

    __getitem__ = get


def load_parts(
    store: Store, name: str, content: bytes, limits: MeshLimits
) -> tuple[list[Part], tuple[str, ...]]:
    """Read the triangles of a file, with the transforms of its scene, and notes on what it lacks.

    Raises:
        InputError: The file is damaged, or has no faces or too many.
    """
    import trimesh

    resolver = _Resolver(store, posixpath.dirname(name))
    suffix = name[name.rfind(".") + 1 :].lower()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of numbers that are checked below
            asked: Any = resolver  # it has the methods that trimesh uses
            scene = trimesh.load_scene(
                io.BytesIO(content), file_type=suffix, resolver=asked, process=False
            )
            placed = list(_placed(scene, trimesh))
    except InputError:
        raise
    except Exception as error:  # trimesh raises many types
        raise InputError(
            f"{name}: cannot be read as a mesh ({reason(error)}); export it again"
        ) from error
    check_faces(name, sum(len(geometry.faces) for geometry, _ in placed), limits)
    colours = _Colours(name, suffix, limits)
    parts = [colours.part(geometry, matrix) for geometry, matrix in placed if len(geometry.faces)]
    if not parts:
        raise InputError(f"{name}: holds no faces; export surfaces, not points or lines")
    notes = [f"{missing} is missing" for missing in dict.fromkeys(resolver.missing)]
    if colours.without:
        notes.append(f"{colours.without} of {len(parts)} parts have no material: grey")
    return parts, tuple(notes)


def _placed(scene: Any, trimesh: Any) -> Iterator[tuple[Any, Float[np.ndarray, "4 4"]]]:
    """Each instance of a surface in a scene, with its transform."""
    for node in scene.graph.nodes_geometry:
        matrix, key = scene.graph[node]
        geometry = scene.geometry[key]
        if isinstance(geometry, trimesh.Trimesh):
            yield geometry, np.asarray(matrix, np.float64)


class _Colours:
    """Turns the surfaces of one file into parts.

    Attributes:
        without: How many had no material.
    """

    def __init__(self, name: str, suffix: str, limits: MeshLimits):
        self.without = 0
        self._name = name
        # Factors and vertex colours are linear in glTF, and sRGB in other formats.
        self._decoded = (lambda colour: colour) if suffix in ("glb", "gltf") else linear_from_srgb
        self._limits = limits
        self._textures: dict[int, Float[np.ndarray, "height width 3"]] = {}

    def part(self, geometry: Any, matrix: Float[np.ndarray, "4 4"]) -> Part:
        vertices = np.asarray(geometry.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        faces = np.asarray(geometry.faces, np.int64)
        if faces.min() < 0 or faces.max() >= len(vertices):
            raise InputError(f"{self._name}: has faces with missing vertices; export it again")
        # Each face gets its own vertices, so that none is unused.
        corners = faces.reshape(-1)
        vertices = vertices[corners]
        if not np.isfinite(vertices).all():
            raise InputError(f"{self._name}: has vertices that are not finite; export it again")
        own = np.arange(len(corners)).reshape(-1, 3)
        return Part(vertices, own, **self._look(geometry, corners))

    def _look(self, geometry: Any, corners: np.ndarray) -> dict[str, Any]:
        """Colour, texture, and vertex colours of the corners."""
        visual = geometry.visual
        white = np.ones(3)
        if visual.kind in ("vertex", "face"):
            per_corner = (
                np.asarray(visual.vertex_colors)[corners]
                if visual.kind == "vertex"
                else np.repeat(np.asarray(visual.face_colors), 3, axis=0)
            )
            return {"colour": white, "vertex_colours": self._decoded(per_corner[:, :3] / 255)}
        material = getattr(visual, "material", None)
        factor, image = _material(material)
        uv = getattr(visual, "uv", None)
        if image is not None and uv is not None and np.isfinite(uv).all():
            # Some exporters write black as the factor of a texture that is meant unchanged.
            colour = white if factor is None or not factor.any() else self._decoded(factor)
            uv = np.asarray(uv, np.float64)[corners]
            return {"colour": colour, "texture": self._texture(image), "uv": uv}
        if factor is None:
            self.without += 1
            return {"colour": linear_from_srgb(np.full(3, GREY))}
        return {"colour": self._decoded(factor)}

    def _texture(self, image: Image.Image) -> Float[np.ndarray, "height width 3"]:
        """A picture as linear light, converted once for all parts."""
        if id(image) not in self._textures:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{self._name}: has a texture of {image.width} x {image.height} pixels; "
                    "downscale it"
                )
            try:
                small = image.convert("RGB")
                small.thumbnail((self._limits.texture, self._limits.texture), Image.Resampling.BOX)
            except Exception as error:  # Pillow's plug-ins raise many types
                raise InputError(
                    f"{self._name}: a texture cannot be read ({reason(error)}); export it again"
                ) from error
            light = linear_from_srgb(np.asarray(small, np.float32) / np.float32(255))
            self._textures[id(image)] = light.astype(np.float32)
        return self._textures[id(image)]


def _material(material: Any) -> tuple[Float[np.ndarray, " 3"] | None, Image.Image | None]:
    """Base colour in [0, 1], as stored, and texture of a material of trimesh."""
    factor = getattr(material, "baseColorFactor", None)
    image = getattr(material, "baseColorTexture", None)
    if hasattr(material, "diffuse"):  # of .mtl files
        factor, image = material.diffuse, material.image
    if factor is not None:
        factor = np.asarray(factor, np.float64)[:3] / 255
    return factor, image
