"""A signal on the unit square as the mean of two fields, one of which sees it mirrored."""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError

from ._base import Field
from .stepped import AroundNetwork, NetworkConfig, SteppedConfig

SingleConfig = NetworkConfig | SteppedConfig


@dataclass(frozen=True)
class MirroredConfig(AroundNetwork):
    """A network, two copies of which see the signal as it is and mirrored."""

    field: SingleConfig
    """each of them"""

    def __post_init__(self):
        if self.in_size != 2:
            raise InputError(f"a picture is mirrored, but the network has {self.in_size} inputs")

    def build(self, key) -> "Mirrored":
        """The same fresh network twice."""
        field = self.field.build(key)
        return Mirrored(field, field, self)


class Mirrored(Field):
    """The mean of two fields, the second of which sees left and right exchanged."""

    upright: Field
    reversed: Field
    config: MirroredConfig = eqx.field(static=True)

    def __call__(self, x):
        return (self.upright(x) + self.reversed(mirrored(x.T).T)) / 2


def mirrored(points: Float[Array | np.ndarray, "*points 2"]) -> Float[Array, "*points 2"]:
    """Points (row, column) of the unit square with left and right exchanged."""
    points = jnp.asarray(points)
    return points.at[..., 1].set(1 - points[..., 1])
