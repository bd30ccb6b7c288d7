"""The mean of two fields, one of which sees the signal mirrored (flip test-time augmentation)."""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError
from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, config_of


@FIELDS.register("flip-average")
@dataclass(frozen=True)
class FlipAverage(NetworkConfig):
    """Two copies of a network on the unit square, which see the signal as it is and mirrored."""

    field: NetworkConfig
    """each of them"""

    def __post_init__(self):
        if self.in_size != 2:
            raise InputError(
                f"flip averaging needs a signal on a plane, but the network has {self.in_size} "
                "inputs; leave it out"
            )

    @property
    def in_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Coordinates of a point."""
        return self.field.in_size

    @property
    def out_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Channels of the signal."""
        return self.field.out_size

    def build(self, key) -> "FlipAverageField":
        """The same fresh network twice."""
        field = self.field.build(key)
        return FlipAverageField(field, field, self)


class FlipAverageField(Field):
    """The mean of two fields, the second of which sees left and right exchanged."""

    upright: Field
    flipped: Field
    config: FlipAverage = eqx.field(static=True)

    def __call__(self, x):
        return (self.upright(x) + self.flipped(flip(x.T).T)) / 2

    def for_size(self, size: int) -> "FlipAverageField":
        """Of both copies what they say."""
        upright, flipped = (part.for_size(size) for part in (self.upright, self.flipped))
        return FlipAverageField(upright, flipped, FlipAverage(config_of(upright)))


def flip(points: Float[Array | np.ndarray, "*points 2"]) -> Float[Array, "*points 2"]:
    """Points (row, column) of the unit square with left and right exchanged."""
    points = jnp.asarray(points)
    return points.at[..., 1].set(1 - points[..., 1])
