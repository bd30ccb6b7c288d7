"""Update rules against the formulas they are named after, optax, and each other."""

from dataclasses import dataclass

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

from theta0.errors import InputError
from theta0.fields import FlipAverage, FlipAverageField, Grid, Siren, weights
from theta0.forward import Observation, Points
from theta0.inner import (
    SGD,
    Adam,
    InnerConfig,
    InnerLoop,
    Objective,
    RuleConfig,
    StepSizes,
    Then,
    adapt,
    fit,
    settings_of,
    then,
)
from theta0.registry import RULES

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


def test_adams_step_size_falls_by_its_schedule(x64, key):
    forward, config, seen = points_case()
    field = config.build(key)
    falling = lambda step: 0.02 / (1 + step / 3)
    adapted = eqx.filter_jit(adapt)
    found, _ = adapted(forward, field, Adam(0.02, halved_after=3), seen, InnerLoop(6), key)
    expected, _ = adapted(
        forward, field, optax.adam(falling, eps_root=1e-16), seen, InnerLoop(6), key
    )
    assert_close(found, expected, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["gradient", "adam"])
@pytest.mark.parametrize("logarithms", [False, True])
def test_step_sizes_before_learning_are_those_of_the_plain_rule(x64, key, direction, logarithms):
    forward, config, seen = points_case()
    field = config.build(key)
    plain = {"gradient": SGD(0.02), "adam": Adam(0.02)}[direction]
    settings = StepSizes(0.02, "weight", 2, logarithms, direction)
    one, other = (
        eqx.filter_jit(adapt)(forward, field, rule, seen, InnerLoop(4), key)[0]
        for rule in (settings, plain)
    )
    assert_close(one, other, rtol=1e-6)
    sizes = weights(settings.build(field))[0]
    np.testing.assert_allclose(sizes, np.log(0.02) if logarithms else 0.02, rtol=1e-6)


@pytest.mark.slow
def test_weights_that_few_points_see_get_larger_steps(x64, key):
    """Of a grid whose levels alone change, one step moves the values alike, whatever its side."""
    rng = np.random.default_rng(0)
    for side in (4, 16):
        field = Grid(levels=(side,), features=2, width=4, layers=2).build(key)
        scales = field.step_scales()
        assert scales.grids == (side**2,) and scales.layers[0].weight == 1
        seen = Observation(rng.random((300, 2)), rng.random((300, 3)))
        gradient = eqx.filter_grad(plain_loss(Points(), seen))(field)
        moved, _ = adapt(Points(), field, SGD(0.1), seen, InnerLoop(1), key)
        expected = field.grids[0] - 0.1 * side**2 * gradient.grids[0]
        np.testing.assert_allclose(moved.grids[0], expected, rtol=1e-10)
        both = FlipAverageField(field, field, FlipAverage(field.config))
        assert both.step_scales().flipped.grids == (side**2,)


@pytest.mark.slow
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


@pytest.mark.slow
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


@dataclass(frozen=True)
class Momentum(RuleConfig):
    """Settings whose rule is an optax transformation."""

    lr: float = 0.02

    def build(self, field):
        return optax.sgd(self.lr, momentum=0.9)


@pytest.mark.slow
@pytest.mark.usefixtures("registries_as_before")
def test_settings_may_build_an_optax_transformation_wherever_settings_stand(key):
    RULES.register("test-momentum")(Momentum)
    _, config, observation = single_points()
    field, loop = config.build(key), InnerLoop(3)
    plain = fit(Counted(), field, optax.sgd(0.02, momentum=0.9), observation, loop, key).field
    TRACES.clear()
    given = fit(Counted(), field, Momentum(), observation, loop, key).field
    once = len(TRACES)
    fit(Counted(), field, Momentum(), observation, loop, key)
    assert len(TRACES) == once  # optax makes new functions at each call; the program is found again
    followed = fit(Counted(), field, Then(Momentum(), 9, Adam()), observation, loop, key).field
    built = fit(
        Counted(), field, InnerConfig(Momentum()).rule_of(field), observation, loop, key
    ).field
    for found in (given, followed, built):
        assert_close(found, plain, rtol=1e-6)


def test_a_transformation_is_given_the_loss_that_it_asks_for(x64, key):
    forward, config, observation = points_case()
    field = config.build(key)
    found = fit(forward, field, optax.polyak_sgd(max_learning_rate=0.1), observation,
                InnerLoop(1), key).field  # fmt: skip
    value, gradient = eqx.filter_value_and_grad(plain_loss(forward, observation))(field)
    squares = sum(float((leaf**2).sum()) for leaf in weights(gradient))
    lr = min(0.1, float(value) / squares)  # Polyak's step size, the least loss being 0
    assert_close(found, jax.tree.map(lambda theta, g: theta - lr * g, field, gradient), rtol=1e-6)


def test_a_line_search_is_refused(key):
    forward, config, observation = single_points()
    with pytest.raises(InputError, match="asks for 'value_fn', as a line search does"):
        fit(forward, config.build(key), optax.lbfgs(), observation, InnerLoop(1), key)


def test_a_rule_may_stand_still_for_a_step(key):
    forward, config, observation = single_points()
    field = config.build(key)
    warm = optax.sgd(optax.linear_schedule(0.0, 0.1, 2))
    done = fit(forward, field, warm, observation, InnerLoop(3), key, snapshots=(1,))
    assert_close(done.snapshots[1], field)
    assert any((a != b).any() for a, b in zip(weights(done.field), weights(field), strict=True))


@pytest.mark.slow
def test_rules_among_settings_are_settings_or_words():
    assert settings_of("adam:1e-3", "rule") == settings_of(Adam(1e-3), "rule") == Adam(1e-3)
    with pytest.raises(InputError, match=r"first is of type GradientTransformation.*are saved"):
        settings_of(optax.sgd(1e-2), "first")


@pytest.mark.parametrize("per", ["layer", "weight"])
def test_step_sizes_of_another_network_are_refused(key, per):
    rule = StepSizes(0.1, per, 2).build(Siren(width=4, layers=2).build(key))
    for other in (Siren(width=4, layers=3), Siren(width=5, layers=2), Grid(levels=(3,), width=4)):
        with pytest.raises(InputError, match="learned step sizes for another network"):
            rule.init(other.build(key))
