"""The starts that a learned initialization is compared with (paper, section 4).

They separate what a start *shows* from where it *lies* in weight space: Mean shows the mean
signal, Matched shows what the learned start shows, Shuffled has its weights in another order.
"""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from theta0.chunks import predict
from theta0.fields import Field, FieldConfig, Frozen
from theta0.fit import InnerConfig, fit
from theta0.forward import ForwardMap
from theta0.tasks import Observation


def standard(config: FieldConfig, key: Array) -> Field:
    """The network's usual random initialization."""
    return config.build(key)


def mean(
    config: FieldConfig,
    forward: ForwardMap,
    signal: Observation,
    adam: InnerConfig,
    key: Array,
) -> Field:
    """Random weights fitted to show the mean signal of the class."""
    return fit(forward, config.build(key), signal, adam.build(), key).field


def matched(
    learned: Field,
    config: FieldConfig,
    places: Any,
    adam: InnerConfig,
    key: Array,
    forward: ForwardMap,
) -> Field:
    """Other random weights fitted to show exactly what the learned start shows at ``places``."""
    shown = Observation(places, predict(forward, learned, places))
    return mean(config, forward, shown, adam, key)


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
