"""The mean of two networks, one of which sees the square mirrored."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import FlipAverage, FlipAverageField, Positional, Siren, evaluate, flip

SIREN = Siren(width=6, layers=3, w0=10.0)


def test_left_and_right_are_exchanged(x64):
    points = np.array([[0.5, 0.5], [1.0, 0.25], [0.3, 1.0]])
    np.testing.assert_allclose(flip(points), [[0.5, 0.5], [1.0, 0.75], [0.3, 0.0]])
    assert flip(points.astype(np.float32)).dtype == jnp.float32


@pytest.mark.slow
def test_the_value_is_the_mean_of_both_where_they_see_the_point(x64, key):
    one, two = (SIREN.build(each) for each in jax.random.split(key))
    field = FlipAverageField(one, two, FlipAverage(SIREN))
    points = np.random.default_rng(0).random((9, 2))
    expected = (evaluate(one, points) + evaluate(two, points * [1, -1] + [0, 1])) / 2
    np.testing.assert_allclose(evaluate(field, points), expected, rtol=1e-12)
    np.testing.assert_allclose(field(jnp.asarray(points[4])), expected[4], rtol=1e-12)
    # Of one network the mean is its own mirror image.
    fresh = FlipAverage(SIREN).build(key)
    np.testing.assert_allclose(evaluate(fresh, points), evaluate(fresh, flip(points)), rtol=1e-12)


def test_what_is_not_on_a_plane_is_refused():
    with pytest.raises(InputError, match="3 inputs"):
        FlipAverage(Positional())
