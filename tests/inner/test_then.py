"""One rule after another: each as it is alone, and the second begins where the first ends."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.conformance import check_gradient
from theta0.errors import InputError
from theta0.fields import weights
from theta0.inner import (
    SGD,
    Adam,
    FirstOrder,
    InnerLoop,
    Sequence,
    StepSizes,
    Then,
    UpdateRule,
    adapt,
    fit,
    then,
)

from .cases import CASES, assert_close, points_case, single_points

pytestmark = pytest.mark.usefixtures("quick_compilation")

MOMENTUM = FirstOrder(optax.sgd(0.02, momentum=0.9))


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3, 6])
def test_each_rule_takes_its_steps_as_it_does_alone(x64, key, steps):
    # The whole signal, no samples: no step depends on its number, so two fits can be put together.
    forward, config, observation = points_case()
    field = config.build(key)
    run = lambda field, rule, steps, at=(): fit(
        forward, field, rule, observation, InnerLoop(steps), key, at
    )
    second = Adam(0.01).build(field)
    both = run(field, then(MOMENTUM, steps, second), steps + 4, range(steps + 5))
    first = run(field, MOMENTUM, steps, range(steps + 1))
    rest = run(first.field, second, 4, range(5))
    for step in range(steps + 1):
        assert_close(both.snapshots[step], first.snapshots[step])
    for step in range(5):
        # Adam's moments are those of its own steps alone: it divides by what they are.
        assert_close(both.snapshots[steps + step], rest.snapshots[step], rtol=1e-9)
    np.testing.assert_allclose(both.losses, [*first.losses, *rest.losses], rtol=1e-9)


@pytest.mark.slow
def test_the_fit_in_meta_training_is_the_fit_at_test_time(x64, key):
    # 3 steps are unrolled, 7 scanned over; batches and jittered samples, each step its own.
    forward, config, observation = CASES["lines"]()
    field = config.build(key)
    rule = then(StepSizes(0.5, "weight", 2).build(field), 2, Adam(0.01).build(field))
    for steps in (3, 7):
        loop = InnerLoop(steps, batch=6)
        inside, losses = eqx.filter_jit(adapt)(forward, field, rule, observation, loop, key)
        outside = fit(forward, field, rule, observation, loop, key)
        assert_close(outside.field, inside, rtol=1e-9)
        np.testing.assert_allclose(outside.losses, losses, rtol=1e-9)


@pytest.mark.slow
def test_the_derivative_crosses_from_one_rule_to_the_other(x64, key):
    forward, config, observation = points_case()
    field = config.build(key)
    pair = field, then(StepSizes(0.02, steps=2).build(field), 2, StepSizes(0.05).build(field))
    params, static = eqx.partition(pair, eqx.is_inexact_array)

    def after(params):
        field, rule = eqx.combine(params, static)
        return adapt(forward, field, rule, observation, InnerLoop(5), key)[1][-1]

    gradient = jax.jit(jax.grad(after))(params)
    # What both have to learn has a part in it.
    assert all(np.any(leaf) for rule in (gradient[1].first, gradient[1].second)
               for leaf in weights(rule))  # fmt: skip
    check_gradient(after, params, gradient, rtol=1e-6)


class Counting(UpdateRule):
    """Adds to the first bias how often it was asked."""

    def init(self, field):
        return jnp.zeros((), jnp.int32)

    def step(self, forward, field, observation, state, key, objective):
        loss, _ = objective.loss_and_gradient(forward, field, observation, key)
        bias = lambda field: field.layers[0].bias
        return eqx.tree_at(bias, field, bias(field) + state + 1), state + 1, loss


@pytest.mark.slow
def test_rules_can_be_nested_and_each_counts_from_its_own_beginning(key):
    forward, config, observation = single_points()
    field = jax.tree.map(jnp.zeros_like, config.build(key))
    rule = then(then(Counting(), 2, Counting()), 3, Counting())
    run = fit(forward, field, rule, observation, InnerLoop(5), key, snapshots=range(6))
    fields: dict[int, Any] = dict(run.snapshots)
    shown = [float(fields[step].layers[0].bias[0]) for step in range(6)]
    # Steps 1 and 2 of the first, step 1 of the second, steps 1 and 2 of the third.
    np.testing.assert_array_equal(np.diff(shown), [1, 2, 1, 1, 2])


def test_settings_build_the_rules_one_after_the_other(key):
    field = points_case()[1].build(key)
    settings = Then(StepSizes(0.1, "weight", 2), 2, Adam(1e-3))
    built = settings.build(field)
    assert isinstance(built, Sequence) and built.steps == 2
    expected = then(StepSizes(0.1, "weight", 2).build(field), 2, Adam(1e-3).build(field))
    assert eqx.tree_equal(built, expected)
    assert settings.label == "learned step sizes, then adam with step size 0.001"
    for steps in (0, -1):
        with pytest.raises(InputError, match=f"steps is {steps}"):
            Then(SGD(), steps, Adam())


def test_each_rule_is_asked_for_its_part_of_the_steps():
    settings = Then(StepSizes(0.01), 3, StepSizes(0.1))
    assert settings.for_steps(5) == Then(StepSizes(0.01, steps=3), 3, StepSizes(0.1, steps=2))
    # The first is never reached whole, the second not at all: it still has a step size.
    assert settings.for_steps(2) == Then(StepSizes(0.01, steps=2), 3, StepSizes(0.1, steps=1))
