"""FINER: sine activations of variable period, ``sin(w0 (|z| + 1) z)`` (Liu et al. 2024)."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.errors import require_positive
from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, check_sizes
from ._linear import Linear, shown, sine_bound, uniform_linear
from ._sine import sine


@FIELDS.register("finer")
@dataclass(frozen=True)
class Finer(NetworkConfig):
    """FINER: sines that are faster farther from 0 (Liu et al. 2024); by default for images.

    The defaults have 198,915 weights.
    """

    in_size: int = 2
    """coordinates of a point"""
    out_size: int = 3
    """channels of the signal"""
    width: int = 256
    """units of a hidden layer"""
    layers: int = 5
    """layers of weights, the output layer counted"""
    w0: float = 30.0
    """frequency factor, the same in every layer"""
    first_bias: float | None = None
    """biases of the first layer are uniform in plus or minus this, the paper's k: larger ones reach
    higher frequencies [1 / sqrt(in_size)]"""
    output_offset: float = 0.5
    """added to the output, so that a fresh network shows mid-grey"""
    squash: bool = False
    """a logistic function of the output, of slope 1 at its middle 0.5, in place of the offset"""

    def __post_init__(self):
        check_sizes(self, "w0")
        require_positive(self, "first_bias")

    def build(self, key) -> "FinerField":
        """A fresh network: W ~ U(-1/in, 1/in) and b ~ U(-k, k) first, U(-sqrt(6/in)/w0, +) and
        U(-1/sqrt(in), +) after, as in the authors' code."""
        sizes = [self.in_size, *[self.width] * (self.layers - 1), self.out_size]
        layers = []
        for i, layer_key in enumerate(jax.random.split(key, self.layers)):
            bound = sine_bound(sizes[i], None if i == 0 else self.w0)
            bias_bound = self.first_bias if i == 0 and self.first_bias else sizes[i] ** -0.5
            layers.append(uniform_linear(layer_key, sizes[i], sizes[i + 1], bound, bias_bound))
        return FinerField(tuple(layers), self)


class FinerField(Field):
    """Sine network of variable period; see :class:`Finer`.

    Derivatives are those of ``sin(w0 (|z| + 1) z)``. The authors' code by default takes ``|z| + 1``
    for a constant when it differentiates, which is not the gradient of the loss.
    """

    layers: tuple[Linear, ...]
    config: Finer = eqx.field(static=True)

    def __call__(self, x):
        for layer in self.layers[:-1]:
            z = layer(x)
            x = sine(self.config.w0 * (jnp.abs(z) + 1) * z)
        return shown(self.layers[-1](x), self.config.squash, self.config.output_offset)
