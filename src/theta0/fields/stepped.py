"""A network that carries its own learned step sizes (Meta-SGD, Li et al. 2017).

The step sizes are leaves of the field like its weights: a meta-gradient through the inner loop
reaches them without knowing of them, and they are saved, loaded and handed on with it.
"""

from dataclasses import dataclass
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.errors import InputError, require_positive

from ._base import Field
from .fourier import FourierConfig
from .positional import PositionalConfig
from .siren import SirenConfig

NetworkConfig = SirenConfig | FourierConfig | PositionalConfig

Granularity = Literal["layer", "weight"]


class AroundNetwork:
    """The sizes of a configuration that holds another one, ``field``."""

    field: Any

    @property
    def in_size(self) -> int:
        """Coordinates of a point."""
        return self.field.in_size

    @property
    def out_size(self) -> int:
        """Channels of the signal."""
        return self.field.out_size


@dataclass(frozen=True)
class SteppedConfig(AroundNetwork):
    """A network, and how finely its step sizes are learned."""

    field: NetworkConfig
    """the network"""
    lr: float
    """every step size before learning"""
    steps: int
    """inner steps that have step sizes of their own; 1: all steps share them"""
    per: Granularity = "layer"
    """one step size for each array of weights (each layer's matrix, its biases), or each weight"""

    def __post_init__(self):
        require_positive(self, "lr", "steps")
        if self.steps > 1000:
            raise InputError(f"step sizes for {self.steps} inner steps; give at most 1000")

    def build(self, key) -> "Stepped":
        """A fresh network with every step size at ``lr``."""
        field = self.field.build(key)

        def constant(leaf):
            shape = leaf.shape if self.per == "weight" else (1,) * leaf.ndim
            return jnp.full((self.steps, *shape), self.lr, leaf.dtype)

        return Stepped(field, jax.tree.map(constant, eqx.filter(field, eqx.is_inexact_array)), self)


class Stepped(Field):
    """A field and its step sizes; see :class:`SteppedConfig`."""

    field: Field
    step_sizes: Any
    """like the field's weights, each leaf (steps, ...), ending in the shape of the weights or ones;
    in the units of a step size: change of a weight over the gradient of the mean squared error"""
    config: SteppedConfig = eqx.field(static=True)

    def __call__(self, x):
        return self.field(x)

    def at(self, step) -> Any:
        """Step sizes of inner step ``step``, from 0; those of the last for all later ones."""
        pick = lambda leaf: leaf[jnp.minimum(step, leaf.shape[0] - 1)]
        return jax.tree.map(pick, self.step_sizes)
