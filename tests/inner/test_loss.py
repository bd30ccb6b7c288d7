"""The loss and its gradient, chunk by chunk, against plain automatic differentiation."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.fields import Field
from theta0.forward import Observation, Points
from theta0.inner import adapt, loss_and_gradient

from .cases import CASES, assert_close, inner, plain_loss

pytestmark = pytest.mark.usefixtures("quick_compilation")


# Observations a chunk: all 23 at once, two chunks with one padded, four (one padded), one each;
# 13 and 11 in three chunks of 5 and 4, padded by two and one.
@pytest.mark.parametrize(
    "case, chunk",
    [("points", c) for c in (1000, 12, 7, 1)] + [("lines", 5), ("volume", 5)],
)
def test_gradient_equals_plain_autodiff_for_every_chunk_size(x64, key, case, chunk):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    chunk = chunk * forward.samples
    loss, gradient = eqx.filter_jit(loss_and_gradient)(forward, field, observation, None, chunk)
    expected = eqx.filter_jit(eqx.filter_value_and_grad(plain_loss(forward, observation)))(field)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    assert_close(gradient, expected[1])


@pytest.mark.slow
@pytest.mark.parametrize("huber", [0.01, 0.3, 100.0])
def test_a_robust_loss_is_twice_hubers(x64, key, huber):
    forward, config, observation = CASES["points"]()
    field = config.build(key)
    loss, gradient = loss_and_gradient(forward, field, observation, None, 7, huber)

    def plain(field):
        prediction = forward(field, observation.p)
        return 2 * jnp.mean(optax.huber_loss(prediction, observation.y, delta=huber))

    expected = eqx.filter_value_and_grad(plain)(field)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    assert_close(gradient, expected[1])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["lines", "volume"])
def test_gradient_with_a_key_is_that_of_the_same_samples(x64, key, case):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    run = eqx.filter_jit(
        lambda key, chunk=None: loss_and_gradient(forward, field, observation, key, chunk)
    )
    # One chunk draws from the only key that splitting into one gives.
    (chunk_key,) = jax.random.split(key, 1)
    loss, gradient = run(key)
    plain = eqx.filter_value_and_grad(plain_loss(forward, observation, chunk_key))
    expected = eqx.filter_jit(plain)(field)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    assert_close(gradient, expected[1])
    assert run(jax.random.PRNGKey(1))[0] != loss
    assert run(key)[0] == loss
    # Two chunks draw different samples.
    chunked = run(key, 6 * forward.samples)
    assert abs(chunked[0] - loss) > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("case, chunk", [("points", 1000), ("lines", 5), ("volume", 5)])
def test_vjp_of_the_gradient_is_the_hessian_product(x64, key, case, chunk):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    rng = np.random.default_rng(1)
    direction = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), params)

    def both(params):
        loss, gradient = loss_and_gradient(
            forward, eqx.combine(params, static), observation, None, chunk * forward.samples
        )
        return loss, eqx.filter(gradient, eqx.is_inexact_array)

    plain = lambda params: plain_loss(forward, observation)(eqx.combine(params, static))
    loss_bar = jnp.asarray(0.7)
    found = jax.jit(lambda p: jax.vjp(both, p)[1]((loss_bar, direction))[0])(params)
    gradient, hessian_product = jax.jit(lambda p: jax.jvp(jax.grad(plain), (p,), (direction,)))(
        params
    )
    expected = jax.tree.map(lambda g, h: loss_bar * g + h, gradient, hessian_product)
    assert_close(found, expected)


def test_a_robust_fit_goes_where_most_values_are(key):
    # Three values in ten are 1, the others 0: the mean is 0.3; Huber's minimum, where
    # 7 w = 3 * 0.05, is 0.021.
    class Constant(Field):
        w: jax.Array

        def __call__(self, x):
            return jnp.broadcast_to(self.w, (1, *x.shape[1:]))

    observation = Observation(jnp.zeros((10, 1)), (jnp.arange(10)[:, None] < 3).astype(float))
    for huber, expected in ((0.0, 0.3), (0.05, 3 * 0.05 / 7)):
        rule, loop = inner("sgd", 0.2, 200, huber=huber)
        found: Any = adapt(Points(), Constant(jnp.asarray(0.5)), rule, observation, loop, key)[0]
        np.testing.assert_allclose(found.w, expected, atol=1e-3)
