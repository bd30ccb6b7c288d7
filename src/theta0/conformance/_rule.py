"""What every update rule must do."""

import equinox as eqx
import jax
import numpy as np

from theta0.fields import Field, weights
from theta0.forward import ForwardMap, Observation
from theta0.inner import InnerLoop, Objective, Rule, adapt, as_rule

from ._complete import assert_complete
from ._trees import frozen, inexact, shapes


def check_rule(
    rule: Rule,
    forward: ForwardMap,
    field: Field,
    observation: Observation,
    objective: Objective = Objective(),
) -> None:
    """Check an update rule.

    A step gives a field and a state of the same shapes, finite, and the loss before the step; the
    same arguments give the same step; it can be compiled, scanned over and differentiated with
    respect to the field and what the rule learns.

    Args:
        rule: the rule: a value, its settings, or an optax transformation.
        forward: how the observations are measured.
        field: an initialization.
        observation: some observations.
        objective: what is descended.
    """
    assert_complete(rule, "rule")
    rule = as_rule(rule, field)
    key, bound = jax.random.PRNGKey(5), objective.bind(field)
    state = rule.init(field)
    assert eqx.tree_equal(state, rule.init(field)), "rule: one field, two states"

    @eqx.filter_jit
    def step(rule, field, state):
        return rule.step(forward, field, observation, state, key, bound)

    moved, later, loss = step(rule, field, state)
    assert shapes(moved) == shapes(field), "rule: a step changes the shapes of the field"
    assert shapes(later) == shapes(state), "rule: a step changes the shapes of its state"
    assert loss.shape == () and np.isfinite(loss), f"rule: loss {loss} is not a finite scalar"
    expected = objective.bind(field).loss_and_gradient(forward, field, observation, key)[0]
    np.testing.assert_allclose(
        loss, expected, rtol=1e-4, err_msg="rule: the loss is not that before the step"
    )
    assert all(np.isfinite(leaf).all() for leaf in weights(moved)), "rule: weights are not finite"
    assert eqx.tree_equal(step(rule, field, state), (moved, later, loss)), "rule: two results"
    for now, was in zip(frozen(moved), frozen(field), strict=True):
        assert np.array_equal(now, was), "rule: an array that is not trained has moved"

    def after_six(learned):
        field, rule = learned
        loop = InnerLoop(6, objective=objective)
        return adapt(forward, field, rule, observation, loop, key)[1][-1]

    gradient = eqx.filter_jit(eqx.filter_grad(after_six))((field, rule))
    for leaf in jax.tree.leaves(inexact(gradient)):
        assert np.isfinite(leaf).all(), "rule: the derivative through six steps is not finite"
