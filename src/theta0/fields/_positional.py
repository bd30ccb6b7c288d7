"""Positional-encoding network: a ReLU MLP to colour and density (Mildenhall et al. 2020)."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, check_sizes
from ._linear import Linear, dense_layers, relu_layers, truncated_normal_linear
from ._sine import cosine, sine


@FIELDS.register("positional")
@dataclass(frozen=True)
class Positional(NetworkConfig):
    """A simplified NeRF (Mildenhall et al. 2020): colour and density; by default the paper's.

    The defaults have 295,172 weights.
    """

    in_size: int = 3
    """coordinates of a point"""
    out_size: int = 4
    """red, green, blue in [0, 1] after a sigmoid, and the density before its activation"""
    width: int = 256
    """units of a hidden layer"""
    layers: int = 6
    """layers of weights, the output layer counted"""
    bands: int = 20
    """octave bands of the encoding, evenly spaced exponents from 0 to max_exponent"""
    max_exponent: float = 8.0
    """the highest band is 2**max_exponent radians per unit"""

    def __post_init__(self):
        check_sizes(self, "bands", inputs=2 * self.in_size * self.bands)

    def build(self, key) -> "PositionalField":
        """A fresh network with LeCun's initialization."""
        inputs = 2 * self.in_size * self.bands
        layers = dense_layers(
            key, inputs, self.width, self.layers, self.out_size, truncated_normal_linear
        )
        return PositionalField(layers, self)


class PositionalField(Field):
    """Encoding ``sin, cos(x 2^k)``, ReLU layers, sigmoid colours; see :class:`Positional`.

    The last channel is the density *before* its activation: which activation (ReLU, softplus)
    is a property of how the field is rendered, :class:`theta0.forward.Volume`.
    """

    layers: tuple[Linear, ...]
    config: Positional = eqx.field(static=True)

    def encode(self, x: Float[Array, "d *points"]) -> Float[Array, "inputs *points"]:
        """All sines, then all cosines, of the coordinates times every band."""
        bands = 2.0 ** jnp.linspace(0.0, self.config.max_exponent, self.config.bands)
        bands = bands.astype(x.dtype).reshape(-1, *[1] * x.ndim)
        phases = (bands * x).reshape(-1, *x.shape[1:])
        return jnp.concatenate([sine(phases), cosine(phases)])

    def __call__(self, x):
        out = relu_layers(self.layers, self.encode(x))
        return jnp.concatenate([jax.nn.sigmoid(out[:-1]), out[-1:]])
