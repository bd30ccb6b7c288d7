"""A SIREN with a frequency factor for each layer."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import Siren, evaluate, weights

from .distributions import check_uniform

pytestmark = pytest.mark.usefixtures("quick_compilation")

CONFIG = Siren(width=8, layers=4, layer_w0=(60.0, 20.0, 5.0))
POINTS = np.random.default_rng(0).random((6, 2))


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_it_equals_a_numpy_reference(x64, key):
    field, x = CONFIG.build(key), POINTS
    for layer, w0 in zip(field.layers[:-1], (60.0, 20.0, 5.0), strict=True):
        x = np.sin(w0 * (x @ np.asarray(layer.weight).T + layer.bias))
    expected = x @ np.asarray(field.layers[-1].weight).T + field.layers[-1].bias + 0.5
    np.testing.assert_allclose(evaluate(field, POINTS), expected, atol=1e-12)


def test_each_layer_is_initialized_by_its_own_and_the_output_by_the_last(key):
    field = replace(CONFIG, width=256).build(key)
    check_uniform(field.layers[0].weight, 1 / 2)
    for layer, w0 in zip(field.layers[1:], (20.0, 5.0, 5.0), strict=True):
        check_uniform(layer.weight, np.sqrt(6 / 256) / w0)
    assert not any(np.any(layer.bias) for layer in field.layers)


def test_equal_ones_are_the_network_with_one_for_all(key):
    plain = Siren(width=8, layers=4, w0=30.0)
    one, same = plain.build(key), replace(plain, w0=1.0, layer_w0=(30.0,) * 3).build(key)
    assert equal(one, same)
    x = jnp.asarray(POINTS.T, jnp.float32)
    np.testing.assert_array_equal(one(x), same(x))
    np.testing.assert_array_equal(jax.jit(lambda x: one(x))(x), jax.jit(lambda x: same(x))(x))


def test_without_hidden_layers_there_is_none_to_give(key):
    assert Siren(layers=1).hidden_w0 == Siren(layers=1).initial_w0 == ()
    assert equal(Siren(layers=1).build(key), Siren(layers=1, w0=3.0).build(key))


def test_another_w0_makes_it_the_same_in_every_layer(key):
    made, built = CONFIG.build(key).with_w0(12.0), Siren(width=8, layers=4, w0=12.0).build(key)
    assert made.config == built.config
    for one, other in zip(weights(made), weights(built), strict=True):
        # A draw is rounded on the scale of the bound, sqrt(6 / 8) / 12 = 0.07, or 1/2 at first.
        np.testing.assert_allclose(one, other, atol=1e-7)
