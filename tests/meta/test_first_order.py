"""FOMAML and Reptile against what they are by definition."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.fields import weights
from theta0.inner import adapt
from theta0.meta import FOMAML, Reptile

from .cases import CASES, build, inner, learned, one, slow

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.parametrize(
    "case, steps",
    [("points", 2), ("lines", 6), slow("volume", 2), slow("points", 6), slow("lines", 2)],
)
def test_fomaml_is_the_gradient_at_the_adapted_weights(x64, case, steps):
    forward, field, tasks, lr = build(case)
    task, key, meta = one(tasks), jax.random.PRNGKey(4), FOMAML(**inner("sgd", lr, steps))
    pair = learned(meta, field)
    loss, found = eqx.filter_jit(meta.task_gradient)(forward, pair, task, key)
    inner_key, outer_key = jax.random.split(key)
    adapted, _ = eqx.filter_jit(adapt)(forward, *pair, task.support, meta.loop, inner_key)
    (sample_key,) = jax.random.split(outer_key, 1)
    plain = lambda f: jnp.mean((forward(f, task.query.p, sample_key) - task.query.y) ** 2)
    expected_loss, expected = eqx.filter_jit(eqx.filter_value_and_grad(plain))(adapted)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-10)
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_one_step_reptile_with_sgd_is_lr_times_the_support_gradient(x64, case):
    forward, field, tasks, lr = build(case)
    task, key = one(tasks), jax.random.PRNGKey(4)
    meta = Reptile(**inner("sgd", lr, 1))
    loss, found = eqx.filter_jit(meta.task_gradient)(forward, learned(meta, field), task, key)
    # The keys of step 0 as theta0.inner.step splits them, and of its single chunk.
    inner_key, _ = jax.random.split(key)
    _, forward_key = jax.random.split(jax.random.fold_in(inner_key, 0))
    (sample_key,) = jax.random.split(forward_key, 1)
    plain = lambda f: jnp.mean((forward(f, task.support.p, sample_key) - task.support.y) ** 2)
    expected_loss, gradient = eqx.filter_jit(eqx.filter_value_and_grad(plain))(field)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-12)
    for a, b in zip(weights(found), weights(gradient), strict=True):
        # theta - (theta - lr g) loses digits where lr g is small against theta.
        np.testing.assert_allclose(a, lr * b, rtol=0, atol=1e-14)


@pytest.mark.slow
def test_descending_reptile_moves_towards_the_adapted_weights(x64):
    forward, field, tasks, lr = build("points")
    task, key, meta = one(tasks), jax.random.PRNGKey(4), Reptile(**inner("sgd", lr, 5))
    pair = learned(meta, field)
    _, direction = eqx.filter_jit(meta.task_gradient)(forward, pair, task, key)
    inner_key = jax.random.split(key)[0]
    direction: Any = direction.field
    adapted, _ = eqx.filter_jit(adapt)(forward, *pair, task.support, meta.loop, inner_key)
    updates, _ = optax.sgd(0.3).update(direction, optax.sgd(0.3).init(direction))
    moved = eqx.apply_updates(field, updates)
    for a, b, c in zip(weights(moved), weights(field), weights(adapted), strict=True):
        np.testing.assert_allclose(a, 0.7 * b + 0.3 * c, atol=1e-14)
