"""A signal on the unit square as the mean of fields that each see it turned about its centre."""

import math
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError

from ._base import Field
from .stepped import NetworkConfig, SteppedConfig

SingleConfig = NetworkConfig | SteppedConfig


@dataclass(frozen=True)
class TurnedConfig:
    """A network, and the turns at which copies of it see the signal."""

    field: SingleConfig
    """each of them"""
    turns_deg: tuple[float, ...]
    """one a copy, from the first coordinate (rows) towards the second (columns)"""

    def __post_init__(self):
        if not 1 <= len(self.turns_deg) <= 100 or not np.isfinite(self.turns_deg).all():
            raise InputError(f"turns_deg is {self.turns_deg}; give 1 to 100 finite angles")
        if self.in_size != 2:
            raise InputError(f"turns are of a plane, but the network has {self.in_size} inputs")

    @property
    def in_size(self) -> int:
        """Coordinates of a point: 2."""
        return self.field.in_size

    @property
    def out_size(self) -> int:
        """Channels of the signal."""
        return self.field.out_size

    def build(self, key) -> "Turned":
        """The same fresh network at every turn."""
        return Turned((self.field.build(key),) * len(self.turns_deg), self)


class Turned(Field):
    """The mean of its members, each of which sees the square turned; see :class:`TurnedConfig`."""

    members: tuple[Field, ...]
    config: TurnedConfig = eqx.field(static=True)

    def __call__(self, x):
        pairs = zip(self.members, self.config.turns_deg, strict=True)
        values = [member(turned(x.T, degrees).T) for member, degrees in pairs]
        return sum(values[1:], values[0]) / len(values)


def turned(
    points: Float[Array | np.ndarray, "*points 2"], degrees: float
) -> Float[Array, "*points 2"]:
    """Points of the unit square turned about its centre, from rows towards columns."""
    # Python numbers, which leave the points their precision.
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    row, column = jnp.asarray(points)[..., 0] - 0.5, jnp.asarray(points)[..., 1] - 0.5
    return jnp.stack([cos * row - sin * column, sin * row + cos * column], axis=-1) + 0.5
