"""A saved initialization: one self-describing ``.safetensors`` file."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from theta0.config import from_plain, to_plain
from theta0.errors import InputError
from theta0.fields import Field, FieldConfig, Stepped
from theta0.fit import InnerConfig
from theta0.forward import ForwardConfig
from theta0.store import Stored, write
from theta0.tasks import DataConfig

KIND = "initialization"


@dataclass(frozen=True)
class Description:
    """What a start is for: everything but the weights that ``fit`` needs to use it."""

    name: str
    """what it is called"""
    preset: str
    """the preset that learned it"""
    field: FieldConfig
    """the network"""
    forward: ForwardConfig
    """how its signals are measured"""
    inner: InnerConfig
    """the inner loop it was learned for: the defaults of a fit"""
    data: DataConfig
    """size, sampling and value range of its signals; paths shortened to their last part"""
    value_range: tuple[float, float] = (0.0, 1.0)
    """range of the signal's values"""
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)
    """command, commit, seed, steps, data and licence, validation PSNR"""


@dataclass(frozen=True)
class Initialization:
    """A start and what it is for."""

    field: Field
    description: Description

    def save(self, path: str | Path, half_step_sizes: bool = False) -> None:
        """Write the file, atomically.

        Args:
            path: the file.
            half_step_sizes: keep learned step sizes as float16, for a file of half the size where
                each weight has one for each step.
        """
        field = self.field
        if half_step_sizes and isinstance(field, Stepped):
            halved = jax.tree.map(lambda leaf: leaf.astype("float16"), field.step_sizes)
            field = Stepped(field.field, halved, field.config)
        write(path, field, {"kind": KIND, "description": to_plain(self.description)})


def without_folders(data: DataConfig) -> DataConfig:
    """The data settings with paths shortened to their last part, fit to be handed on."""
    return data if data.path is None else data.with_path(Path(data.path).name)


def load(path: str | Path) -> Initialization:
    """Read a saved initialization; nothing is unpickled or evaluated.

    Raises:
        InputError: missing, truncated, tampered with, a pickle, of a newer version, or no
            initialization.
    """
    stored = Stored(path)
    if stored.facts.get("kind") != KIND:
        raise InputError(f"{path}: a theta0 file, but not an initialization")
    description = from_plain(stored.facts.get("description"), Description, str(path))
    # The template's values are never computed, so a file that describes a huge network costs
    # nothing: its arrays would have to be in the file.
    try:
        template = jax.eval_shape(description.field.build, jax.random.PRNGKey(0))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: describes a network that cannot be: {error}") from error
    for name, array in stored.arrays.items():
        if name.startswith("step_sizes.") and array.dtype == np.float16:  # see `save`
            stored.arrays[name] = array.astype(np.float32)
    return Initialization(stored.into(template), description)
