"""Fourier-feature network: a ReLU MLP on ``sin(x B), cos(x B)`` (Tancik et al. 2020)."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.registry import FIELDS

from ._base import Field, Frozen, NetworkConfig, check_sizes
from ._linear import Linear, dense_layers, product, relu_layers, truncated_normal_linear
from ._sine import cosine, sine


@FIELDS.register("fourier")
@dataclass(frozen=True)
class Fourier(NetworkConfig):
    """Random Fourier features and a ReLU MLP (Tancik et al. 2020); by default the paper's for CT.

    The defaults have 328,961 weights.
    """

    in_size: int = 2
    """coordinates of a point"""
    out_size: int = 1
    """channels of the signal"""
    width: int = 256
    """units of a hidden layer"""
    layers: int = 5
    """layers of weights, the output layer counted"""
    features: int = 256
    """random frequencies; the network sees a sine and a cosine of each"""
    bandwidth: float = 30.0
    """standard deviation of the frequencies, in radians per unit (no factor 2 pi)"""

    def __post_init__(self):
        check_sizes(self, "features", "bandwidth", inputs=2 * self.features)

    def build(self, key) -> "FourierField":
        """A fresh network with frequencies B ~ N(0, bandwidth^2), fixed from then on."""
        frequency_key, key = jax.random.split(key)
        frequencies = self.bandwidth * jax.random.normal(
            frequency_key, (self.features, self.in_size)
        )
        layers = dense_layers(
            key, 2 * self.features, self.width, self.layers, self.out_size, truncated_normal_linear
        )
        return FourierField(layers, Frozen(frequencies), self)


class FourierField(Field):
    """Random Fourier features, ReLU layers, a sigmoid at the end; see :class:`Fourier`."""

    layers: tuple[Linear, ...]
    frequencies: Frozen
    config: Fourier = eqx.field(static=True)

    def encode(self, x: Float[Array, "d *points"]) -> Float[Array, "features2 *points"]:
        """Sines, then cosines, of the projections on every frequency."""
        phases = product(self.frequencies(), x)
        return jnp.concatenate([sine(phases), cosine(phases)])

    def __call__(self, x):
        return jax.nn.sigmoid(relu_layers(self.layers, self.encode(x)))
