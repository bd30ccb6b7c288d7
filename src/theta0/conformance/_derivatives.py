"""Derivatives in float64 against finite differences.

The five-point difference ``(8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h`` has an error of order
``h^4``: with h = 1e-6 both truncation and rounding stay below 1e-8 of a well-scaled derivative,
even for sine networks, whose third derivatives are large.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from theta0.fields import Field

from ._trees import inexact, is_frozen

STEP = 1e-6
"""Step of the finite differences along a direction of norm 1."""


@contextmanager
def float64() -> Iterator[None]:
    """Within it, JAX computes in double precision."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def to_float64(tree: Any) -> Any:
    """The tree with its inexact arrays in double precision; call it within :func:`float64`."""
    cast = lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array_like(leaf) else leaf
    arrays, static = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.tree.map(cast, arrays), static)


def random_direction(tree: Any, seed: int) -> Any:
    """A random direction of norm 1 in the space of a tree's inexact arrays."""
    leaves, structure = jax.tree.flatten(inexact(tree))
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal(leaf.shape) for leaf in leaves]
    norm = np.sqrt(sum(np.sum(part**2) for part in parts))
    return jax.tree.unflatten(structure, [jnp.asarray(part / norm) for part in parts])


def inner_product(a: Any, b: Any) -> float:
    """Sum of the products of the inexact arrays of two equal trees."""
    products = jax.tree.map(lambda x, y: jnp.sum(x * y), *(inexact(tree) for tree in (a, b)))
    return float(sum(jax.tree.leaves(products)))


def _shifted(function: Callable[[Any], Any], at: Any) -> Callable[[Any, Any], Any]:
    """``h, v -> function(at + h v)``, compiled once for all steps and directions."""

    @eqx.filter_jit
    def shifted(step, along):
        return function(eqx.apply_updates(at, jax.tree.map(lambda leaf: step * leaf, along)))

    return shifted


def _difference(shifted: Callable[[Any, Any], Any], along: Any) -> float:
    at = lambda step: float(shifted(jnp.asarray(step), along))
    near, far = (at(h) - at(-h) for h in (STEP, 2 * STEP))
    return (8 * near - far) / (12 * STEP)


def check_gradient(
    function: Callable[[Any], Any], at: Any, gradient: Any, rtol: float = 1e-5
) -> None:
    """Compare a gradient with finite differences along two random directions, in float64.

    Args:
        function: tree -> scalar; run it within :func:`float64`.
        at: where, in double precision.
        gradient: to be judged; like ``at``.
        rtol: allowed error relative to the derivative, or to what a direction typically has.
    """
    size = sum(leaf.size for leaf in jax.tree.leaves(inexact(at)))
    typical = (inner_product(gradient, gradient) / size) ** 0.5
    shifted = _shifted(function, at)
    for seed in (0, 1):
        along = random_direction(at, seed)
        expected = _difference(shifted, along)
        found = inner_product(gradient, along)
        error, allowed = abs(found - expected), rtol * max(abs(expected), typical)
        assert error <= allowed, f"gradient: {found} along a direction, differences say {expected}"


def frozen_as_is(function: Callable[[Field], Any], at: Field) -> Callable[[Field], Any]:
    """The function with frozen arrays kept at their values, as its gradient has it."""
    frozen, _ = eqx.partition(at, is_frozen, is_leaf=is_frozen)

    def of_weights(field):
        _, rest = eqx.partition(field, is_frozen, is_leaf=is_frozen)
        return function(eqx.combine(frozen, rest, is_leaf=is_frozen))

    return of_weights
