"""WIRE: complex Gabor wavelets, ``exp(i w0 z - |s0 z|^2)``, between layers of complex weights.

Saragadam et al. 2023, "WIRE: Wavelet implicit neural representations". With ``z = u + i v`` the
wavelet is ``exp(-w0 v - s0^2 (u^2 + v^2)) (cos(w0 u) + i sin(w0 u))``. Weights and values are kept
as real and imaginary parts: every array is real, as optimizers and files need it.
"""

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.errors import InputError
from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, check_sizes
from ._linear import Linear, fan_in_linear, shown
from ._sine import cosine, sine


@FIELDS.register("wire")
@dataclass(frozen=True)
class Wire(NetworkConfig):
    """WIRE: complex Gabor wavelets (Saragadam et al. 2023); by default the authors' for images.

    The defaults have 133,400 weights.
    """

    in_size: int = 2
    """coordinates of a point"""
    out_size: int = 3
    """channels of the signal"""
    width: int = 256
    """units of a hidden layer of a real network with about as many weights; a hidden layer here has
    width / sqrt(2) complex units"""
    layers: int = 4
    """layers of weights, the output layer counted; at least 2"""
    # Not w0: what suits a sine does not suit a wavelet, and --field takes over what is shared.
    omega0: float = 20.0
    """frequency of the wavelet, the same in every layer; the authors take 4 for denoising"""
    sigma0: float = 30.0
    """how narrow the wavelet is: it falls to 1/e at 1 / sigma0; the authors take 4 for denoising"""
    output_offset: float = 0.5
    """added to the output, so that a fresh network shows about mid-grey"""
    squash: bool = False
    """a logistic function of the output, of slope 1 at its middle 0.5, in place of the offset"""

    def __post_init__(self):
        check_sizes(self, "omega0", "sigma0")
        for name in ("width", "layers"):
            if getattr(self, name) < 2:
                raise InputError(f"{name} is {getattr(self, name)}; give at least 2 for WIRE")

    @property
    def units(self) -> int:
        """Complex units of a hidden layer."""
        return int(self.width / math.sqrt(2))

    def build(self, key) -> "WireField":
        """A fresh network: real and imaginary parts in PyTorch's U(-1/sqrt(in), 1/sqrt(in)).

        ``in`` counts the complex inputs of a layer.
        """
        first_key, *keys, last_key = jax.random.split(key, self.layers)
        first = fan_in_linear(first_key, self.in_size, self.units)
        hidden = tuple(ComplexLinear.fresh(each, self.units, self.units) for each in keys)
        last = ComplexLinear.fresh(last_key, self.units, self.out_size)
        return WireField(first, hidden, last.real_part(), self)


class ComplexLinear(eqx.Module):
    """One layer of complex weights and biases, ``W h + b``, as two real layers.

    Values are stacked: real parts of all units, then imaginary parts.
    """

    real: Linear
    imaginary: Linear

    @classmethod
    def fresh(cls, key: Array, in_size: int, out_size: int) -> "ComplexLinear":
        """Both parts in U(-1/sqrt(in_size), 1/sqrt(in_size))."""
        real_key, imaginary_key = jax.random.split(key)
        return cls(
            fan_in_linear(real_key, in_size, out_size),
            fan_in_linear(imaginary_key, in_size, out_size),
        )

    def real_part(self) -> Linear:
        """The real layer from stacked values to ``Re(W h + b)``."""
        weight = jnp.concatenate([self.real.weight, -self.imaginary.weight], axis=1)
        return Linear(weight, self.real.bias)

    def imaginary_part(self) -> Linear:
        """The real layer from stacked values to ``Im(W h + b)``."""
        weight = jnp.concatenate([self.imaginary.weight, self.real.weight], axis=1)
        return Linear(weight, self.imaginary.bias)

    def __call__(self, h: Float[Array, "in2 *points"]) -> Float[Array, "out2 *points"]:
        return jnp.concatenate([self.real_part()(h), self.imaginary_part()(h)])


class WireField(Field):
    """Wavelets behind a real first layer and complex hidden ones; see :class:`Wire`.

    The output is the real part of a complex layer, so its imaginary bias is left out, and its
    weights stand side by side: ``[Re W, -Im W]``.
    """

    first: Linear
    hidden: tuple[ComplexLinear, ...]
    last: Linear
    config: Wire = eqx.field(static=True)

    def __call__(self, x):
        real = self.first(x)
        h = self._wavelet(real, jnp.zeros_like(real))
        for layer in self.hidden:
            h = self._wavelet(*jnp.split(layer(h), 2))
        return shown(self.last(h), self.config.squash, self.config.output_offset)

    def _wavelet(
        self, u: Float[Array, "units *points"], v: Float[Array, "units *points"]
    ) -> Float[Array, "units2 *points"]:
        """The wavelet of ``u + i v``, stacked."""
        omega, sigma = self.config.omega0, self.config.sigma0
        size = jnp.exp(-omega * v - sigma**2 * (u**2 + v**2))
        return jnp.concatenate([size * cosine(omega * u), size * sine(omega * u)])
