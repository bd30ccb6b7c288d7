"""What every field, forward map and meta-gradient must do, as functions that plug-ins can call.

A plug-in's test is one line, ``check_forward(MyMap(), p, field)``. Each check raises
``AssertionError`` naming the property that fails. Derivatives are compared in float64 with the
five-point difference ``(8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h``, whose error is of order
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
from jaxtyping import Array, Float

from theta0.fields import Field, Frozen, weights
from theta0.forward import ForwardMap
from theta0.meta import MetaGradient
from theta0.tasks import Task

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
    leaves, structure = jax.tree.flatten(eqx.filter(tree, eqx.is_inexact_array))
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal(leaf.shape) for leaf in leaves]
    norm = np.sqrt(sum(np.sum(part**2) for part in parts))
    return jax.tree.unflatten(structure, [jnp.asarray(part / norm) for part in parts])


def inner_product(a: Any, b: Any) -> float:
    """Sum of the products of the inexact arrays of two equal trees."""
    products = jax.tree.map(lambda x, y: jnp.sum(x * y), *(_inexact(tree) for tree in (a, b)))
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
    size = sum(leaf.size for leaf in jax.tree.leaves(_inexact(at)))
    typical = (inner_product(gradient, gradient) / size) ** 0.5
    shifted = _shifted(function, at)
    for seed in (0, 1):
        along = random_direction(at, seed)
        expected = _difference(shifted, along)
        found = inner_product(gradient, along)
        error, allowed = abs(found - expected), rtol * max(abs(expected), typical)
        assert error <= allowed, f"gradient: {found} along a direction, differences say {expected}"


def check_field(field: Field, points: Float[Array | np.ndarray, "n d"], rtol: float = 1e-5) -> None:
    """Check a coordinate network.

    One point, points along trailing axes and ``jax.vmap`` agree; values are finite; there are
    weights, and the gradient with respect to them matches finite differences.

    Args:
        field: the network.
        points: a few places where it is defined, an even number.
        rtol: see :func:`check_gradient`.
    """
    x = jnp.asarray(points).T

    @eqx.filter_jit
    def layouts(field, x):
        one_by_one = jnp.stack([field(column) for column in x.T], axis=1)
        two_axes = field(x.reshape(len(x), 2, -1))
        two_axes = two_axes.reshape(len(two_axes), -1)
        return one_by_one, field(x), two_axes, jax.vmap(field, 1, 1)(x)

    one_by_one, *others = layouts(field, x)
    assert one_by_one.ndim == 2, f"field(x) of one point has shape {one_by_one.shape[::2]}"
    assert np.isfinite(one_by_one).all(), "field: values are not finite"
    # Not bit for bit: sums run in another order, and high frequencies amplify the rounding.
    allowed = 1e-4 * float(jnp.abs(one_by_one).max()) + 1e-30
    names = "points along a trailing axis", "points along two trailing axes", "jax.vmap", "no jit"
    for name, values in zip(names, [*others, field(x)], strict=True):
        error = float(jnp.abs(values - one_by_one).max())
        assert error <= allowed, f"field: {name} differs by {error} from one point at a time"
    assert weights(field), "field: has no weights"
    with float64():
        wide, x64 = to_float64(field), jnp.asarray(points, jnp.float64).T
        mixture = np.random.default_rng(2).standard_normal(one_by_one.shape)
        value = lambda field: jnp.sum(mixture * field(x64))
        gradient = eqx.filter_jit(eqx.filter_grad(value))(wide)
        check_gradient(_frozen_as_is(value, wide), wide, gradient, rtol)


def check_forward(forward: ForwardMap, p: Any, field: Field, rtol: float = 1e-5) -> None:
    """Check a forward map.

    Predictions are (n, c), finite, a pure function of their arguments, and each depends on its
    own observation only; the map works under ``jax.jit`` and ``jax.vmap`` over tasks and over
    fields; gradients with respect to the weights match finite differences.

    Args:
        forward: the map.
        p: where at least three observations are made; arrays with observations leading.
        field: a network it can measure.
        rtol: see :func:`check_gradient`.
    """
    n = len(jax.tree.leaves(p)[0])
    assert n >= 3, "give at least three observations"
    assert hash(forward) == hash(forward) and forward.samples >= 1
    prediction = np.asarray(forward(field, p))
    shape_is = f"forward: predictions have shape {prediction.shape} for {n} observations"
    assert prediction.ndim == 2 and len(prediction) == n, shape_is
    assert np.isfinite(prediction).all(), "forward: predictions are not finite"
    assert np.array_equal(prediction, forward(field, p)), "forward: not deterministic without key"

    key = jax.random.PRNGKey(7)
    compiled = eqx.filter_jit(forward)
    drawn = np.asarray(compiled(field, p, key))
    assert drawn.shape == prediction.shape, "forward: another shape with a key"
    assert np.isfinite(drawn).all(), "forward: predictions with a key are not finite"
    assert np.array_equal(drawn, compiled(field, p, key)), "forward: one key, two predictions"

    order = np.random.default_rng(0).permutation(n)
    allowed = 1e-4 * float(np.abs(prediction).max()) + 1e-30

    def same(got, rows, name):
        error = float(np.abs(np.asarray(got) - rows).max())
        assert error <= allowed, f"forward: {name} changes predictions by {error}"

    def pick(rows):
        return jax.tree.map(lambda leaf: jnp.asarray(leaf)[rows], p)

    same(compiled(field, p), prediction, "jax.jit")
    same(compiled(field, pick(order)), prediction[order], "the order of observations")
    same(compiled(field, pick(slice(2))), prediction[:2], "the presence of other observations")

    pair = jax.tree.map(lambda a, b: jnp.stack([a, b]), pick(slice(None)), pick(order))
    params, static = eqx.partition(field, eqx.is_inexact_array)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), params)

    @jax.jit
    def mapped(params, p):
        one = lambda params, p: forward(eqx.combine(params, static), p)
        return jax.vmap(one, (None, 0))(params, p), jax.vmap(one)(twice, p)

    for name, values in zip(("tasks", "fields"), mapped(params, pair), strict=True):
        same(values, np.stack([prediction, prediction[order]]), f"jax.vmap over {name}")

    with float64():
        wide, places = to_float64(field), to_float64(p)
        mixture = np.random.default_rng(1).standard_normal(prediction.shape)
        value = lambda field: jnp.sum(mixture * forward(field, places))
        gradient = eqx.filter_jit(eqx.filter_grad(value))(wide)
        finite = [bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(_inexact(gradient))]
        assert all(finite), "forward: a gradient is not finite"
        check_gradient(_frozen_as_is(value, wide), wide, gradient, rtol)


def check_meta_gradient(
    estimator: MetaGradient, forward: ForwardMap, field: Field, tasks: Task
) -> None:
    """Check a meta-gradient.

    The loss is a finite scalar and the direction a finite tree like the field, the same for the
    same key; a batch gives the mean of its tasks taken one by one.

    Args:
        estimator: the meta-learner with its inner loop.
        forward: how the tasks are measured.
        field: an initialization.
        tasks: at least two, stacked.
    """
    key = jax.random.PRNGKey(11)
    run = eqx.filter_jit(estimator)
    loss, direction = run(forward, field, tasks, key)
    assert loss.shape == () and np.isfinite(loss), f"loss: {loss} is not a finite scalar"
    assert jax.tree.structure(direction) == jax.tree.structure(field), "direction: not like field"
    for leaf, like in zip(weights(direction), weights(field), strict=True):
        assert (leaf.shape, leaf.dtype) == (like.shape, like.dtype), f"direction: {leaf.shape}"
        assert np.isfinite(leaf).all(), "direction: not finite"
    again = run(forward, field, tasks, key)
    assert bool(eqx.tree_equal((loss, direction), again)), "one key, two results"

    count = tasks.support.y.shape[0]
    keys = jax.random.split(key, count)
    one = eqx.filter_jit(estimator.task_gradient)
    parts = [
        one(forward, field, jax.tree.map(lambda leaf: leaf[i], tasks), keys[i])  # noqa: B023
        for i in range(count)
    ]
    np.testing.assert_allclose(
        loss, np.mean([part[0] for part in parts]), rtol=1e-4, err_msg="loss: not the tasks' mean"
    )
    rows = [weights(part[1]) for part in parts]
    for found, *alone in zip(weights(direction), *rows, strict=True):
        mean = np.mean(alone, axis=0)
        np.testing.assert_allclose(
            found, mean, rtol=1e-3, atol=1e-4 * float(np.abs(mean).max()) + 1e-12,
            err_msg="direction: not the mean of the tasks",
        )  # fmt: skip


def _inexact(tree: Any) -> Any:
    return eqx.filter(tree, eqx.is_inexact_array)


def _frozen_as_is(function: Callable[[Field], Any], at: Field) -> Callable[[Field], Any]:
    """The function with frozen arrays kept at their values, as its gradient has it."""
    is_frozen = lambda node: isinstance(node, Frozen)
    frozen, _ = eqx.partition(at, is_frozen, is_leaf=is_frozen)

    def of_weights(field):
        _, rest = eqx.partition(field, is_frozen, is_leaf=is_frozen)
        return function(eqx.combine(frozen, rest, is_leaf=is_frozen))

    return of_weights
