"""Pytrees of arrays as safetensors files: arrays by name, facts as JSON, nothing executable.

One file holds ``theta0`` in its metadata: a JSON object with ``format`` (the version of this
layout) and whatever the writer adds. Loading checks names and shapes against a template.
"""

import json
import math
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx
import jax
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from theta0.errors import InputError
from theta0.files import write_bytes
from theta0.memory import bytes_of

FORMAT = 1
"""Version of the layout; readers refuse newer ones."""

MAX_BYTES = 2**30
"""Larger files are refused before they are read."""

MAX_HEADER_BYTES = 2**24
"""Longer headers are refused before they are read; that of a large network takes some kB."""

_NOT_OURS = (SafetensorError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What a damaged or foreign file makes the readers raise; JSON may hold infinity, or nest deep."""

Tree = TypeVar("Tree")


def _is_array(leaf: Any) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct)


def named_arrays(tree: Any) -> dict[str, Any]:
    """Array leaves (or their shapes) of a pytree by dotted path, e.g. ``layers.0.weight``."""
    leaves = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, _is_array))[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def require_readable(tree: Any) -> None:
    """Refuse arrays that no reader would take once they are written.

    Raises:
        InputError: they are larger than :data:`MAX_BYTES`.
    """
    taken = bytes_of(eqx.filter(tree, _is_array))
    if taken > MAX_BYTES:
        raise InputError(
            f"weights, step sizes and optimizer together take {taken >> 20} MB, but files of more "
            f"than {MAX_BYTES >> 20} MB are not read; choose a smaller network, or with metasgd "
            "--step-sizes.per layer"
        )


def write(path: str | Path, tree: Any, facts: dict[str, Any]) -> None:
    """Write the arrays of a pytree and a JSON object of facts, atomically."""
    require_readable(tree)
    arrays = {name: np.asarray(leaf, order="C") for name, leaf in named_arrays(tree).items()}
    header = json.dumps({"format": FORMAT, **facts}, allow_nan=False, sort_keys=True)
    write_bytes(path, save(arrays, {"theta0": header}))


def _strict_json(text: str | bytes) -> Any:
    """JSON by the letter, which has no NaN, no number beyond float64, and each key once."""
    return json.loads(text, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _finite(word: str) -> float:
    if not math.isfinite(number := float(word)):
        raise ValueError(f"{word} is no number of JSON")
    return number


class Stored:
    """An opened file: its facts, and its arrays by name.

    Raises:
        InputError: the file is missing, not of this format, truncated, or of a newer version.
    """

    def __init__(self, path: str | Path):
        self.path = path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MB; not by theta0")
        try:
            with path.open("rb") as file:
                start = file.read(8)
            size = int.from_bytes(start, "little")
            data = path.read_bytes() if size <= MAX_HEADER_BYTES else b""
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        try:
            if not data:
                raise ValueError(f"its header claims {size} bytes")
            facts = _strict_json(data[8 : 8 + size]).get("__metadata__", {}).get("theta0")
            if not isinstance(facts, str):
                raise ValueError("its metadata has no entry theta0")
            self.facts: dict[str, Any] = _strict_json(facts)
            version = int(self.facts["format"])
            self.arrays: dict[str, np.ndarray] = load(data)
        except _NOT_OURS as error:
            # The length of a safetensors header may begin with the same bytes, but is below 16 MB.
            if start[3:8] != bytes(5) and (start[:1] == b"\x80" or start[:2] == b"PK"):
                raise InputError(
                    f"{path}: a pickle or zip archive, which is never loaded; "
                    "give a .safetensors file written by theta0 (theta0 import makes one of the "
                    "paper's authors' pickle)"
                ) from error
            raise InputError(
                f"{path}: not a whole theta0 .safetensors file ({type(error).__name__}: "
                f"{error!s:.200})"
            ) from error
        if version > FORMAT:
            raise InputError(
                f"{path}: format {version}, but this theta0 reads up to {FORMAT}; upgrade theta0"
            )

    def into(self, template: Tree) -> Tree:
        """The arrays, in the place of the template's.

        Raises:
            InputError: an array is missing, left over, of another shape or type, or not finite.
        """
        wanted = named_arrays(template)
        if set(wanted) != set(self.arrays):
            odd = sorted(set(wanted) ^ set(self.arrays))
            raise InputError(f"{self.path}: its arrays do not match its description: {odd[:3]}")
        for name, leaf in wanted.items():
            found = self.arrays[name]
            if (found.shape, found.dtype) != (leaf.shape, leaf.dtype):
                raise InputError(
                    f"{self.path}: {name} is {found.dtype}{found.shape}, "
                    f"but its description says {leaf.dtype}{leaf.shape}"
                )
            if found.dtype.kind == "f" and not np.isfinite(found).all():
                raise InputError(f"{self.path}: {name} holds values that are not finite")
        arrays, static = eqx.partition(template, _is_array)
        structure = jax.tree.structure(arrays)
        leaves = [jax.numpy.asarray(self.arrays[name]) for name in wanted]
        return eqx.combine(jax.tree.unflatten(structure, leaves), static)
