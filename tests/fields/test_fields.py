"""The three networks: sizes, initialization, encodings, layouts."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import (
    Fourier,
    Positional,
    Siren,
    count_weights,
    evaluate,
    weights,
)
from theta0.forward import Observation, Points
from theta0.inner import Adam, InnerLoop, fit, loss_and_gradient

from .distributions import check_truncated_normal, check_uniform

SMALL = {
    "siren": Siren(width=12, layers=4),
    # w0 and bandwidth lower than the paper's, so that rounding is not amplified by 200 a layer.
    "smooth siren": Siren(width=12, layers=3, w0=20.0, out_size=1),
    "fourier": Fourier(width=12, layers=3, features=8),
    "positional": Positional(width=12, layers=3, bands=6, max_exponent=4.0),
}


@pytest.mark.parametrize(
    "config, expected",
    [(Siren(), 198_915), (Fourier(), 328_961), (Positional(), 295_172)],
)
def test_weight_counts_are_the_papers(config, expected, key):
    assert count_weights(config.build(key)) == expected


@pytest.mark.parametrize("seed", [0, 1])
def test_siren_initialization(seed):
    field = Siren().build(jax.random.PRNGKey(seed))
    check_uniform(field.layers[0].weight, 1 / 2)
    for layer in field.layers[1:]:
        check_uniform(layer.weight, np.sqrt(6 / 256) / 200)
    assert not any(np.any(layer.bias) for layer in field.layers)
    assert [layer.weight.shape for layer in field.layers] == [
        (256, 2), (256, 256), (256, 256), (256, 256), (3, 256),
    ]  # fmt: skip


@pytest.mark.parametrize("config", [Fourier(), Positional()])
def test_relu_networks_are_initialized_with_variance_one_over_inputs(config, key):
    field = config.build(key)
    for layer in field.layers:
        check_truncated_normal(layer.weight, 1 / layer.weight.shape[1])
        assert not np.any(layer.bias)


def test_fourier_frequencies_are_normal_with_the_bandwidth(key):
    frequencies = np.asarray(Fourier(features=4096).build(key).frequencies(), np.float64)
    count = frequencies.size
    assert abs(frequencies.mean()) <= 5 * 30 / np.sqrt(count)
    assert abs(np.mean(frequencies**2) / 900 - 1) <= 5 * np.sqrt(2 / count)
    # Not truncated: of 8192 normal values some lie beyond three deviations.
    assert np.abs(frequencies).max() > 90


@pytest.mark.parametrize("name", SMALL)
def test_initialization_is_a_function_of_the_key_and_layers_differ(name, key):
    build = SMALL[name].build
    first, again, other = (weights(build(k)) for k in (key, key, jax.random.PRNGKey(1)))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True) if a.ndim == 2)
    hidden = [leaf for leaf in first if leaf.shape == (12, 12)]
    assert all(not np.array_equal(hidden[0], leaf) for leaf in hidden[1:])


@pytest.mark.parametrize("name", SMALL)
def test_evaluate_is_the_field_with_points_leading(name, key):
    field = SMALL[name].build(key)
    points = jax.random.uniform(key, (5, SMALL[name].in_size))
    np.testing.assert_array_equal(evaluate(field, points), field(points.T).T)


def test_siren_equals_a_numpy_reference(x64, key):
    config = Siren(width=9, layers=4, w0=30.0, output_offset=0.25)
    field = config.build(key)
    points = np.random.default_rng(0).random((6, 2))
    x = points
    for layer in field.layers[:-1]:
        x = np.sin(30.0 * (x @ np.asarray(layer.weight).T + layer.bias))
    expected = x @ np.asarray(field.layers[-1].weight).T + field.layers[-1].bias + 0.25
    np.testing.assert_allclose(evaluate(field, jnp.asarray(points)), expected, atol=1e-13)


@pytest.mark.slow
def test_fourier_equals_a_numpy_reference(x64, key):
    field = SMALL["fourier"].build(key)
    points = np.random.default_rng(0).random((6, 2))
    phases = points @ np.asarray(field.frequencies()).T
    encoded = np.concatenate([np.sin(phases), np.cos(phases)], axis=1)
    np.testing.assert_allclose(field.encode(jnp.asarray(points.T)).T, encoded, atol=1e-13)
    x = encoded
    for layer in field.layers[:-1]:
        x = np.maximum(x @ np.asarray(layer.weight).T + layer.bias, 0)
    x = x @ np.asarray(field.layers[-1].weight).T + field.layers[-1].bias
    np.testing.assert_allclose(
        evaluate(field, jnp.asarray(points)), 1 / (1 + np.exp(-x)), atol=1e-13
    )


@pytest.mark.slow
def test_positional_equals_a_numpy_reference(x64, key):
    config = Positional(width=9, layers=3)
    field = config.build(key)
    points = np.random.default_rng(0).standard_normal((6, 3))
    phases = np.concatenate([points * 2.0**k for k in np.linspace(0, 8, 20)], axis=1)
    encoded = np.concatenate([np.sin(phases), np.cos(phases)], axis=1)
    np.testing.assert_allclose(field.encode(jnp.asarray(points.T)).T, encoded, atol=1e-11)
    x = encoded
    for layer in field.layers[:-1]:
        x = np.maximum(x @ np.asarray(layer.weight).T + layer.bias, 0)
    x = x @ np.asarray(field.layers[-1].weight).T + field.layers[-1].bias
    found = evaluate(field, jnp.asarray(points))
    np.testing.assert_allclose(found[:, :3], 1 / (1 + np.exp(-x[:, :3])), atol=1e-11)
    np.testing.assert_allclose(found[:, 3:], x[:, 3:], atol=1e-11)


@pytest.mark.slow
def test_encodings_in_float32_follow_the_exact_ones(key):
    # Positional: phases up to 2^8 * 4 = 1000, where a float32 step is 6e-5: half of it, plus 3e-7.
    field = Positional(width=4, layers=2).build(key)
    x = np.float32(np.random.default_rng(0).uniform(-4, 4, (3, 100)))
    phases = (2.0 ** np.linspace(0, 8, 20)[:, None, None] * x).reshape(60, 100)
    exact = np.concatenate([np.sin(phases), np.cos(phases)])
    # The bands themselves are float32, too: another half a step.
    assert np.abs(field.encode(jnp.asarray(x)) - exact).max() <= 2e-4


def test_another_frequency_of_a_siren_is_the_network_built_with_it(key):
    config = Siren(width=8, layers=4, w0=30.0, squash=True)
    built, made = replace(config, w0=12.0).build(key), config.build(key).with_w0(12.0)
    assert made.config == built.config
    for one, other in zip(weights(made), weights(built), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_siren_of_zero_weights_shows_its_offset(key):
    field = jax.tree.map(jnp.zeros_like, Siren(width=8).build(key))
    np.testing.assert_array_equal(field(jnp.ones((2, 4))), np.full((3, 4), 0.5, np.float32))


@pytest.mark.slow
def test_a_squashed_siren_is_the_plain_one_bent_at_both_ends(x64, key):
    plain = Siren(width=9, layers=3, out_size=1, w0=30.0)
    points = jax.random.uniform(key, (50, 2))
    raw = evaluate(plain.build(key), points) - 0.5
    shown = evaluate(replace(plain, squash=True).build(key), points)
    np.testing.assert_allclose(shown, 1 / (1 + np.exp(-4 * raw)), atol=1e-14)
    # A fresh network's small values pass as they are.
    np.testing.assert_allclose(0.5 + raw, shown, atol=6 * np.abs(raw).max() ** 3)
    large = jax.tree.map(lambda leaf: 30 * leaf, replace(plain, squash=True).build(key))
    values = evaluate(large, points)
    assert 0 <= values.min() < 0.1 and 0.9 < values.max() <= 1


@pytest.mark.slow
def test_outputs_stay_in_their_ranges_for_large_weights(key):
    large = lambda field: jax.tree.map(lambda leaf: 10 * leaf, field)
    x = jax.random.uniform(key, (3, 1000))
    values = eqx.filter_jit(large(SMALL["fourier"].build(key)))(x[:2])
    assert 0 <= values.min() < 0.1 and 0.9 < values.max() <= 1
    values = eqx.filter_jit(large(SMALL["positional"].build(key)))(x)
    assert values[:3].min() >= 0 and values[:3].max() <= 1
    # The density is raw: of either sign, and unbounded.
    assert values[3].min() < -1 or values[3].max() > 1


@pytest.mark.slow
def test_frozen_arrays_get_no_gradient_are_not_counted_and_stay(key):
    field = SMALL["fourier"].build(key)
    assert count_weights(field) == (16 * 12 + 12) + (12 * 12 + 12) + (12 + 1)
    assert not any(leaf is field.frequencies.value for leaf in weights(field))
    points = jax.random.uniform(key, (20, 2))
    observation = Observation(points, jnp.ones((20, 1)))
    gradient: Any = loss_and_gradient(Points(), field, observation)[1]
    assert not np.any(gradient.frequencies.value)
    assert all(np.any(leaf) for leaf in weights(gradient))
    fitted: Any = fit(Points(), field, Adam(1e-2), observation, InnerLoop(5), key).field
    np.testing.assert_array_equal(fitted.frequencies.value, field.frequencies.value)
    assert not np.array_equal(fitted.layers[0].weight, field.layers[0].weight)
