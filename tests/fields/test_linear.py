"""``product`` and all its derivatives are those of the plain matrix product."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields._linear import Linear, product


def network(multiply):
    """Two layers with a nonlinearity, so that every second derivative is present."""

    def value(arrays):
        first, second, x = arrays
        return jnp.sum(jnp.tanh(multiply(second, jnp.sin(multiply(first, x)))) ** 2)

    return value


@pytest.fixture
def arrays(x64):
    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.standard_normal(shape))
    return (draw(7, 3), draw(4, 7), draw(3, 5)), (draw(7, 3), draw(4, 7), draw(3, 5))


def plain(weight, x):
    return weight @ x


DERIVATIVES = {
    "value": lambda f, at, along: f(at),
    "jvp": lambda f, at, along: jax.jvp(f, (at,), (along,)),
    "vjp": lambda f, at, along: jax.grad(f)(at),
    "forward over reverse": lambda f, at, along: jax.jvp(jax.grad(f), (at,), (along,)),
    "reverse over forward": lambda f, at, along: jax.grad(
        lambda at: jax.jvp(f, (at,), (along,))[1]
    )(at),
    "reverse over reverse": lambda f, at, along: jax.vjp(jax.grad(f), at)[1](along),
    "forward over forward": lambda f, at, along: jax.jvp(
        lambda at: jax.jvp(f, (at,), (along,))[1], (at,), (along,)
    ),
    "third": lambda f, at, along: jax.grad(
        lambda at: sum(map(jnp.sum, jax.jvp(jax.grad(f), (at,), (along,))[1]))
    )(at),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_equal_those_of_the_plain_product(arrays, name):
    # Compiled, since it is the compiler that could fold the barriers away. float64 sums in
    # another order: 1e-12 of the largest entry.
    def run(multiply):
        return jax.jit(lambda at, along: DERIVATIVES[name](network(multiply), at, along))(*arrays)

    for found, expected in zip(
        jax.tree.leaves(run(product)), jax.tree.leaves(run(plain)), strict=True
    ):
        scale = float(jnp.abs(expected).max())
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("points", [(), (6,), (6, 5), (3, 2, 4)])
def test_a_layer_acts_on_the_leading_axis_whatever_trails(points, x64):
    # (3, 2, 4): as many points along the next axis as inputs must not mix the two up.
    rng = np.random.default_rng(1)
    layer = Linear(jnp.asarray(rng.standard_normal((5, 3))), jnp.arange(5.0))
    x = rng.standard_normal((3, *points))
    expected = np.tensordot(layer.weight, x, 1) + np.arange(5.0).reshape(5, *[1] * len(points))
    np.testing.assert_allclose(layer(jnp.asarray(x)), expected, rtol=1e-13, atol=1e-13)
    square = lambda layer, x: jnp.sum(layer(x) ** 2)
    found = jax.grad(square)(layer, jnp.asarray(x)).weight
    reference = 2 * np.tensordot(expected.reshape(5, -1), x.reshape(3, -1), (1, 1))
    np.testing.assert_allclose(found, reference, rtol=1e-12, atol=1e-12)
