"""Parts of pytrees that the checks compare."""

from typing import Any

import equinox as eqx
import jax

from theta0.fields import Frozen


def inexact(tree: Any) -> Any:
    """The tree with its inexact arrays, None in place of all else."""
    return eqx.filter(tree, eqx.is_inexact_array)


def arrays(tree: Any) -> Any:
    """The tree with its arrays, None in place of all else."""
    return eqx.filter(tree, eqx.is_array)


def shapes(tree: Any) -> Any:
    """The structure of a tree, and the shapes and types of its arrays."""
    leaves = jax.tree.leaves(arrays(tree))
    return jax.tree.structure(tree), [(leaf.shape, leaf.dtype) for leaf in leaves]


def is_frozen(node: Any) -> bool:
    """Whether a node holds an array that is not trained."""
    return isinstance(node, Frozen)


def frozen(tree: Any) -> list[Any]:
    """The arrays of a tree that are not trained."""
    leaves = jax.tree.leaves(tree, is_leaf=is_frozen)
    return [leaf.value for leaf in leaves if is_frozen(leaf)]
