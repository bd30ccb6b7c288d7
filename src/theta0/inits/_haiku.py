"""What the paper's authors learned: Haiku parameters of a SIREN become an initialization."""

import hashlib
import itertools
import math
import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError
from theta0.fields import Linear, Siren, SirenField
from theta0.forward import Points
from theta0.inner import SGD, InnerConfig
from theta0.signals import ImageConfig

from ._file import Description, Initialization
from ._pickle import read_pickle

MAX_BYTES = 64 * 2**20
"""Larger files are refused before they are read; the authors' file has 0.8 MB."""


def import_haiku(
    path: str | Path,
    name: str | None = None,
    w0: float = 200.0,
    size: int = 178,
    credit: str | None = None,
) -> Initialization:
    """Read a pickle of Haiku parameters as an initialization for pictures, by the paper's settings.

    Nothing in the file is run. The network is ``sin(w0 (W x + b))`` in every hidden layer and
    0.5 added to the output, at pixel coordinates ``linspace(0, 1, size + 1)[:-1]``; the inner
    loop is two steps of gradient descent of 1e-2.

    Args:
        path: pickled mapping of one module a layer to its ``w`` (in, out) and ``b`` (out,).
        name: what the initialization is called; the file's own name when left out.
        w0: the frequency factor, which the file does not hold.
        size: side in pixels of the pictures it was learned from.
        credit: whose work it is and under which licence.

    Raises:
        InputError: the file cannot be read, holds anything else, or is no such network.
    """
    if not (w0 > 0 and math.isfinite(w0)):
        raise InputError(f"w0 is {w0}; give a finite frequency factor above 0")
    path = Path(path)
    data = _read(path)
    field = _siren(read_pickle(data, path), w0, path)
    provenance = {"imported": path.name, "sha256": hashlib.sha256(data).hexdigest()}
    if credit is not None:
        provenance["credit"] = credit
    inner = InnerConfig(SGD(1e-2), steps=2)
    description = Description(
        name=path.stem if name is None else name,
        preset="images",
        field=field.config,
        forward=Points(),
        inner=inner,
        data=ImageConfig(size=size, pixel_offset=0.0),
        provenance=provenance,
    )
    return Initialization(field, inner.rule_of(field), description)


def _read(path: Path) -> bytes:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}; give a pickle of Haiku parameters")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MB; not weights for pictures")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _siren(modules: dict[str, dict[str, np.ndarray]], w0: float, path: Path) -> SirenField:
    """The network of modules of linear layers."""
    layers = [_linear(modules[module], module, path) for module in _in_order(modules, path)]
    for before, after in itertools.pairwise(layers):
        if before.weight.shape[0] != after.weight.shape[1]:
            raise InputError(
                f"{path}: a layer gives {before.weight.shape[0]} values, but the next takes "
                f"{after.weight.shape[1]}; its layers do not make a network"
            )
    widths = sorted({layer.weight.shape[0] for layer in layers[:-1]})
    if len(widths) != 1:
        raise InputError(f"{path}: hidden layers of widths {widths}; a Siren has one, of one width")
    ends = in_size, out_size = layers[0].weight.shape[1], layers[-1].weight.shape[0]
    if ends != (2, 3):
        raise InputError(
            f"{path}: a network from {in_size} coordinates to {out_size} channels; pictures need "
            "one from 2 to 3"
        )
    config = Siren(in_size, out_size, widths[0], len(layers), w0, output_offset=0.5)
    return SirenField(tuple(layers), config)


def _in_order(modules: dict[str, dict[str, np.ndarray]], path: Path) -> list[str]:
    """Names of the modules by layer: ``linear``, ``linear_1``, …, ``linear_10``."""
    numbered, kinds = {}, set()
    for module in modules:
        parts = [re.fullmatch(r"(.*?)(?:_([0-9]{1,4}))?", part, re.S) for part in module.split("/")]
        kinds.add(tuple(part[1] for part in parts if part))
        numbered[tuple(int(part[2] or 0) for part in parts if part)] = module
    # Of one kind, their names have equally many parts; one of the numbers counts the layers.
    counted = [column for column in zip(*numbered, strict=False) if len(set(column)) > 1]
    in_order = sorted(numbered)
    if (
        len(kinds) != 1
        or len(numbered) != len(modules)
        or [sorted(column) for column in counted] != [list(range(len(modules)))]
    ):
        raise InputError(
            f"{path}: its modules are not layers numbered from 0 without a gap: "
            f"{str(list(modules))[:200]}"
        )
    return [numbered[numbers] for numbers in in_order]


def _linear(arrays: dict[str, np.ndarray], module: str, path: Path) -> Linear:
    """One layer; Haiku multiplies ``x w`` where theta0 has ``W x``."""
    shapes = {key: values.shape for key, values in arrays.items()}
    if set(shapes) != {"w", "b"} or len(shapes["w"]) != 2 or shapes["b"] != shapes["w"][1:]:
        raise InputError(
            f"{path}: {module[:80]!r} is no linear layer with w (in, out) and b (out,): it has "
            f"{str(shapes)[:120]}"
        )
    return Linear(_float32(arrays["w"].T, module, path), _float32(arrays["b"], module, path))


def _float32(values: np.ndarray, module: str, path: Path) -> Float[Array, "..."]:
    with np.errstate(over="ignore"):  # of float64; infinite then
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{path}: {module[:80]!r} holds values that are not finite in float32")
    return jnp.asarray(np.ascontiguousarray(values))
