"""Observations in chunks: points are independent, so their sums are sums over small pieces.

The activations of one piece are all that is in memory at a time, whatever the size of a signal.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.fields import Field, weights
from theta0.memory import MAX_BYTES, check_memory

from ._base import ForwardMap, Observation
from ._volume import Rays


def points_per_chunk(field: Field) -> int:
    """Evaluations of a field whose activations are kept at once; a property of the backend.

    On a CPU 1 MB of activations a layer stays in the second-level cache, which is where products
    reach their peak: 1024 points 256 wide. Narrow networks get up to four times as many, as their
    products are too small for two threads otherwise.
    An accelerator wants as many as fit. THETA0_CHUNK overrides it.
    """
    if "THETA0_CHUNK" in os.environ:
        return int(os.environ["THETA0_CHUNK"])
    if jax.default_backend() != "cpu":
        return 1 << 18
    width = max((min(leaf.shape) for leaf in weights(field) if leaf.ndim == 2), default=256)
    return max(1024, min(4096, (1 << 18) // width))


def chunk_size(forward: ForwardMap, field: Field) -> int:
    """Evaluations of a field at once: a chunk of points, or one observation if it takes more.

    Raises:
        InputError: the samples of one observation would not fit into memory.
    """
    chunk, samples = points_per_chunk(field), forward.samples
    if samples > chunk:
        needed = bytes_of_samples(samples, field)
        check_memory(f"samples is {samples}", needed, MAX_BYTES, "choose fewer samples per ray")
    return chunk


def bytes_of_samples(samples: int, field: Field) -> int:
    """What evaluations of a field, or of one that is not made yet, take with their gradients."""
    # Leaves, not weights: of a field that is not made yet there are only shapes.
    layers = [leaf for leaf in jax.tree.leaves(field) if getattr(leaf, "ndim", 0) == 2]
    units = sum(max(layer.shape) for layer in layers)
    # Single precision: what each unit says, its derivative and what is at work; the sample.
    return 4 * samples * (3 * units + 32)


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
    """Predictions of a field at ``p``, compiled; deterministic.

    Rays that meet nothing come last, so that there are whole chunks of them, which cost nothing.
    """
    n = jax.tree.leaves(p)[0].shape[0]
    order = jnp.argsort(~p.meets) if isinstance(p, Rays) else None
    if order is not None:
        p = jax.tree.map(lambda leaf: leaf[order], p)
    nothing = Observation(p, jnp.zeros((n, 0)))
    chunks = cut(nothing, None, forward.samples, chunk_size(forward, field))
    values = jax.lax.map(lambda chunk: forward(field, chunk.observation.p), chunks)
    values = values.reshape(-1, values.shape[-1])[:n]
    return values if order is None else jnp.zeros_like(values).at[order].set(values)


_CHUNKS_A_BLOCK = 16


def predict_in_blocks(forward: ForwardMap, field: Field, p: Any) -> Float[np.ndarray, "n c"]:
    """As :func:`predict`, but for any number of observations by one compiled program.

    They go to the device in blocks of one size, so memory does not grow with their number. The last
    block is filled up with zeros, rays of which meet nothing and cost nothing.
    """
    n = jax.tree.leaves(p)[0].shape[0]
    size = _CHUNKS_A_BLOCK * max(1, chunk_size(forward, field) // forward.samples)

    def block(leaf: np.ndarray, first: int) -> np.ndarray:
        part = np.asarray(leaf[first : first + size])
        return np.pad(part, [(0, size - len(part)), *[(0, 0)] * (part.ndim - 1)])

    values = [
        np.asarray(predict(forward, field, jax.tree.map(lambda leaf, at=first: block(leaf, at), p)))
        for first in range(0, n, size)
    ]
    return np.concatenate(values)[:n]
