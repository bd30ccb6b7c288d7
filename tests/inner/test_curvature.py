"""Meta-Curvature against the formula it is named after."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import Grid, weights
from theta0.inner import SGD, InnerLoop, MetaCurvature, adapt

from .cases import assert_close, plain_loss, points_case

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.slow
def test_before_learning_it_is_gradient_descent(x64, key):
    forward, config, seen = points_case()
    field = config.build(key)
    run = lambda rule: adapt(forward, field, rule, seen, InnerLoop(3), key)[0]
    assert_close(run(MetaCurvature(0.05, 3)), run(SGD(0.05)), rtol=1e-6)


def test_a_step_is_along_the_gradient_between_both_matrices(x64, key):
    forward, config, seen = points_case()
    field = config.build(key)
    rule = MetaCurvature(0.05, 1).build(field)
    rng = np.random.default_rng(0)
    random = lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape))
    rule = eqx.tree_at(lambda rule: rule.factors, rule, jax.tree.map(random, rule.factors))
    moved, _ = adapt(forward, field, rule, seen, InnerLoop(1), key)
    gradient = eqx.filter_grad(plain_loss(forward, seen))(field)
    size = np.exp(np.asarray(jax.tree.leaves(rule.step_sizes)[0]).ravel()[0])
    for now, was, g, (left, right) in zip(
        weights(moved), weights(field), weights(gradient), rule.factors, strict=True
    ):
        turned = np.asarray(g) if left is None else np.asarray(left) @ np.asarray(g)
        np.testing.assert_allclose(now, was - size * (turned @ np.asarray(right)), rtol=1e-6)


@pytest.mark.slow
def test_rows_of_a_grid_are_too_many_for_a_matrix(key):
    field = Grid(levels=(4, 64), features=3, width=8).build(key)
    factors = MetaCurvature().build(field).factors
    shapes = [[None if one is None else one.shape for one in pair] for pair in factors[:2]]
    assert shapes == [[(16, 16), (3, 3)], [None, (3, 3)]]
    assert all(pair[0] is None for pair in MetaCurvature(sides="in").build(field).factors)
