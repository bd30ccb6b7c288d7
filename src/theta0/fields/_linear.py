"""The layer of weights that every coordinate network is made of.

Points lie along the *trailing* axis: a layer maps ``(in, points)`` to ``(out, points)``. Measured
on SIREN 5x256 with 2048 points on an AVX-512 machine this reaches 0.86 of the matrix-product
rate for a gradient, against 0.74 with points leading (what ``jax.vmap`` of a one-point network
compiles to), because the weight gradient is then a product of two row-major operands.
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def _plain(weight, x):
    """The product over the leading axis of ``x``, where ``@`` would take the last but one."""
    return jax.lax.dot_general(weight, x, (((1,), (0,)), ((), ())))


@jax.custom_jvp
def product(weight: Float[Array, "out in"], x: Float[Array, "in *points"]):
    """``weight @ x`` over the leading axis; its derivative's transpose runs at full speed.

    The textbook transpose of ``W dx`` is ``W^T g`` with the contraction over the leading axis of
    W, for which XLA's CPU kernel needs a third more time. Writing the tangent with a
    materialized ``W^T`` makes the transpose contract over its trailing axis instead; the barrier
    keeps the compiler from folding the two back together.
    """
    return _plain(weight, x)


@product.defjvp
def _product_jvp(primals, tangents):
    weight, x = primals
    weight_dot, x_dot = tangents
    return product(weight, x), product(weight_dot, x) + _input_tangent(weight, x_dot)


@jax.custom_jvp
def _input_tangent(weight, x_dot):
    """``product``, slower to run and faster to transpose."""
    transposed = jax.lax.optimization_barrier(weight.T)
    return jax.lax.dot_general(transposed, x_dot, (((0,), (0,)), ((), ())))


@_input_tangent.defjvp
def _input_tangent_jvp(primals, tangents):
    # Reached when a Hessian product differentiates the tangent: here the value itself is run.
    weight, x_dot = primals
    weight_dot, x_dot_dot = tangents
    return _plain(weight, x_dot), product(weight_dot, x_dot) + _input_tangent(weight, x_dot_dot)


class Linear(eqx.Module):
    """Weights and biases of one layer: ``W x + b``."""

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]

    def __call__(self, x: Float[Array, "in *points"]) -> Float[Array, "out *points"]:
        bias = self.bias.reshape(self.bias.shape + (1,) * (x.ndim - 1))
        return product(self.weight, x) + bias


def uniform_linear(key, in_size: int, out_size: int, bound: float, bias_bound: float) -> Linear:
    """A layer with weights in U(-bound, bound) and biases in U(-bias_bound, bias_bound)."""
    weight_key, bias_key = jax.random.split(key)
    weight = jax.random.uniform(weight_key, (out_size, in_size), minval=-bound, maxval=bound)
    if bias_bound == 0:
        return Linear(weight, jnp.zeros(out_size))
    bias = jax.random.uniform(bias_key, (out_size,), minval=-bias_bound, maxval=bias_bound)
    return Linear(weight, bias)


def sine_bound(in_size: int, w0: float | None) -> float:
    """Largest weight of a fresh layer between sines of frequency factor ``w0`` (Sitzmann et al.
    2020, section 3.2); None: of the first layer, behind the coordinates."""
    return 1 / in_size if w0 is None else math.sqrt(6 / in_size) / w0


def fan_in_linear(key, in_size: int, out_size: int) -> Linear:
    """PyTorch's initialization: weights and biases in U(-1/sqrt(in), 1/sqrt(in))."""
    bound = in_size**-0.5
    return uniform_linear(key, in_size, out_size, bound, bound)


def truncated_normal_linear(key, in_size: int, out_size: int) -> Linear:
    """LeCun's initialization: truncated normal weights of variance 1/in, biases 0."""
    # 0.8796: the standard deviation of a unit normal truncated at +-2.
    scale = 1 / (in_size**0.5 * 0.87962566103423978)
    weight = scale * jax.random.truncated_normal(key, -2, 2, (out_size, in_size))
    return Linear(weight, jnp.zeros(out_size))


def normal_linear(key, in_size: int, out_size: int) -> Linear:
    """He's initialization for ReLU: normal weights of variance 2/in, biases 0 (He et al. 2015)."""
    scale = (2 / in_size) ** 0.5
    return Linear(scale * jax.random.normal(key, (out_size, in_size)), jnp.zeros(out_size))


def dense_layers(
    key, inputs: int, width: int, layers: int, outputs: int, make: Callable[..., Linear]
) -> tuple[Linear, ...]:
    """So many layers, the hidden ones ``width`` wide, each by ``make(key, in_size, out_size)``."""
    sizes = [inputs, *[width] * (layers - 1), outputs]
    keys = jax.random.split(key, layers)
    return tuple(make(keys[i], sizes[i], sizes[i + 1]) for i in range(layers))


def relu_layers(layers: tuple[Linear, ...], x: Float[Array, "in *points"]):
    """What the last layer says, after a ReLU behind each of the others."""
    for layer in layers[:-1]:
        x = jax.nn.relu(layer(x))
    return layers[-1](x)


def shown(x: Float[Array, "c *points"], squash: bool, offset: float):
    """Values of the last layer as a signal: squashed to (0, 1) with slope 1 at 0.5, or shifted."""
    return jax.nn.sigmoid(4 * x) if squash else x + offset
