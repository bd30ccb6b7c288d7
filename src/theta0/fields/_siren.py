"""SIREN: sine activations, ``sin(w0 (W x + b))`` in every hidden layer (Sitzmann et al. 2020)."""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import numpy as np

from theta0.errors import InputError
from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, check_sizes
from ._linear import Linear, shown, sine_bound, uniform_linear
from ._sine import sine


@FIELDS.register("siren")
@dataclass(frozen=True)
class Siren(NetworkConfig):
    """SIREN: sine activations (Sitzmann et al. 2020); by default the paper's for images.

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
    w0: float = 200.0
    """frequency factor, the same in every layer"""
    output_offset: float = 0.5
    """added to the output, so that a fresh network shows mid-grey"""
    squash: bool = False
    """a logistic function of the output, of slope 1 at its middle 0.5, in place of the offset:
    values stay in (0, 1), and edges move where the output crosses 0"""
    layer_w0: tuple[float, ...] = ()
    """frequency factor of each hidden layer, first to last, in place of w0 for all of them"""

    def __post_init__(self):
        check_sizes(self, "w0")
        if self.layer_w0 and len(self.layer_w0) != self.layers - 1:
            raise InputError(
                f"layer_w0 is {self.layer_w0}, but {self.layers} layers have {self.layers - 1} "
                "hidden ones; give one frequency factor for each, or none"
            )
        if not all(value > 0 and np.isfinite(value) for value in self.layer_w0):
            raise InputError(f"layer_w0 is {self.layer_w0}; give finite numbers above 0")

    @property
    def hidden_w0(self) -> tuple[float, ...]:
        """Frequency factor of each hidden layer, first to last."""
        return self.layer_w0 or (self.w0,) * (self.layers - 1)

    @property
    def initial_w0(self) -> tuple[float, ...]:
        """What divides the fresh weights of each layer after the first: the output layer has no
        sine, and takes the last one's frequency factor."""
        return (*self.hidden_w0[1:], *self.hidden_w0[-1:])

    def build(self, key) -> "SirenField":
        """A fresh network: W ~ U(-1/in, 1/in) first, U(-sqrt(6/in)/w0, +) after, biases 0."""
        sizes = [self.in_size, *[self.width] * (self.layers - 1), self.out_size]
        layers = []
        for i, layer_key in enumerate(jax.random.split(key, self.layers)):
            bound = sine_bound(sizes[i], None if i == 0 else self.initial_w0[i - 1])
            layers.append(uniform_linear(layer_key, sizes[i], sizes[i + 1], bound, 0.0))
        return SirenField(tuple(layers), self)


class SirenField(Field):
    """Sine network; see :class:`Siren`."""

    layers: tuple[Linear, ...]
    config: Siren = eqx.field(static=True)

    def __call__(self, x):
        for layer, w0 in zip(self.layers[:-1], self.config.hidden_w0, strict=True):
            x = sine(w0 * layer(x))
        return shown(self.layers[-1](x), self.config.squash, self.config.output_offset)

    def with_w0(self, w0: float) -> "SirenField":
        """What the same random draw would have been with this ``w0`` in every layer."""
        scaled = lambda layer, old: Linear(layer.weight * (old / w0), layer.bias)
        first, rest = self.layers[0], map(scaled, self.layers[1:], self.config.initial_w0)
        return SirenField((first, *rest), replace(self.config, w0=w0, layer_w0=()))
