"""MAML's gradient against finite differences and an independent re-implementation."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.conformance import check_gradient
from theta0.errors import InputError
from theta0.fields import Fourier, Siren, weights
from theta0.forward import Observation, Points
from theta0.inner import SGD, InnerLoop, adapt, begin, loss_and_gradient, step
from theta0.meta import FOMAML, MAML
from theta0.signals import Task

from .cases import build, inner, learned, one, slow

pytestmark = pytest.mark.usefixtures("quick_compilation")


# Up to 4 steps are unrolled, 6 scan.
@pytest.mark.parametrize(
    "case, optimizer, steps, batch",
    [
        ("points", "sgd", 2, None), ("lines", "sgd", 2, None), ("points", "sgd", 6, 4),
        ("finer", "sgd", 2, None), ("wire", "sgd", 2, None), ("gaussian", "sgd", 2, None),
        slow("siren, w0 by layer", "sgd", 2, None),
        slow("volume", "sgd", 2, None), slow("points", "adam", 2, 5),
        slow("points", "sgd", 1, None), slow("points", "adam", 6, None),
        slow("lines", "adam", 2, 5), slow("lines", "sgd", 6, None),
        slow("volume", "adam", 2, 5), slow("volume", "sgd", 6, None),
    ],
)  # fmt: skip
def test_maml_gradient_matches_finite_differences(x64, case, optimizer, steps, batch):
    forward, field, tasks, lr = build(case)
    estimator, key = MAML(**inner(optimizer, lr, steps, batch)), jax.random.PRNGKey(4)
    task = one(tasks)
    pair = learned(estimator, field)
    _, direction = eqx.filter_jit(estimator.task_gradient)(forward, pair, task, key)

    # The loss after adaptation as a function of the initialization alone; the same key, so the same
    # batches and the same jittered samples. Steps of the differences: see theta0.conformance.
    params, static = eqx.partition(field, eqx.is_inexact_array)

    def after_adaptation(params):
        start = eqx.combine(params, static)
        inner_key, outer_key = jax.random.split(key)
        adapted, _ = adapt(forward, start, pair.rule, task.support, estimator.loop, inner_key)
        return loss_and_gradient(forward, adapted, task.query, outer_key)[0]

    direction = direction.field
    if case == "lines":
        # Frequencies are not trained: their direction is zero, that of the differences is not.
        assert not np.any(direction.frequencies.value)
        frozen = lambda tree: tree.frequencies.value
        of_weights = lambda p: after_adaptation(eqx.tree_at(frozen, p, frozen(params)))
    else:
        of_weights = after_adaptation
    check_gradient(of_weights, params, eqx.filter(direction, eqx.is_inexact_array), rtol=1e-6)


@pytest.mark.parametrize("optimizer, steps", [("adam", 2), slow("sgd", 6), slow("sgd", 3)])
def test_maml_equals_a_reimplementation_by_plain_autodiff(x64, optimizer, steps):
    forward, field, tasks, lr = build("points")
    task, key = one(tasks), jax.random.PRNGKey(4)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    rule = optax.sgd(lr) if optimizer == "sgd" else optax.adam(0.01, eps_root=1e-16)

    def mse(params, data):
        return jnp.mean((eqx.combine(params, static)(data.p.T).T - data.y) ** 2)

    def outer(params):
        state = rule.init(params)
        for _ in range(steps):
            updates, state = rule.update(jax.grad(mse)(params, task.support), state, params)
            params = optax.apply_updates(params, updates)
        return mse(params, task.query)

    loss, gradient = jax.jit(jax.value_and_grad(outer))(params)
    estimator = MAML(**inner(optimizer, lr, steps))
    pair = learned(estimator, field)
    found_loss, found = eqx.filter_jit(estimator.task_gradient)(forward, pair, task, key)
    np.testing.assert_allclose(found_loss, loss, rtol=1e-11)
    # Adam divides by small gradients, which amplifies rounding.
    scale = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradient))
    for a, b in zip(weights(found), jax.tree.leaves(gradient), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * scale)
    # And the second order is not negligible here, so the comparison means something.
    first_order = eqx.filter_jit(FOMAML(**inner(optimizer, lr, steps)).task_gradient)(
        forward, pair, task, key
    )[1]
    gaps = [
        float(jnp.abs(a - b).max())
        for a, b in zip(weights(first_order), jax.tree.leaves(gradient), strict=True)
    ]
    assert max(gaps) > 1e-3 * scale


@pytest.mark.slow
def test_maml_through_adam_is_finite_at_a_zero_gradient(key):
    # A field that fits its support exactly: Adam divides 0 by sqrt(0), whose slope is infinite.
    field = Siren(width=8, layers=3, w0=10.0, out_size=1).build(key)
    p = jax.random.uniform(key, (9, 2))
    support, query = (
        Observation(p, eqx.filter_jit(Points())(field, p)),
        Observation(p, jnp.zeros((9, 1))),
    )
    estimator = MAML(**inner("adam", 0.01, 2))
    loss, direction = eqx.filter_jit(estimator.task_gradient)(
        Points(), learned(estimator, field), Task(support, query), key
    )
    assert np.isfinite(loss)
    assert all(np.isfinite(leaf).all() for leaf in weights(direction))
    # Biases of dead ReLUs, too, have gradients of exactly zero.
    relu = Fourier(width=8, layers=3, features=4).build(key)
    relu = eqx.tree_at(lambda f: f.layers[0].bias, relu, jnp.full(8, -100.0))
    support = Observation(p, jnp.ones((9, 1)))
    _, direction = eqx.filter_jit(estimator.task_gradient)(
        Points(), learned(estimator, relu), Task(support, support), key
    )
    assert all(np.isfinite(leaf).all() for leaf in weights(direction))


@pytest.mark.parametrize("estimator", [FOMAML, slow(MAML)])
def test_the_query_can_be_measured_otherwise_than_the_support(x64, key, estimator):
    forward, field, tasks, lr = build("lines")
    rng = np.random.default_rng(1)
    points = Observation(jnp.asarray(rng.random((7, 2))), jnp.asarray(rng.random((7, 1))))
    task, meta = Task(one(tasks).support, points), estimator(**inner("sgd", lr, 1))
    pair, inner_key = learned(meta, field), jax.random.split(key)[0]
    loss, _ = eqx.filter_jit(meta.task_gradient)(forward, pair, task, key, None, Points())
    adapted, _ = eqx.filter_jit(adapt)(forward, *pair, task.support, meta.loop, inner_key)
    expected = jnp.mean((Points()(adapted, points.p) - points.y) ** 2)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


@pytest.mark.slow
def test_an_inner_loop_is_the_same_function_of_step_and_key(x64, key):
    # Resuming in the middle: the randomness of step k comes from (key, k) alone.
    forward, field, tasks, lr = build("lines")
    support, rule, loop = one(tasks).support, SGD(lr).build(field), InnerLoop(3, 4)
    whole, _ = eqx.filter_jit(adapt)(forward, field, rule, support, loop, key)
    state, objective = begin(field, rule), loop.objective.bind(field)
    for _ in range(3):
        state, _ = eqx.filter_jit(step)(forward, rule, state, support, objective, 4, key)
    assert int(state.step) == 3
    for a, b in zip(weights(state.field), weights(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


@pytest.mark.slow
def test_memory_of_maml_grows_by_the_weights_of_a_step_and_no_more():
    n, width = 4096, 32
    field = Siren(width=width, layers=4, out_size=1).build(jax.random.PRNGKey(3))
    data = Observation(jnp.zeros((n, 2)), jnp.zeros((n, 1)))

    def planned(steps):
        meta = MAML(**inner("sgd", 0.01, steps))
        pair = learned(meta, field)
        run = jax.jit(lambda key: meta.task_gradient(Points(), pair, Task(data, data), key))
        plan: Any = run.lower(jax.random.PRNGKey(0)).compile().memory_analysis()
        return plan.temp_size_in_bytes

    short, long = planned(5), planned(25)
    growth, step_weights = (long - short) / 20, 4 * sum(leaf.size for leaf in weights(field))
    # The activations of one step would be n x width x 3 layers x 4 bytes, 170 times its weights.
    assert step_weights <= growth * 1.01
    assert growth <= 4 * step_weights


@pytest.mark.slow
@pytest.mark.parametrize("log_loss", [False, True])
def test_query_losses_after_several_numbers_of_steps(x64, log_loss):
    forward, field, tasks, lr = build("points")
    task, key = one(tasks), jax.random.PRNGKey(4)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    mse = lambda params, data: jnp.mean((eqx.combine(params, static)(data.p.T).T - data.y) ** 2)

    def losses(params):
        values = []
        for done in range(1, 7):
            gradient = jax.grad(mse)(params, task.support)
            params = jax.tree.map(lambda p, g: p - lr * g, params, gradient)
            if done in (1, 3, 6):
                values.append(mse(params, task.query))
        return jnp.stack(values)

    outer = lambda params: (jnp.log(losses(params)) if log_loss else losses(params)).mean()
    value, gradient = jax.jit(jax.value_and_grad(outer))(params)
    meta = MAML(**inner("sgd", lr, 6), also_after=(1, 3), log_loss=log_loss)
    loss, found = eqx.filter_jit(meta.task_gradient)(forward, learned(meta, field), task, key)
    # What is reported is in the units of a loss.
    np.testing.assert_allclose(loss, np.exp(value) if log_loss else value, rtol=1e-10)
    scale = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradient))
    for a, b in zip(weights(found), jax.tree.leaves(gradient), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("after", [(6,), (3, 1), (0,), (2, 2)])
def test_numbers_of_steps_that_cannot_count_are_refused(after):
    with pytest.raises(InputError, match=r"also_after is .*rising numbers of steps, from 1 to 5"):
        MAML(steps=6, also_after=after)
