"""Observations in chunks: points are independent, so their sums are sums over small pieces.

The activations of one piece are all that is in memory at a time, whatever the size of a signal.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.fields import Field
from theta0.forward import ForwardMap
from theta0.tasks import Observation


def points_per_chunk() -> int:
    """Field evaluations whose activations are kept at once; a property of the backend.

    On a CPU 1024 points keep a 256-wide layer in the second-level cache, which is where products
    reach their peak; an accelerator wants as many as fit. THETA0_CHUNK overrides it.
    """
    if "THETA0_CHUNK" in os.environ:
        return int(os.environ["THETA0_CHUNK"])
    return 1024 if jax.default_backend() == "cpu" else 1 << 18


class Chunks(NamedTuple):
    """Observations cut into equal chunks; ``weight`` is 0 on the padding of the last."""

    observation: Observation
    weight: Float[Array, "chunks n"]
    keys: Array | None


def cut(observation: Observation, key: Array | None, samples: int, chunk: int) -> Chunks:
    """Cut observations of ``samples`` evaluations each into chunks of at most ``chunk``."""
    n = observation.y.shape[0]
    chunks = -(-n * samples // chunk)
    size = -(-n // chunks)
    chunks = -(-n // size)
    padding = chunks * size - n

    def pieces(leaf):
        leaf = jnp.asarray(leaf)
        if padding:
            repeated = jnp.broadcast_to(leaf[:1], (padding, *leaf.shape[1:]))
            leaf = jnp.concatenate([leaf, repeated])
        return leaf.reshape(chunks, size, *leaf.shape[1:])

    weight = (jnp.arange(chunks * size) < n).astype(observation.y.dtype) / n
    keys = None if key is None else jax.random.split(key, chunks)
    return Chunks(jax.tree.map(pieces, observation), weight.reshape(chunks, size), keys)


def sum_over(function: Callable, chunks: Chunks):
    """Sum a function of one chunk over all chunks, one chunk's activations at a time."""
    if chunks.weight.shape[0] == 1:
        return function(jax.tree.map(lambda leaf: leaf[0], chunks))
    zero = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
        jax.eval_shape(function, jax.tree.map(lambda leaf: leaf[0], chunks)),
    )
    add = lambda total, chunk: (jax.tree.map(jnp.add, total, function(chunk)), None)
    return jax.lax.scan(add, zero, chunks)[0]


@eqx.filter_jit
def predict(forward: ForwardMap, field: Field, p: Any) -> Float[Array, "n c"]:
    """Predictions of a field at ``p``, compiled; deterministic."""
    n = jax.tree.leaves(p)[0].shape[0]
    nothing = Observation(p, jnp.zeros((n, 0)))
    chunks = cut(nothing, None, forward.samples, points_per_chunk())
    values = jax.lax.map(lambda chunk: forward(field, chunk.observation.p), chunks)
    return values.reshape(-1, values.shape[-1])[:n]
