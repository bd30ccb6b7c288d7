"""Jacobian products against automatic differentiation, and a rule of one's own that uses them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from theta0.conformance import check_gradient, check_rule
from theta0.fields import Field, trained, weights
from theta0.forward import Observation, Points
from theta0.inner import InnerLoop, UpdateRule, adapt, fit, linearized

from .cases import CASES, assert_close

pytestmark = pytest.mark.usefixtures("quick_compilation")


def plain(forward, field, observation, key):
    """The errors as a function of the weights, as anyone would write it."""
    params, static = eqx.partition(field, eqx.is_inexact_array)
    errors = lambda q: forward(eqx.combine(q, static), observation.p, key) - observation.y
    return errors, params


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_products_equal_those_of_automatic_differentiation(x64, key, case):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    errors, params = plain(forward, field, observation, key)
    rng = np.random.default_rng(1)
    direction = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), params)
    cotangent = jnp.asarray(rng.standard_normal(observation.y.shape))

    @eqx.filter_jit
    def products(field):
        found = linearized(forward, field, observation, key)
        pulled = eqx.filter(found.pull(cotangent), eqx.is_inexact_array)
        return found.errors, found.push(direction), pulled

    value, pushed, pulled = products(field)
    expected, along = jax.jvp(errors, (params,), (direction,))
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)
    # Sums run in another order: relative to the largest.
    np.testing.assert_allclose(pushed, along, rtol=0, atol=1e-12 * float(jnp.abs(along).max()))
    assert_close(pulled, jax.vjp(errors, params)[1](cotangent)[0])
    # One is the transpose of the other.
    both = zip(jax.tree.leaves(pulled), jax.tree.leaves(direction), strict=True)
    product = sum(float(jnp.vdot(a, b)) for a, b in both)
    np.testing.assert_allclose(float(jnp.vdot(cotangent, pushed)), product, rtol=1e-11)


def test_a_direction_may_be_a_whole_field_and_what_is_not_trained_has_no_part(x64, key):
    forward, config, observation = CASES["lines"]()
    field, other = (config.build(k) for k in jax.random.split(key))
    found = linearized(forward, field, observation, key)
    np.testing.assert_array_equal(found.push(other), found.push(eqx.filter(other, eqx.is_array)))
    moved = eqx.tree_at(lambda f: f.frequencies.value, other, replace_fn=lambda leaf: 7 * leaf)
    np.testing.assert_array_equal(found.push(moved), found.push(other))
    pulled: Any = found.pull(jnp.ones_like(observation.y))
    assert not np.any(pulled.frequencies.value) and pulled.config == field.config


class GaussNewton(UpdateRule):
    """``theta - J^T (J J^T + damping)^-1 error``; the damping is learned, and halved every step.

    What it has learned is its array, how often it was halved its state.
    """

    log_damping: jax.Array

    def init(self, field):
        return jnp.zeros((), jnp.int32)

    def step(self, forward, field, observation, state, key, objective):
        errors, push, pull = linearized(forward, field, observation, key)
        unit = jnp.eye(errors.size, dtype=errors.dtype)
        row = lambda one: push(pull(one.reshape(errors.shape))).ravel()
        damping = jnp.exp(self.log_damping) * 0.5**state
        dual = jnp.linalg.solve(jax.vmap(row)(unit) + damping * unit, errors.ravel())
        move = trained(pull(dual.reshape(errors.shape)))
        moved = eqx.apply_updates(field, jax.tree.map(jnp.negative, move))
        return moved, state + 1, jnp.mean(errors**2)


class Features(Field):
    """Linear in its weights: a sum of given functions."""

    w: jax.Array

    def __call__(self, x):
        return jnp.tensordot(self.w, jnp.stack([x[0], x[1], x[0] * x[1], jnp.sin(5 * x[0])]), 1)[
            None
        ]


def test_one_step_solves_a_linear_problem_by_the_shortest_move(x64, key):
    rng = np.random.default_rng(0)
    p, y = jnp.asarray(rng.random((3, 2))), jnp.asarray(rng.random((3, 1)))
    field = Features(jnp.asarray(rng.standard_normal(4)))
    rule = GaussNewton(jnp.asarray(np.log(1e-12)))
    found: Any = fit(Points(), field, rule, Observation(p, y), InnerLoop(1), key).field
    matrix = np.column_stack([p[:, 0], p[:, 1], p[:, 0] * p[:, 1], np.sin(5 * p[:, 0])])
    # Of three values there is an exact fit; the pseudoinverse gives the nearest.
    move = np.linalg.pinv(matrix) @ (np.asarray(y)[:, 0] - matrix @ field.w)
    np.testing.assert_allclose(found.w - field.w, move, rtol=1e-7)
    np.testing.assert_allclose(matrix @ found.w, y[:, 0], rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["points", "lines"])
def test_steps_equal_gauss_newton_by_whole_jacobians(x64, key, case):
    forward, config, observation = CASES[case]()
    field, rule, loop = config.build(key), GaussNewton(jnp.asarray(0.3)), InnerLoop(3)
    found = fit(forward, field, rule, observation, loop, key, snapshots=(1, 2, 3))
    now, damping = field, np.exp(0.3)
    for step in range(3):
        forward_key = jax.random.split(jax.random.fold_in(key, step))[1]
        errors, params = plain(forward, now, observation, forward_key)
        flat, unravel = ravel_pytree(params)
        of_flat = lambda q, errors=errors, unravel=unravel: errors(unravel(q)).ravel()
        jacobian = jax.jacobian(of_flat)(flat)
        error = np.asarray(errors(params)).ravel()
        np.testing.assert_allclose(found.losses[step], np.mean(error**2), rtol=1e-10)
        # The primal form, which inverts as many weights as there are.
        normal = jacobian.T @ jacobian + damping * 0.5**step * np.eye(len(flat))
        move = np.linalg.solve(normal, jacobian.T @ error)
        now = eqx.combine(unravel(flat - move), now)
        assert_close(found.snapshots[step + 1], now, rtol=1e-9)


@pytest.mark.slow
def test_its_damping_is_learned_through_the_inner_loop(x64, key):
    forward, config, observation = CASES["points"]()
    pair = config.build(key), GaussNewton(jnp.asarray(0.3))
    params, static = eqx.partition(pair, eqx.is_inexact_array)

    def after(params):
        field, rule = eqx.combine(params, static)
        field, _ = adapt(forward, field, rule, observation, InnerLoop(2), key)
        return jnp.mean((forward(field, observation.p) - observation.y + 0.1) ** 2)

    gradient = jax.jit(jax.grad(after))(params)
    assert weights(gradient[1])[0] != 0
    check_gradient(after, params, gradient, rtol=1e-6)


@pytest.mark.slow
def test_it_passes_the_check_of_update_rules(key):
    forward, config, observation = CASES["points"](9)
    single = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    check_rule(GaussNewton(jnp.asarray(0.3)), forward, config.build(key), single)
