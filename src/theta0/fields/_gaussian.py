"""Gaussian activations, ``exp(-z^2 / (2 a^2))``.

Ramasinghe and Lucey 2022, "Beyond periodicity: towards a unifying framework for activations in
coordinate-MLPs"; width and initialization as in their code.
"""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp

from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, check_sizes
from ._linear import Linear, dense_layers, fan_in_linear, shown


@FIELDS.register("gaussian")
@dataclass(frozen=True)
class Gaussian(NetworkConfig):
    """Gaussian activations (Ramasinghe and Lucey 2022); by default for images.

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
    sigma: float = 0.09
    """standard deviation of the activation, the paper's a; smaller ones show finer detail"""
    output_offset: float = 0.5
    """added to the output"""
    squash: bool = False
    """a logistic function of the output, of slope 1 at its middle 0.5, in place of the offset"""

    def __post_init__(self):
        check_sizes(self, "sigma")

    def build(self, key) -> "GaussianField":
        """A fresh network: weights and biases in U(-1/sqrt(in), 1/sqrt(in)), as the authors'."""
        layers = dense_layers(
            key, self.in_size, self.width, self.layers, self.out_size, fan_in_linear
        )
        return GaussianField(layers, self)


class GaussianField(Field):
    """Network of Gaussian activations; see :class:`Gaussian`."""

    layers: tuple[Linear, ...]
    config: Gaussian = eqx.field(static=True)

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = jnp.exp(-0.5 * (layer(x) / self.config.sigma) ** 2)
        return shown(self.layers[-1](x), self.config.squash, self.config.output_offset)
