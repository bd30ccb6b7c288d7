"""The baseline initializations that a learned one is compared with (paper, section 4).

They separate what an initialization *shows* from where it *lies* in weight space: Mean shows the
mean signal, Matched shows what the learned one shows, Shuffled has its weights in another order.
"""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from theta0.fields import Field, Frozen, NetworkConfig
from theta0.forward import ForwardMap, Observation, predict
from theta0.inner import InnerConfig, fit


def standard(config: NetworkConfig, key: Array) -> Field:
    """The network's usual random initialization."""
    return config.build(key)


def mean(
    config: NetworkConfig,
    forward: ForwardMap,
    signal: Observation,
    how: InnerConfig,
    key: Array,
) -> Field:
    """Random weights fitted to show the mean signal of the class."""
    return fit(forward, config.build(key), how.rule, signal, how.build(), key).field


def matched(
    learned: Field,
    config: NetworkConfig,
    places: Any,
    how: InnerConfig,
    key: Array,
    forward: ForwardMap,
) -> Field:
    """Other random weights fitted to show what the learned ones show at ``places``."""
    shown = Observation(places, predict(forward, learned, places))
    return mean(config, forward, shown, how, key)


def shuffled(learned: Field, key: Array) -> Field:
    """The learned weights in random order inside each array; frozen arrays stay as they are."""
    is_frozen = lambda node: isinstance(node, Frozen)
    leaves, structure = jax.tree.flatten(learned, is_leaf=is_frozen)
    keys = jax.random.split(key, len(leaves))

    def shuffle(leaf, key):
        if not eqx.is_inexact_array(leaf):
            return leaf
        return jax.random.permutation(key, leaf.ravel()).reshape(leaf.shape)

    mixed = [shuffle(leaf, key) for leaf, key in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, mixed)
