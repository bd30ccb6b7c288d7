"""Telling signals apart that no settings describe, such as arrays."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def digest(*values: Any) -> str:
    """A SHA-256 of arrays, pictures and plain values, and of what holds them."""
    found = hashlib.sha256()
    _add(found, values)
    return found.hexdigest()


def _add(found: Any, value: Any) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        value = list(value.items())
    if isinstance(value, list | tuple):
        found.update(f"[{len(value)}]".encode())
        for part in value:
            _add(found, part)
    elif value is None or isinstance(value, str | int | float):
        found.update(f"{value!r};".encode())
    else:  # an array, or what NumPy makes one of, such as a picture of Pillow's
        array = np.ascontiguousarray(value)
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(repr(value).encode() if array.dtype.hasobject else array.tobytes())
