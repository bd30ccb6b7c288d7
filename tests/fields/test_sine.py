"""The fast sine and cosine against float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import cosine, sine
from theta0.fields._sine import RANGE

# What the docstrings promise: 2.5 units in the last place of 1.
TOLERANCE = 3e-7
# n * PI_LOW reaches 31, where half a unit in the last place is 9.5e-7: lost unless it is fused.
UNFUSED_TOLERANCE = 1.3e-6

PAIRS = [(sine, np.sin), (cosine, np.cos)]


def awkward() -> np.ndarray:
    """Where range reduction cancels: floats next to multiples of pi / 2; and tiny, huge, zeros."""
    k = np.concatenate([np.arange(-2000, 2001), np.arange(-63_661, 63_662, 17)])
    multiples = (k * (np.pi / 2)).astype(np.float32)
    around = [multiples]
    for toward in (-np.inf, np.inf):
        step = multiples
        for _ in range(3):
            step = np.nextafter(step, np.float32(toward))
            around.append(step)
    tiny = np.logspace(-37, 0, 2000, dtype=np.float32)
    ends = np.array([0.0, -0.0, 1e-45, RANGE, -RANGE], np.float32)
    x = np.concatenate([*around, tiny, -tiny, ends])
    return x[np.abs(x) <= RANGE]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("function, reference", PAIRS, ids=["sine", "cosine"])
@pytest.mark.parametrize("which", ["dense", "network", "awkward"])
def test_absolute_error_over_the_stated_range(function, reference, which, compiled):
    x = {
        "dense": np.linspace(-RANGE, RANGE, 1_000_001, dtype=np.float32),
        "network": np.linspace(-500, 500, 1_000_001, dtype=np.float32),
        "awkward": awkward(),
    }[which]
    found = np.asarray((jax.jit(function) if compiled else function)(jnp.asarray(x)), np.float64)
    error = np.abs(found - reference(x.astype(np.float64)))
    assert error.max() <= (TOLERANCE if compiled else UNFUSED_TOLERANCE)
    assert error[np.abs(x) <= 8000].max() <= TOLERANCE


def test_small_arguments_keep_their_relative_accuracy():
    x = np.logspace(-30, -2, 10_000, dtype=np.float32)
    exact = np.sin(x.astype(np.float64))
    assert np.abs(np.asarray(sine(jnp.asarray(x))) / exact - 1).max() <= TOLERANCE


def test_sine_is_odd_and_cosine_is_even_bit_for_bit():
    x = np.concatenate([awkward(), np.linspace(0, 1000, 100_001, dtype=np.float32)])
    x = jnp.asarray(x)
    np.testing.assert_array_equal(sine(-x), -sine(x))
    np.testing.assert_array_equal(cosine(-x), cosine(x))


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_are_the_analytic_ones(order):
    x = np.concatenate([np.linspace(-300, 300, 5001), np.arange(-40, 41) * np.pi / 2])
    x = x.astype(np.float32)
    cycle = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]
    for first, function in enumerate((sine, cosine)):
        forward, reverse = function, function
        for _ in range(order):
            reverse = jax.grad(reverse)
            forward = jax.jacfwd(forward)
        exact = cycle[(first + order) % 4](x.astype(np.float64))
        for derivative in (forward, reverse):
            assert np.abs(np.asarray(jax.vmap(derivative)(x)) - exact).max() <= TOLERANCE


@pytest.mark.parametrize("function", [sine, cosine])
def test_outside_the_range_is_not_a_number(function):
    beyond = np.nextafter(np.float32(RANGE), np.float32(np.inf))
    x = jnp.asarray([beyond, -beyond, 1e9, -3e38, np.inf, -np.inf, np.nan], jnp.float32)
    assert np.isnan(function(x)).all()
    assert np.isnan(jax.vmap(jax.grad(function))(x)).all()
    assert np.isfinite(function(jnp.float32([RANGE, -RANGE]))).all()


def test_other_types_are_exact(x64):
    x = jnp.concatenate([jnp.linspace(-1e6, 1e6, 10_001), jnp.asarray([0.0, np.pi, 1e-300])])
    assert x.dtype == jnp.float64
    np.testing.assert_allclose(sine(x), np.sin(x), rtol=0, atol=1e-15)
    np.testing.assert_allclose(cosine(x), np.cos(x), rtol=0, atol=1e-15)
    np.testing.assert_allclose(jax.vmap(jax.grad(sine))(x), np.cos(x), rtol=0, atol=1e-15)
    half = jnp.linspace(-3, 3, 101, dtype=jnp.float16)
    assert sine(half).dtype == jnp.float16
    np.testing.assert_array_equal(sine(half), jnp.sin(half))
