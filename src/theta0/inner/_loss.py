"""The data term of every fit and its derivatives, chunk by chunk.

The loss is the mean squared error over observations and channels (paper, equation 2, divided by
the number of values as in the authors' code), or Huber's.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.fields import Field
from theta0.forward import Chunks, ForwardMap, Observation, chunk_size, cut, sum_over


def loss_and_gradient(
    forward: ForwardMap,
    field: Field,
    observation: Observation,
    key: Array | None = None,
    chunk: int | None = None,
    huber: float = 0.0,
) -> tuple[Float[Array, ""], Field]:
    """Mean squared error of the field's predictions, and its gradient.

    Costs 3 units (one unit: the products of one forward pass) and the activations of one chunk.
    Its own derivative, which MAML needs, is a Hessian-vector product computed from the same
    arguments, 8 units and again one chunk of memory; no activation outlives its chunk, so the
    memory of MAML does not depend on the number of inner steps. It is differentiable with
    respect to the field only.

    Args:
        forward: how the signal is measured.
        field: the network.
        observation: n pairs (p, y).
        key: randomness of the forward map; None makes it deterministic.
        chunk: field evaluations at once; default :func:`theta0.forward.chunk_size`.
        huber: threshold beyond which errors count linearly, with the same slope there (twice
            Huber's loss, Huber 1964); 0: all errors squared.

    Returns:
        The loss, and its gradient as a pytree like ``field``.
    """
    params, static = eqx.partition(field, eqx.is_inexact_array)

    def chunk_loss(params, chunk: Chunks):
        return _chunk_loss(forward, eqx.combine(params, static), chunk, huber)

    @jax.custom_vjp
    def total(params, chunks):
        return sum_over(lambda chunk: jax.value_and_grad(chunk_loss)(params, chunk), chunks)

    def total_fwd(params, chunks):
        return total(params, chunks), (params, chunks)

    def total_bwd(residuals, cotangents):
        params, chunks = residuals
        loss_bar, direction = cotangents

        def slope(params, chunk):
            # d/d epsilon of L(theta + epsilon v): its gradient is the Hessian product H v.
            loss, along = jax.jvp(lambda q: chunk_loss(q, chunk), (params,), (direction,))
            return loss_bar * loss + along

        return sum_over(lambda chunk: jax.grad(slope)(params, chunk), chunks), None

    total.defvjp(total_fwd, total_bwd)
    limit = chunk_size(forward, field) if chunk is None else chunk
    loss, gradient = total(params, cut(observation, key, forward.samples, limit))
    return loss, eqx.combine(gradient, static)


def loss_alone(
    forward: ForwardMap,
    field: Field,
    observation: Observation,
    key: Array | None = None,
    huber: float = 0.0,
) -> Float[Array, ""]:
    """The loss of :func:`loss_and_gradient`, at one unit and one chunk of memory."""
    chunks = cut(observation, key, forward.samples, chunk_size(forward, field))
    return sum_over(lambda chunk: _chunk_loss(forward, field, chunk, huber), chunks)


def _chunk_loss(forward: ForwardMap, field: Field, chunk: Chunks, huber: float) -> Float[Array, ""]:
    """The share of one chunk in the loss."""
    prediction = forward(field, chunk.observation.p, chunk.keys)
    errors = _penalized(prediction - chunk.observation.y, huber)
    return jnp.sum(chunk.weight * jnp.mean(errors, axis=1))


def _penalized(error: Float[Array, "n c"], huber: float) -> Float[Array, "n c"]:
    """Squared errors, beyond ``huber`` their tangents."""
    if not huber:
        return error**2
    # min(e^2, h^2) + 2 h max(|e| - h, 0): no branch whose gradient could be NaN.
    inner = jnp.clip(error, -huber, huber)
    return inner**2 + 2 * huber * jnp.abs(error - inner)


class Linearized(NamedTuple):
    """Errors of a field's predictions, and products with their Jacobian ``J`` (n c, weights)."""

    errors: Float[Array, "n c"]
    """prediction minus measurement"""
    push: Callable[[Field], Float[Array, "n c"]]
    """``J v`` of a direction ``v`` like the field"""
    pull: Callable[[Float[Array, "n c"]], Field]
    """``J^T u``"""


def linearized(
    forward: ForwardMap, field: Field, observation: Observation, key: Array | None = None
) -> Linearized:
    """The errors of a field and their Jacobian products, for rules of second order.

    The activations of all observations are in memory at once.
    """
    params, static = eqx.partition(field, eqx.is_inexact_array)
    errors, push = jax.linearize(
        lambda params: forward(eqx.combine(params, static), observation.p, key) - observation.y,
        params,
    )
    transpose = jax.linear_transpose(push, params)
    return Linearized(
        errors,
        lambda direction: push(eqx.filter(direction, eqx.is_inexact_array)),
        lambda cotangent: eqx.combine(transpose(cotangent)[0], static),
    )
