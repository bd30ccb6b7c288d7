"""Update rules against the formulas they are named after, optax, and each other."""

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

from theta0.fields import weights
from theta0.inner import Adam, InnerLoop, Objective, StepSizes, adapt, fit, then

from .cases import TRACES, Counted, assert_close, inner, plain_loss, points_case, single_points

pytestmark = pytest.mark.usefixtures("quick_compilation")


def test_sgd_step_is_theta_minus_lr_times_gradient(x64, key):
    forward, config, observation = points_case()
    field, lr = config.build(key), 0.03
    rule, loop = inner("sgd", lr, 1)
    fitted, losses = eqx.filter_jit(adapt)(forward, field, rule, observation, loop, key)
    plain = eqx.filter_value_and_grad(plain_loss(forward, observation))
    value, gradient = eqx.filter_jit(plain)(field)
    expected = jax.tree.map(lambda theta, g: theta - lr * g, field, gradient)
    assert_close(fitted, expected)
    np.testing.assert_allclose(losses, [value], rtol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_steps_equal_optax_on_plain_autodiff(x64, key, name):
    forward, config, observation = points_case()
    field, steps = config.build(key), 7
    rule, loop = inner(name, 0.01, steps)
    fitted, losses = eqx.filter_jit(adapt)(forward, field, rule, observation, loop, key)

    optimizer = optax.sgd(0.01) if name == "sgd" else optax.adam(0.01, eps_root=1e-16)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    state, expected = optimizer.init(params), []
    value_and_grad = jax.jit(
        jax.value_and_grad(
            lambda params: plain_loss(forward, observation)(eqx.combine(params, static))
        )
    )
    for _ in range(steps):
        value, gradient = value_and_grad(params)
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        expected.append(value)
    # Adam divides by gradients that may be small, which amplifies their rounding.
    assert_close(fitted, eqx.combine(params, static), rtol=1e-10)
    np.testing.assert_allclose(losses, expected, rtol=1e-10)


def test_another_step_size_does_not_compile_again(key):
    _, config, observation = single_points()
    field = config.build(key)
    TRACES.clear()
    fit(Counted(), field, Adam(0.02), observation, InnerLoop(3, objective=Objective(tv=0.1)), key)
    once = len(TRACES)
    for lr, tv in ((0.03, 0.1), (0.02, 0.3)):
        loop = InnerLoop(3, objective=Objective(tv=tv))
        fit(Counted(), field, Adam(lr), observation, loop, key)
    assert len(TRACES) == once


def test_learned_steps_are_followed_by_adam_from_where_they_end(key):
    forward, config, seen = points_case()
    field = config.build(key)
    learned = StepSizes(0.05, "weight", 3).build(field)
    run = lambda field, rule, steps, at=(): fit(
        forward, field, rule, seen, InnerLoop(steps), key, at
    )
    both = run(field, then(learned, 3, Adam(1e-3).build(field)), 8, at=(3,))
    first = run(field, learned, 3).field
    second = run(first, Adam(1e-3), 5).field
    # Two programs round in other orders.
    for found, expected in ((both.snapshots[3], first), (both.field, second)):
        for one, other in zip(weights(found), weights(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
