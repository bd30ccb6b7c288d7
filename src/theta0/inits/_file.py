"""A saved initialization: one self-describing ``.safetensors`` file."""

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from theta0.config import from_plain, to_plain
from theta0.errors import InputError
from theta0.fields import Field, NetworkConfig, config_of, trained
from theta0.forward import ForwardMap, bytes_of_samples
from theta0.inner import InnerConfig, UpdateRule
from theta0.memory import MAX_BYTES, check_memory
from theta0.meta import Learned
from theta0.signals import SignalConfig
from theta0.store import Stored, named_arrays, write

KIND = "initialization"

_Self = TypeVar("_Self", bound="Initialization")


@dataclass(frozen=True)
class UsualLosses:
    """How the losses of signals of the class fall, which were not learned from."""

    signals: int
    """how many validation signals"""
    median: tuple[float, ...]
    """of their losses after 0, 1, 2, ... inner steps, as learned for"""
    largest: tuple[float, ...]
    """of the same losses"""


@dataclass(frozen=True)
class Description:
    """What an initialization is for: everything but the weights that ``fit`` needs to use it."""

    name: str
    """what it is called"""
    preset: str
    """the preset that learned it"""
    field: NetworkConfig
    """the network"""
    forward: ForwardMap
    """how its signals are measured"""
    inner: InnerConfig
    """the inner loop it was learned for: the defaults of a fit"""
    data: SignalConfig
    """size, sampling and value range of its signals; paths shortened to their last part"""
    value_range: tuple[float, float] = (0.0, 1.0)
    """range of the signal's values"""
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)
    """command, commit, seed, steps, data and licence, validation PSNR"""
    losses: UsualLosses | None = None
    """how losses fall on signals of the class, if that was measured"""


@dataclass(frozen=True)
class Initialization:
    """A learned field and update rule, and what they are for."""

    field: Field
    rule: UpdateRule
    description: Description

    @property
    def learned(self) -> Learned:
        """Field and rule, as meta-learners take them."""
        return Learned(self.field, self.rule)

    def at_size(self: _Self, size: int) -> _Self:
        """The same for pictures of ``size`` pixels per side.

        A feature grid gets samples for the pixels beyond those it was learned with, which begin
        between them; other networks are what they are, at more points.

        Raises:
            InputError: its signals are no pictures, or what was learned is of one size.
        """
        told = self.description
        data, field = told.data.with_size(size), self.field.for_size(size)
        if field is self.field:
            return replace(self, description=replace(told, data=data))
        fresh = told.inner.rule_of(field)
        places, leaves = trained(fresh), jax.tree.leaves(trained(self.rule))
        if [leaf.shape for leaf in jax.tree.leaves(places)] != [leaf.shape for leaf in leaves]:
            raise InputError(
                f"fit size is {size}, but the update rule ({told.inner.rule.label}) was learned "
                f"for each weight of a network for size {told.data.size}; leave the fit size out"
            )
        rule = eqx.combine(jax.tree.unflatten(jax.tree.structure(places), leaves), fresh)
        described = replace(told, data=data, field=config_of(field))
        return replace(self, field=field, rule=rule, description=described)

    def save(self, path: str | Path, half_rule: bool = False) -> None:
        """Write the file, atomically.

        Args:
            path: the file.
            half_rule: keep what the update rule has learned as float16, for a file of half the
                size where each weight has a step size for each step.

        Raises:
            InputError: its name ends in that of another format.
        """
        if Path(path).suffix not in ("", ".safetensors"):
            raise InputError(f"{path}: a .safetensors file is written; end its name so")
        halved = jax.tree.map(lambda leaf: leaf.astype(jnp.float16), trained(self.rule))
        rule = eqx.combine(halved, self.rule) if half_rule else self.rule
        facts = {"kind": KIND, "description": to_plain(self.description)}
        write(path, Learned(self.field, rule), facts)


def without_folders(data: SignalConfig) -> SignalConfig:
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
        template = eqx.filter_eval_shape(_fresh, description, jax.random.PRNGKey(0))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: describes a network that cannot be: {error}") from error
    for name, array in stored.arrays.items():
        if name.startswith("rule.") and array.dtype == np.float16:  # see `save`
            stored.arrays[name] = array.astype(np.float32)
    field, rule = stored.into(template)
    _check_sizes(path, description, field)
    if not named_arrays(rule):  # nothing of it is in the file; the template's is of a trace
        rule = description.inner.rule_of(field)
    return Initialization(field, rule, description)


def _check_sizes(path: str | Path, description: Description, field: Field) -> None:
    """Refuse what no fit could allocate: one ray, one signal at its own size, one scan.

    Raises:
        InputError: it would take more than :data:`theta0.memory.MAX_BYTES`.
    """
    data, samples = description.data, description.forward.samples
    size, rays = getattr(data, "size", 1), getattr(data, "rays", 1)
    rays *= getattr(data, "training_views", 1)
    for what, needed in (
        (f"{samples} samples per ray", bytes_of_samples(samples, field)),
        (f"signals of size {size}", 32 * size**2),
        (f"scans of {rays} rays", 200 * rays),
    ):
        remedy = "the file is damaged or forged, or its initialization was never trained"
        check_memory(f"{path}: {what}", needed, MAX_BYTES, remedy)


def _fresh(description: Description, key: jax.Array) -> Learned:
    """Field and rule as they were before learning."""
    field = description.field.build(key)
    return Learned(field, description.inner.rule_of(field))
