"""The guarded rule: no step raises what is descended, and one that helps is left as it is."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.config import from_words, to_words
from theta0.inner import SGD, Adam, Guarded, InnerLoop, Objective, StepSizes, adapt, fit
from theta0.registry import RULES

from .cases import assert_close, plain_loss, points_case, single_points

pytestmark = pytest.mark.usefixtures("quick_compilation")


def run(rule, steps=25, objective=Objective()):
    forward, config, seen = single_points()
    field = config.build(jax.random.PRNGKey(3))
    done = fit(forward, field, rule, seen, InnerLoop(steps, objective=objective),
               jax.random.PRNGKey(0), range(steps + 1))  # fmt: skip
    return done, plain_loss(forward, seen)


@pytest.mark.slow
@pytest.mark.parametrize("rule", [SGD(1.0), Adam(0.3), StepSizes(2.0, "weight", 2)])
def test_the_loss_never_rises_where_it_does_unguarded(rule):
    wild, loss = run(rule)
    assert np.any(np.diff(wild.losses) > 0)
    tamed, _ = run(Guarded(rule))
    assert np.all(np.diff(tamed.losses) <= 0)
    # The last step, too, whose loss is in no list.
    assert loss(tamed.field) <= tamed.losses[-1] * (1 + 1e-6)  # another program rounds otherwise
    assert tamed.losses[-1] < tamed.losses[0] / 2  # and it does move


def test_steps_that_help_are_taken_as_they_are(x64, key):
    forward, config, seen = points_case()
    field = config.build(key)
    adapted = eqx.filter_jit(adapt)
    plain = adapted(forward, field, SGD(0.02), seen, InnerLoop(6), key)
    assert np.all(np.diff(plain[1]) < 0)
    guarded = adapted(forward, field, Guarded(SGD(0.02)), seen, InnerLoop(6), key)
    assert_close(guarded[0], plain[0])
    np.testing.assert_allclose(guarded[1], plain[1], rtol=1e-12)


def test_a_step_to_where_nothing_is_finite_is_not_taken():
    done, loss = run(Guarded(SGD(1e30)), steps=5)
    assert np.isfinite(loss(done.field)) and np.isfinite(done.losses).all()


@pytest.mark.slow
def test_a_refused_step_is_a_quarter_as_long_the_next_time(key):
    forward, config, seen = single_points()
    field = config.build(key)
    rule = Guarded(SGD(50.0)).build(field)
    objective = Objective().bind(field)
    same, state, _ = rule.step(forward, field, seen, rule.init(field), key, objective)
    assert eqx.tree_equal(same, field) and state.length == 0.25
    while eqx.tree_equal(same, field):
        same, state, _ = rule.step(forward, field, seen, state, key, objective)
    # Steps double again where they help: that which was taken had half the length.
    size = SGD(50.0 * float(state.length) / 2)
    expected, _ = adapt(forward, field, size, seen, InnerLoop(1), key)
    assert_close(same, expected, rtol=1e-6)


@pytest.mark.slow
def test_what_is_guarded_is_all_that_is_descended(x64, key):
    """With a strong penalty the data term may rise; the sum does not."""
    forward, config, seen = points_case()
    objective = Objective(tv=0.5, tv_side=5, proximal=0.1)
    field = config.build(key)
    bound = objective.bind(field)
    rule, now, values = Guarded(SGD(0.3)).build(field), field, []
    state = rule.init(field)
    step = eqx.filter_jit(lambda now, state: rule.step(forward, now, seen, state, key, bound))
    for _ in range(12):
        values.append(float(bound.value(forward, now, seen, key)))
        now, state, _ = step(now, state)
    assert np.all(np.diff(values) <= 0) and values[-1] < values[0]


@pytest.mark.slow
def test_the_value_is_what_the_gradient_is_of(x64, key):
    forward, config, seen = points_case()
    field = config.build(key)
    bound = Objective(tv=0.05, tv_side=5, proximal=0.2, huber=0.1).bind(field)
    other = jax.tree.map(lambda leaf: leaf + 0.1, eqx.filter(field, eqx.is_inexact_array))
    other = eqx.combine(other, field)
    _, gradient = bound.loss_and_gradient(forward, other, seen, key)
    expected = eqx.filter_grad(lambda field: bound.value(forward, field, seen, key))(other)
    assert_close(gradient, expected, rtol=1e-10)
    loss = bound.loss_and_gradient(forward, other, seen, key)[0]
    assert jnp.allclose(
        bound.value(forward, other, seen, key), bound.value(forward, other, seen, key, loss)
    )


def test_it_is_given_in_words():
    words = "guarded:adam:0.001"
    assert from_words(words, RULES) == Guarded(Adam(1e-3))
    assert from_words(to_words(Guarded(Adam(1e-3)), RULES), RULES) == Guarded(Adam(1e-3))
