"""Builds small glTF files accessor by accessor."""

import io
import json
import struct

import numpy as np
from PIL import Image

_TYPES = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
_SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}

PLATE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "f4")
UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], "f4")


class Gltf:
    """A glTF file in the making; `tree` may be changed before it is written."""

    def __init__(self):
        self.blob = b""
        self.tree = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
                     "nodes": [{"mesh": 0}], "meshes": [], "accessors": [], "bufferViews": [],
                     "materials": [], "textures": [], "images": []}  # fmt: skip

    def view(self, content):
        self.tree["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(content)}
        )
        self.blob += content + b"\0" * (-len(content) % 4)
        return len(self.tree["bufferViews"]) - 1

    def accessor(self, values, **more):
        values = np.asarray(values)
        values = values.reshape(len(values), -1)
        kind = values.dtype.str[1:]
        self.tree["accessors"].append({
            "bufferView": self.view(values.tobytes()), "componentType": _TYPES[kind],
            "count": len(values), "type": _SHAPES[values.shape[1]],
        } | more)  # fmt: skip
        return len(self.tree["accessors"]) - 1

    def texture(self, pixels, **more):
        content = io.BytesIO()
        Image.fromarray(np.asarray(pixels, np.uint8)).save(content, "PNG")
        self.tree["images"].append(
            {"bufferView": self.view(content.getvalue()), "mimeType": "image/png"}
        )
        self.tree["textures"].append({"source": len(self.tree["images"]) - 1} | more)
        return len(self.tree["textures"]) - 1

    def material(self, factor=None, texture=None, info=None, **more):
        metallic = {} if factor is None else {"baseColorFactor": factor}
        if texture is not None:
            metallic["baseColorTexture"] = {"index": texture} | (info or {})
        self.tree["materials"].append({"pbrMetallicRoughness": metallic} | more)
        return len(self.tree["materials"]) - 1

    def plate(self, material=None, more=None, uv=UV, indices=(0, 1, 2, 0, 2, 3), **attributes):
        """Add a mesh of a unit square."""
        attributes = {"POSITION": self.accessor(PLATE)} | attributes
        if uv is not None:
            attributes.setdefault("TEXCOORD_0", self.accessor(uv))
        primitive = {"attributes": attributes} | (more or {})
        if indices is not None:
            primitive["indices"] = self.accessor(np.array(indices, "u2"))
        if material is not None:
            primitive["material"] = material
        self.tree["meshes"].append({"primitives": [primitive]})
        return len(self.tree["meshes"]) - 1

    def write(self, path):
        tree = {key: value for key, value in self.tree.items() if value != []}
        tree["buffers"] = [{"byteLength": len(self.blob)}]
        path.write_bytes(glb(json.dumps(tree).encode(), self.blob))
        return path


def glb(text, binary=b""):
    """The container of a tree and a buffer."""
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
