"""Learned step sizes: their derivatives, and that equal ones are gradient descent."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.conformance import check_gradient
from theta0.fields import Siren, weights
from theta0.inner import SGD, InnerLoop, LearnedSteps, StepSizes, adapt, loss_and_gradient
from theta0.meta import FOMAML, MAML, Learned, MetaSGD

from .cases import build, learned, one, slow

pytestmark = pytest.mark.usefixtures("quick_compilation")


def sizes_of(pair):
    """The step sizes of a pair of field and rule."""
    assert isinstance(pair.rule, LearnedSteps)
    return pair.rule.step_sizes


def with_step_sizes(field, lr, steps, per):
    """Learned step sizes, each another one: a mistaken place would show."""
    rng = np.random.default_rng(6)
    vary = lambda leaf: leaf * jnp.asarray(rng.uniform(0.5, 1.5, leaf.shape), leaf.dtype)
    return Learned(field, jax.tree.map(vary, StepSizes(lr, per, steps).build(field)))


METASGD = [("layer", 2, 2), ("weight", 2, 2), ("layer", 1, 3), slow("weight", 3, 6)]


@pytest.mark.parametrize("per, own, steps", METASGD)
@pytest.mark.parametrize("first_order", [False, slow(True)])
def test_metasgd_gradient_matches_finite_differences(x64, per, own, steps, first_order):
    # Of the field and of every step size; with 3 own step sizes and 6 steps the last serves four.
    forward, field, tasks, lr = build("points")
    pair, task, key = with_step_sizes(field, lr, own, per), one(tasks), jax.random.PRNGKey(4)
    meta = (FOMAML if first_order else MAML)(steps)
    _, direction = eqx.filter_jit(meta.task_gradient)(forward, pair, task, key)
    params, static = eqx.partition(pair, eqx.is_inexact_array)
    inner_key, outer_key = jax.random.split(key)
    # First order: the inner gradients are those of the fit, whatever is varied.
    _, gradients = jax.lax.scan(
        lambda state, _: descend(forward, pair.rule, state, task.support), (field, 0), None, steps
    )

    def after_adaptation(params):
        field, rule = eqx.combine(params, static)
        if first_order:
            for k in range(steps):
                gradient = jax.tree.map(lambda leaf, k=k: leaf[k], gradients)
                moved = jax.tree.map(lambda a, g: -a * g, rule.at(k), gradient)
                field = eqx.apply_updates(field, moved)
        else:
            field, _ = adapt(forward, field, rule, task.support, meta.loop, inner_key)
        return loss_and_gradient(forward, field, task.query, outer_key)[0]

    check_gradient(after_adaptation, params, eqx.filter(direction, eqx.is_inexact_array), rtol=1e-6)


def descend(forward, rule, state, support):
    """A step by learned step sizes as anyone would write it, and its gradient."""
    field, k = state
    loss = lambda field: jnp.mean((forward(field, support.p) - support.y) ** 2)
    gradient = eqx.filter_grad(loss)(field)
    moved = jax.tree.map(lambda w, a, g: w - a * g, field, rule.at(k), gradient)
    return (moved, k + 1), gradient


@pytest.mark.slow
@pytest.mark.parametrize("per, own, steps", METASGD)
def test_metasgd_equals_a_reimplementation_by_plain_autodiff(x64, per, own, steps):
    forward, field, tasks, lr = build("points")
    pair, task = with_step_sizes(field, lr, own, per), one(tasks)
    initial, static = eqx.partition(field, eqx.is_inexact_array)

    def mse(params, data):
        return jnp.mean((eqx.combine(params, static)(data.p.T).T - data.y) ** 2)

    def outer(params, sizes):
        for k in range(steps):
            mine = jax.tree.map(lambda leaf, k=k: leaf[min(k, own - 1)], sizes)
            gradient = jax.grad(mse)(params, task.support)
            params = jax.tree.map(lambda w, a, g: w - a * g, params, mine, gradient)
        return mse(params, task.query)

    expected = jax.jit(jax.grad(outer, argnums=(0, 1)))(initial, sizes_of(pair))
    _, found = eqx.filter_jit(MAML(steps).task_gradient)(forward, pair, task, jax.random.PRNGKey(4))
    for a, b in zip(weights(found), jax.tree.leaves(expected), strict=True):
        assert np.abs(b).max() > 0
        # Derivatives by step sizes are larger than those by weights: each to its own scale.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * np.abs(b).max())


@pytest.mark.parametrize("own", [1, 2])
def test_equal_step_sizes_are_gradient_descent(x64, key, own):
    forward, field, tasks, lr = build("points")
    support, loop = one(tasks).support, InnerLoop(5)
    rules = StepSizes(lr, "layer", own), SGD(lr)
    found, expected = (
        eqx.filter_jit(adapt)(forward, field, rule.build(field), support, loop, key)[0]
        for rule in rules
    )
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def steps_of(meta):
    """Inner steps for which a meta-learner's rule has step sizes."""
    rule = learned(meta, Siren(width=8, layers=3).build(jax.random.key(0))).rule
    assert isinstance(rule, LearnedSteps)
    return rule.steps


@pytest.mark.slow
def test_metasgd_has_step_sizes_for_each_of_its_inner_steps():
    assert steps_of(MetaSGD(steps=5)) == 5
    shared = MetaSGD(steps=5, rule=StepSizes(0.1, steps=1))
    assert steps_of(shared) == 1
