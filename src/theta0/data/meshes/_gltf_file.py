"""The container of glTF 2.0: the JSON tree, buffers and accessors, checked before they are read.

(https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html)
"""

import base64
import binascii
import json
import struct
from typing import Any
from urllib.parse import unquote

import numpy as np

from theta0.data.meshes._limits import check_faces
from theta0.data.meshes._source import Source
from theta0.errors import InputError
from theta0.memory import check_memory

_SUPPORTED = {
    "KHR_texture_transform", "KHR_mesh_quantization", "KHR_materials_unlit", "EXT_texture_webp",
    "EXT_texture_avif", "KHR_materials_pbrSpecularGlossiness",
}  # fmt: skip
_COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu",
               "KHR_meshopt_compression")  # fmt: skip
"""Told where they are met: a file may hold what it compresses a second time"""

_QUIET = {"KHR_xmp_json_ld"}
"""Show nothing"""

_TREE_BYTES = 1 << 30

_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_LENGTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

Tree = dict[str, Any]


class Document:
    """A glTF file."""

    def __init__(self, source: Source):
        """Read the tree.

        Raises:
            InputError: It is damaged, of another version, or needs an extension that is not
                supported.
        """
        self.source = source
        text, self._binary = _chunks(source.content)
        _check_tree(text)
        tree = json.loads(text.decode("utf-8-sig"))
        if not isinstance(tree, dict):
            raise ValueError("its JSON is no object")
        self.tree: Tree = tree
        _check_version(self.tree.get("asset", {}))
        # A face has 3 indices and up to 3 vertices, each with position, normal, uv and colour.
        counts = sum(_whole(accessor, "count") for accessor in self.all("accessors"))
        check_faces(counts // 15, source.limits)
        self._buffers: dict[int, bytes] = {}
        self._arrays: dict[int, np.ndarray] = {}
        required = self.tree.get("extensionsRequired", [])
        missing = [str(name) for name in required if name not in _SUPPORTED]
        if missing:
            raise InputError(
                f"needs {', '.join(missing[:5])}, which is not supported; export it without"
            )
        for name in self.tree.get("extensionsUsed", []):
            if name not in _SUPPORTED and name not in _COMPRESSED and name not in _QUIET:
                source.note(f"{str(name)[:80]} is ignored")

    def all(self, kind: str) -> list[Tree]:
        """All entries of a kind, such as nodes."""
        found = self.tree.get(kind, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError(f"its {kind} are no list of objects")
        return found

    def one(self, kind: str, index: Any) -> Tree:
        """An entry by its number.

        Raises:
            InputError: There is none.
        """
        entries = self.tree.get(kind, [])
        if type(index) is not int or not 0 <= index < len(entries):
            raise InputError(f"names number {index} of its {len(entries)} {kind}; export it again")
        if not isinstance(entries[index], dict):
            raise ValueError(f"its {kind} are no list of objects")
        return entries[index]

    def view(self, index: Any) -> memoryview:
        """The bytes of a buffer view.

        Raises:
            InputError: It is compressed, or lies outside its buffer.
        """
        view = self.one("bufferViews", index)
        buffer = self._buffer(view["buffer"], view)
        start, length = _whole(view, "byteOffset", 0), _whole(view, "byteLength")
        if start + length > len(buffer):
            raise InputError("has a buffer view outside its buffer; copy it again")
        return memoryview(buffer)[start : start + length]

    def _buffer(self, index: Any, view: Tree) -> bytes:
        if index in self._buffers:
            return self._buffers[index]
        buffer = self.one("buffers", index)
        if "uri" in buffer:
            content = self.uri(buffer["uri"])
        elif index == 0 and self._binary is not None:
            content = self._binary
        else:
            content = None
        if content is None:
            names = sorted(view.get("extensions", {}).keys() | buffer.get("extensions", {}).keys())
            why = f"it needs {names[0]}, which is not supported" if names else "it is missing"
            raise InputError(f"has a buffer without data: {why}; export it again, uncompressed")
        if len(content) < _whole(buffer, "byteLength"):
            raise InputError("has a buffer that is shorter than it declares; copy it again")
        self._buffers[index] = content
        return content

    def uri(self, uri: Any) -> bytes | None:
        """The content of a file, or that a data: address holds; None, with a note, if missing.

        Raises:
            InputError: What it holds is damaged.
        """
        if not isinstance(uri, str):
            raise ValueError("an address is no text")
        if not uri[:5].lower() == "data:":
            found = self.source.beside(unquote(uri))
            return found and found[1]
        head, comma, data = uri.partition(",")
        try:
            if head.lower().endswith(";base64"):
                return base64.b64decode(unquote(data) if "%" in data else data, validate=True)
        except binascii.Error as error:
            raise InputError(f"has a data: address that is damaged ({error})") from error
        return unquote(data, "latin-1").encode("latin-1") if comma else b""

    def accessor(self, index: Any) -> np.ndarray:
        """The values of an accessor: a row each, as fractions where they are normalized.

        Raises:
            InputError: It lies outside its buffer view, or is too large.
        """
        if index not in self._arrays:
            accessor = self.one("accessors", index)
            values = self._values(accessor)
            if "sparse" in accessor:
                values = self._sparse(accessor["sparse"], values)
            if accessor.get("normalized") and values.dtype.kind in "ui":
                most = np.iinfo(values.dtype).max
                values = np.maximum(values / most, -1.0)
            self._arrays[index] = values
        return self._arrays[index]

    def has_data(self, index: Any) -> bool:
        """Whether an accessor has values other than the zeros that stand for none."""
        accessor = self.one("accessors", index)
        return "bufferView" in accessor or "sparse" in accessor

    def _values(self, accessor: Tree) -> np.ndarray:
        count, length = _whole(accessor, "count"), _LENGTHS[accessor["type"]]
        kind = np.dtype(_TYPES[accessor["componentType"]])
        if "bufferView" not in accessor:
            check_memory("an accessor", count * length * kind.itemsize, _TREE_BYTES, "export again")
            return np.zeros((count, length), kind)
        view = self.one("bufferViews", accessor["bufferView"])
        offset, size = _whole(accessor, "byteOffset", 0), length * kind.itemsize
        stride = _whole(view, "byteStride", size)
        return self._rows(accessor["bufferView"], offset, count, length, kind, stride)

    def _rows(
        self, view: Any, offset: int, count: int, length: int, kind: np.dtype, stride: int = 0
    ) -> np.ndarray:
        """Rows of numbers in a buffer view; one after another without a stride."""
        data = self.view(view)
        size = length * kind.itemsize
        stride = stride or size
        end = offset + stride * (count - 1) + size if count else 0
        if stride < size or end > len(data):
            raise InputError("has an accessor outside its buffer view; copy it again")
        return np.ndarray((count, length), kind, data, offset, (stride, kind.itemsize)).copy()

    def _sparse(self, sparse: Tree, values: np.ndarray) -> np.ndarray:
        """Replace some of the values."""
        count = _whole(sparse, "count")
        where, what = sparse["indices"], sparse["values"]
        kind = np.dtype(_TYPES[where["componentType"]])
        start = _whole(where, "byteOffset", 0)
        places = self._rows(where["bufferView"], start, count, 1, kind)[:, 0]
        start, width = _whole(what, "byteOffset", 0), values.shape[1]
        rows = self._rows(what["bufferView"], start, count, width, values.dtype)
        if count and not 0 <= places.min() <= places.max() < len(values):
            raise InputError("has a sparse accessor that replaces missing values; export it again")
        values[places] = rows
        return values


def _check_version(asset: Any) -> None:
    """Refuse another version than 2, and what needs a later one than 2.0."""
    if not isinstance(asset, dict):
        raise InputError("has an asset that is no object, so no version; export it again")
    version, least = str(asset.get("version", "2.0")), str(asset.get("minVersion", "2.0"))
    if not version.startswith("2."):
        raise InputError(f"is glTF {version}; convert it to glTF 2.0")
    if least != "2.0":
        raise InputError(f"needs glTF {least[:20]} (asset.minVersion); convert it to glTF 2.0")


def _whole(entry: Tree, key: str, default: int | None = None) -> int:
    """A number of bytes or of values."""
    value = entry.get(key, default)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < 2**53 or value != int(value):
        raise InputError(f"has a {key} of {str(value)[:40]}; export it again")
    return int(value)


def _chunks(content: bytes) -> tuple[bytes, bytes | None]:
    """The JSON text, and the binary chunk if there is one."""
    if not content.startswith(b"glTF"):
        return content, None
    version, total = struct.unpack_from("<II", content, 4)
    if version != 2:
        raise InputError(f"is glTF {version}; convert it to glTF 2.0")
    if total > len(content):
        raise InputError(f"ends after {len(content)} of {total} bytes; copy it again")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= total:
        length, kind = struct.unpack_from("<I4s", content, at)
        if at + 8 + length > total:
            raise InputError("has a chunk that is longer than the file; copy it again")
        found.setdefault(kind, content[at + 8 : at + 8 + length])
        at += 8 + length
    if b"JSON" not in found:
        raise ValueError("it has no JSON chunk")
    return found[b"JSON"], found.get(b"BIN\0")


def _check_tree(text: bytes) -> None:
    """Refuse a tree that would take too much memory; an object takes hundreds of bytes."""
    needed = len(text) + 250 * text.count(b"{") + 90 * text.count(b"[") + 40 * text.count(b",")
    check_memory("its JSON", needed, _TREE_BYTES, "simplify it")
