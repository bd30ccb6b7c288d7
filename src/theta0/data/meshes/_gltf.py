"""Reads glTF 2.0 (.glb, .gltf): the triangles of a scene with their base colours.

Transforms of nodes, skins and morph targets are applied as the file stores them, before any
animation. A base colour is the product of the factor, the texture and the vertex colours of a
material. What else a material has is ignored, with a note where it would be seen in white light.
(https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html)
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes._baking import baked
from theta0.data.meshes._gltf_file import Document, Tree
from theta0.data.meshes._gltf_looks import BaseColour, Looks
from theta0.data.meshes._gltf_scene import Scene, skinned
from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._looks import GREY, require_corners
from theta0.data.meshes._mesh import Part, Sampling
from theta0.data.meshes._source import Source
from theta0.errors import InputError

_MOST_PRIMITIVES = 50_000
"""Parts that are read in seconds"""

_TRIANGLES, _STRIP, _FAN = 4, 5, 6


def read_gltf(source: Source) -> list[Part]:
    """Read a file.

    Raises:
        InputError: It is damaged, has too many faces, or needs what is not supported.
    """
    document = Document(source)
    if document.tree.get("animations"):
        source.note("animations are ignored")
    reader = _Reader(document)
    scene = Scene(document)
    groups: dict[int, list[int]] = defaultdict(list)
    for node in scene.shown:
        entry = document.one("nodes", node)
        if "mesh" not in entry:
            continue
        if "skin" in entry or "weights" in entry:
            reader.read(scene, entry["mesh"], [node], entry.get("skin"), entry.get("weights"))
        else:
            groups[entry["mesh"]].append(node)
    count = sum(len(document.one("meshes", mesh)["primitives"]) for mesh in groups)
    if count > _MOST_PRIMITIVES:
        raise InputError(f"has {count} parts, more than the limit of {_MOST_PRIMITIVES}; join them")
    for mesh, nodes in groups.items():
        reader.read(scene, mesh, nodes)
    if reader.grey:
        source.note(f"{reader.grey} of {len(reader.parts)} parts have no material: grey")
    return reader.parts


class _Reader:
    """Collects the parts of a document.

    Attributes:
        parts: Those that were read so far.
        grey: How many of them have no material.
    """

    def __init__(self, document: Document):
        self.parts: list[Part] = []
        self.grey = 0
        self._document, self._source = document, document.source
        self._looks = Looks(document)
        self._faces = 0

    def read(
        self, scene: Scene, mesh: Any, nodes: list[int], skin: Any = None, weights: Any = None
    ) -> None:
        """Read the instances of a mesh at some nodes."""
        entry = self._document.one("meshes", mesh)
        weights = entry.get("weights") if weights is None else weights
        for primitive in entry["primitives"]:
            points = self._points(primitive, weights)
            corners = None if points is None else self._corners(primitive, len(points))
            if points is None or corners is None or not len(corners):
                continue
            self._faces += len(corners) // 3 * len(nodes)
            check_faces(self._faces, self._source.limits)
            posed = None
            if skin is not None:
                posed = skinned(self._document, scene, skin, primitive, points)
            if posed is None:
                at = scene.world[nodes]
                placed = np.einsum("kij,nj->kni", at[:, :3, :3], points[corners])
                vertices = (placed + at[:, None, :3, 3]).reshape(-1, 3)
            else:
                vertices = posed[corners]
            self._add(primitive, vertices, np.tile(corners, len(nodes)), len(points))

    def _points(self, primitive: Tree, weights: Any) -> Float[np.ndarray, "n 3"] | None:
        """Vertices with their morph targets; None, with a note, without any."""
        accessor = primitive.get("attributes", {}).get("POSITION")
        if accessor is None or not self._document.has_data(accessor):
            if names := sorted(primitive.get("extensions", {})):
                raise InputError(
                    f"needs {', '.join(names)}, which is not supported; export it uncompressed"
                )
            self._source.note("a part without positions is skipped")
            return None
        points = self._document.accessor(accessor).astype(np.float64)
        if points.shape[1] != 3:
            raise InputError("has positions that are not of three numbers; export it again")
        for weight, target in zip(weights or (), primitive.get("targets", ()), strict=False):
            if weight and "POSITION" in target:
                points = points + weight * self._document.accessor(target["POSITION"])
            if weight and target.keys() - {"POSITION", "NORMAL", "TANGENT"}:
                self._source.note("morph targets of colours or texture coordinates are ignored")
        return points

    def _corners(self, primitive: Tree, count: int) -> Int[np.ndarray, " corners"] | None:
        """Vertices of the triangles' corners; None, with a note, of points and lines."""
        mode = primitive.get("mode", _TRIANGLES)
        if mode not in (_TRIANGLES, _STRIP, _FAN):
            self._source.note("points and lines are ignored")
            return None
        order = np.arange(count)
        if "indices" in primitive:
            if not self._document.has_data(primitive["indices"]):
                raise InputError("has a part whose indices have no data; export it uncompressed")
            order = self._document.accessor(primitive["indices"])[:, 0].astype(np.int64)
        if mode == _TRIANGLES:
            if len(order) % 3:
                self._source.note("a part ends within a triangle, which is ignored")
            order = order[: len(order) // 3 * 3]
        elif len(order) < 3:
            return None
        elif mode == _STRIP:
            order = np.lib.stride_tricks.sliding_window_view(order, 3).reshape(-1)
        else:
            rim = np.stack([order[1:-1], order[2:]], axis=-1)
            order = np.column_stack([np.full(len(rim), order[0]), rim]).reshape(-1)
        require_corners(order, count)
        return order

    def _add(
        self,
        primitive: Tree,
        vertices: Float[np.ndarray, "n 3"],
        corners: Int[np.ndarray, " n"],
        count: int,
    ) -> None:
        part = Part(vertices, np.arange(len(vertices)).reshape(-1, 3), np.ones(3))
        colours = self._attribute(primitive, "COLOR_0", (3, 4), count)
        if colours is not None:
            part = replace(part, vertex_colours=np.clip(colours[corners, :3], 0, 1))
        if "material" in primitive:
            part = self._with(part, self._looks[primitive["material"]], primitive, corners, count)
        elif colours is None:
            self.grey += 1
            part = replace(part, colour=linear_from_srgb(np.full(3, GREY)))
        self.parts.append(part)

    def _with(
        self, part: Part, look: BaseColour, primitive: Tree, corners: np.ndarray, count: int
    ) -> Part:
        """A part of a material."""
        part = replace(part, colour=look.factor)
        if look.texture is None:
            return part
        uv = self._attribute(primitive, f"TEXCOORD_{look.coordinates}", (2,), count)
        if uv is None or not np.isfinite(uv).all():
            self._source.note("a texture is ignored where there are no texture coordinates")
            return part
        uv = look.transformed(uv)[corners]
        sampling = Sampling(self._wrap(look, uv), look.nearest)
        texture = self._source.textures[look.texture]
        part = replace(part, texture=texture, uv=[0, 1] + [1, -1] * uv, sampling=sampling)
        part, coarser = baked(part)
        if coarser:
            self._source.note("a texture is coarser where vertex colours are multiplied by it")
        return part

    def _wrap(self, look: BaseColour, uv: Float[np.ndarray, "n 2"]) -> Any:
        """How the texture continues along the axis along which it does."""
        along_u, along_v = look.wraps
        leaves_u, leaves_v = np.any((uv < 0) | (uv > 1), axis=0).tolist()
        if along_u != along_v and leaves_u and leaves_v:
            self._source.note(f"a texture wraps as {along_u} along v, too, not as {along_v}")
        return along_u if leaves_u else along_v

    def _attribute(
        self, primitive: Tree, name: str, widths: tuple[int, ...], count: int
    ) -> np.ndarray | None:
        """Numbers of the vertices, or None without such an attribute."""
        if name not in primitive["attributes"]:
            return None
        values = self._document.accessor(primitive["attributes"][name])
        if len(values) != count or values.shape[1] not in widths:
            raise InputError(f"has a {name} that does not fit its vertices; export it again")
        if values.dtype.kind in "ui" and name == "COLOR_0":
            values = values / np.iinfo(values.dtype).max  # meant, though not declared
        return values.astype(np.float64)
