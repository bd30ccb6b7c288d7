"""The base colours of glTF materials: a linear factor and a texture with its coordinates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.data.meshes._gltf_file import Document, Tree
from theta0.data.meshes._mesh import Wrap
from theta0.errors import InputError

_WRAPS: dict[int, Wrap] = {10497: "repeat", 33648: "mirror", 33071: "clamp"}
_NEAREST = 9728


@dataclass(frozen=True, eq=False)
class BaseColour:
    """What a material looks like in white light.

    Attributes:
        factor: Linear RGB.
        texture: Key of the texture in the source.
        coordinates: Number of the set of texture coordinates.
        scale, rotation_rad, offset: Applied to the coordinates, in this order.
        wraps: How the texture continues along both axes.
        nearest: Whether its pixels have sharp edges.
    """

    factor: Float[np.ndarray, " 3"]
    texture: Any = None
    coordinates: int = 0
    scale: tuple[float, float] = (1.0, 1.0)
    rotation_rad: float = 0.0
    offset: tuple[float, float] = (0.0, 0.0)
    wraps: tuple[Wrap, Wrap] = ("repeat", "repeat")
    nearest: bool = False

    def transformed(self, uv: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Coordinates in the texture, (0, 0) at the upper left, as KHR_texture_transform says."""
        u, v = np.moveaxis(uv * self.scale, -1, 0)
        cos, sin = np.cos(self.rotation_rad), np.sin(self.rotation_rad)
        return np.stack([cos * u + sin * v, cos * v - sin * u], axis=-1) + self.offset


class Looks:
    """The materials of a document, each read once and only if a surface has it."""

    def __init__(self, document: Document):
        self._document = document
        self._source = document.source
        self._looks: dict[int, BaseColour] = {}

    def __getitem__(self, index: Any) -> BaseColour:
        if index not in self._looks:
            self._looks[index] = self._read(self._document.one("materials", index))
        return self._looks[index]

    def _read(self, material: Tree) -> BaseColour:
        self._note_ignored(material)
        metallic = material.get("pbrMetallicRoughness", {})
        factor, texture = metallic.get("baseColorFactor"), metallic.get("baseColorTexture")
        extensions = material.get("extensions", {})
        if (glossy := extensions.get("KHR_materials_pbrSpecularGlossiness")) is not None:
            factor, texture = glossy.get("diffuseFactor"), glossy.get("diffuseTexture")
        factor = np.array([1, 1, 1, 1] if factor is None else factor, np.float64)
        if factor.shape != (4,) or not np.isfinite(factor).all():
            raise InputError("has a material whose colour is not four numbers; export it again")
        colour = np.clip(factor[:3], 0, 1)
        return BaseColour(colour) if texture is None else self._textured(colour, texture)

    def _note_ignored(self, material: Tree) -> None:
        mode = material.get("alphaMode", "OPAQUE")
        if mode != "OPAQUE":
            self._source.note(f"transparency (alphaMode {mode}) is ignored")
        if any(material.get("emissiveFactor", ())):
            self._source.note("emission is ignored")
        if "normalTexture" in material:
            self._source.note("normal maps are ignored")
        if "occlusionTexture" in material:
            self._source.note("occlusion maps are ignored")

    def _textured(self, colour: Float[np.ndarray, " 3"], info: Tree) -> BaseColour:
        texture = self._document.one("textures", info["index"])
        key = self._image(texture)
        if key is None:
            return BaseColour(colour)
        transform = info.get("extensions", {}).get("KHR_texture_transform", {})
        scale, offset = transform.get("scale", (1, 1)), transform.get("offset", (0, 0))
        numbers = [float(one) for one in (*scale, *offset, transform.get("rotation", 0))]
        if len(numbers) != 5 or not np.isfinite(numbers).all():
            raise InputError("has a texture transform that is not of five numbers; export it again")
        return BaseColour(
            colour,
            key,
            int(transform.get("texCoord", info.get("texCoord", 0))),
            scale=(numbers[0], numbers[1]),
            offset=(numbers[2], numbers[3]),
            rotation_rad=numbers[4],
            **self._sampling(texture),
        )

    def _sampling(self, texture: Tree) -> dict[str, Any]:
        if "sampler" not in texture:
            return {}
        sampler = self._document.one("samplers", texture["sampler"])
        wraps = tuple(_WRAPS[sampler.get(key, 10497)] for key in ("wrapS", "wrapT"))
        return {"wraps": wraps, "nearest": sampler.get("magFilter") == _NEAREST}

    def _image(self, texture: Tree) -> Any:
        """Decode the picture of a texture; returns its key, or None, with a note, without one."""
        extensions = texture.get("extensions", {})
        index = texture.get("source")
        for name in ("EXT_texture_webp", "EXT_texture_avif"):
            index = extensions.get(name, {}).get("source", index)
        if index is None:
            names = ", ".join(sorted(extensions)) or "it has no picture"
            self._source.note(f"a texture is ignored: {names} is not supported")
            return None
        image = self._document.one("images", index)
        textures = self._source.textures
        key = ("image", index)
        if key in textures:
            return key
        if "bufferView" in image:
            content = bytes(self._document.view(image["bufferView"]))
        else:
            content = self._document.uri(image["uri"])
        if content is None:
            return None
        textures.decode(key, str(image.get("name") or f"number {index}"), content)
        return key
