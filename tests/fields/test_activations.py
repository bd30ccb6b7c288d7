"""FINER, WIRE and Gaussian activations: initialization, closed forms, derivatives, bad settings."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.conformance import check_gradient
from theta0.errors import InputError
from theta0.fields import (
    ComplexLinear,
    Finer,
    Gaussian,
    Linear,
    Siren,
    Wire,
    WireField,
    count_weights,
    evaluate,
    weights,
)

from .distributions import check_uniform

pytestmark = pytest.mark.usefixtures("quick_compilation")

SMALL = {
    "finer": Finer(width=9, layers=4, w0=10.0, first_bias=2.0),
    "wire": Wire(width=13, layers=4, omega0=6.0, sigma0=2.0),
    "gaussian": Gaussian(width=9, layers=4, sigma=0.3),
}
POINTS = np.random.default_rng(0).random((6, 2))


@pytest.mark.parametrize(
    "config, expected", [(Finer(), 198_915), (Wire(), 133_400), (Gaussian(), 198_915)]
)
def test_the_defaults_have_the_weights_their_documentation_says(config, expected, key):
    field = config.build(key)
    assert count_weights(field) == expected
    assert f"{expected:,} weights" in type(config).__doc__


@pytest.mark.parametrize("first_bias, bound", [(None, 1 / np.sqrt(2)), (5.0, 5.0)])
def test_finer_is_initialized_as_a_siren_with_biases(first_bias, bound, key):
    field = Finer(first_bias=first_bias).build(key)
    check_uniform(field.layers[0].weight, 1 / 2)
    check_uniform(field.layers[0].bias, bound)
    for layer in field.layers[1:]:
        check_uniform(layer.weight, np.sqrt(6 / 256) / 30)
        check_uniform(layer.bias, 1 / 16)


def test_wire_is_initialized_in_both_parts_by_its_complex_inputs(key):
    field = Wire(layers=4).build(key)
    # 256 / sqrt(2) = 181.02 complex units.
    assert field.first.weight.shape == (181, 2) and field.last.weight.shape == (3, 2 * 181)
    check_uniform(field.first.weight, 1 / np.sqrt(2))
    check_uniform(field.first.bias, 1 / np.sqrt(2))
    parts = [part for layer in field.hidden for part in (layer.real, layer.imaginary)]
    assert len(parts) == 4
    for part in (*parts, field.last):
        check_uniform(part.weight, 1 / np.sqrt(181))
        check_uniform(part.bias, 1 / np.sqrt(181))
    # Independent draws: the correlation of n pairs scatters by 1 / sqrt(n).
    pairs = np.corrcoef([np.ravel(part.weight) for part in parts]) - np.eye(4)
    assert np.abs(pairs).max() <= 5 / 181


def test_gaussian_is_initialized_by_the_inputs_of_a_layer(key):
    for layer in Gaussian().build(key).layers:
        check_uniform(layer.weight, layer.weight.shape[1] ** -0.5)
        check_uniform(layer.bias, layer.weight.shape[1] ** -0.5)


@pytest.mark.slow
def test_finer_equals_a_numpy_reference(x64, key):
    field, x = SMALL["finer"].build(key), POINTS
    for layer in field.layers[:-1]:
        z = x @ np.asarray(layer.weight).T + layer.bias
        x = np.sin(10.0 * (np.abs(z) + 1) * z)
    expected = x @ np.asarray(field.layers[-1].weight).T + field.layers[-1].bias + 0.5
    np.testing.assert_allclose(evaluate(field, POINTS), expected, atol=1e-13)


def test_gaussian_equals_a_numpy_reference(x64, key):
    field, x = SMALL["gaussian"].build(key), POINTS
    for layer in field.layers[:-1]:
        x = np.exp(-((x @ np.asarray(layer.weight).T + layer.bias) ** 2) / (2 * 0.3**2))
    expected = x @ np.asarray(field.layers[-1].weight).T + field.layers[-1].bias + 0.5
    np.testing.assert_allclose(evaluate(field, POINTS), expected, atol=1e-13)


def test_wire_equals_complex_arithmetic(x64, key):
    field = SMALL["wire"].build(key)
    wavelet = lambda z: np.exp(6.0j * z - np.abs(2.0 * z) ** 2)
    h = wavelet(POINTS @ np.asarray(field.first.weight).T + field.first.bias)
    for layer in field.hidden:
        weight = np.asarray(layer.real.weight) + 1j * np.asarray(layer.imaginary.weight)
        h = wavelet(h @ weight.T + (layer.real.bias + 1j * layer.imaginary.bias))
    real, minus_imaginary = np.split(np.asarray(field.last.weight), 2, axis=1)
    expected = (h @ (real - 1j * minus_imaginary).T).real + field.last.bias + 0.5
    np.testing.assert_allclose(evaluate(field, POINTS), expected, atol=1e-13)


def of_one_unit(config, *layers):
    """A network on the line whose layers have these weights and biases."""
    field = config.build(jax.random.PRNGKey(0))
    made = tuple(Linear(jnp.array([[w]]), jnp.array([b])) for w, b in layers)
    return eqx.tree_at(lambda field: field.layers, field, made)


LINE = {"in_size": 1, "out_size": 1, "output_offset": 0.25}


def test_one_finer_unit_in_closed_form(x64):
    field = of_one_unit(Finer(width=1, layers=2, w0=3.0, **LINE), (2.0, -1.0), (0.5, 0.1))
    value = lambda x: field(jnp.array([x]))[0]
    for x, z in ((0.2, -0.6), (1.5, 2.0), (0.5, 0.0)):
        phase = 3 * (abs(z) + 1) * z
        assert value(x) == pytest.approx(0.35 + 0.5 * np.sin(phase), abs=1e-14)
        # d phase / dz = 3 (2 |z| + 1), at the kink of |z|, too.
        slope = 0.5 * np.cos(phase) * 3 * (2 * abs(z) + 1) * 2
        assert jax.grad(value)(x) == pytest.approx(slope, abs=1e-13)


def test_one_gaussian_unit_in_closed_form(x64):
    field = of_one_unit(Gaussian(width=1, layers=2, sigma=0.5, **LINE), (2.0, -1.0), (0.7, 0.1))
    value = lambda x: field(jnp.array([x]))[0]
    for x, z in ((0.2, -0.6), (0.75, 0.5), (0.5, 0.0)):
        bell = 0.7 * np.exp(-2 * z**2)
        assert value(x) == pytest.approx(0.35 + bell, abs=1e-14)
        assert jax.grad(value)(x) == pytest.approx(-4 * z * bell * 2, abs=1e-13)
    # Far away nothing of it is left, in single precision either.
    far = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), field)
    assert far(jnp.array([1e4], jnp.float32))[0] == np.float32(0.1) + np.float32(0.25)


def test_one_wire_unit_in_closed_form(x64):
    config = Wire(width=2, layers=3, omega0=3.0, sigma0=0.5, **LINE)
    linear = lambda weight, bias: Linear(jnp.array(weight), jnp.array(bias))
    hidden = ComplexLinear(linear([[0.3]], [0.2]), linear([[-0.4]], [0.1]))
    field = WireField(linear([[2.0]], [-1.0]), (hidden,), linear([[0.7, -0.6]], [0.1]), config)
    # The output is Re((0.7 + 0.6 i) h) + 0.1 + 0.25.
    for x in (0.2, 0.5, 1.5):
        u = 2 * x - 1
        h = np.exp(-0.25 * u**2) * (np.cos(3 * u) + 1j * np.sin(3 * u))
        z = (0.3 - 0.4j) * h + (0.2 + 0.1j)
        size = np.exp(-3 * z.imag - 0.25 * (z.real**2 + z.imag**2))
        expected = size * (0.7 * np.cos(3 * z.real) - 0.6 * np.sin(3 * z.real)) + 0.35
        assert field(jnp.array([x]))[0] == pytest.approx(expected, abs=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_derivatives_along_the_coordinates_match_finite_differences(name, x64, key):
    field, mixture = SMALL[name].build(key), np.random.default_rng(1).standard_normal((3, 6))
    value = jax.jit(lambda x: jnp.sum(mixture * field(x)))
    at = jnp.asarray(POINTS.T)
    check_gradient(value, at, jax.grad(value)(at), rtol=1e-6)
    # The Laplacian and its like: the gradient along a direction, differentiated again.
    along = jnp.asarray(np.random.default_rng(2).standard_normal((2, 6)))
    sloped = jax.jit(lambda x: jnp.sum(along * jax.grad(value)(x)))
    check_gradient(sloped, at, jax.grad(sloped)(at), rtol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_is_real_and_has_a_gradient(name, key):
    field = SMALL[name].build(key)
    assert all(leaf.dtype == jnp.float32 for leaf in weights(field))
    x = jnp.asarray(POINTS.T, jnp.float32)
    gradient = eqx.filter_jit(eqx.filter_grad(lambda field: jnp.sum(field(x) ** 2)))(field)
    assert len(weights(gradient)) == len(jax.tree.leaves(field))
    assert all(np.any(leaf) for leaf in weights(gradient))


@pytest.mark.parametrize(
    "kind, settings, message",
    [
        (Finer, {"w0": 0.0}, "w0 is 0.0; give a number above 0"),
        (Finer, {"first_bias": -1.0}, "first_bias is -1.0; give a number above 0"),
        (Finer, {"first_bias": float("inf")}, "first_bias is infinite"),
        (Wire, {"omega0": float("nan")}, "omega0 is nan; give a number above 0"),
        (Wire, {"sigma0": 0.0}, "sigma0 is 0.0; give a number above 0"),
        (Wire, {"width": 1}, "width is 1; give at least 2"),
        (Wire, {"layers": 1}, "layers is 1; give at least 2"),
        (Gaussian, {"sigma": -0.1}, "sigma is -0.1; give a number above 0"),
        (Gaussian, {"width": 10**6}, "width is 1000000.*choose a smaller network"),
        (
            Siren,
            {"layers": 4, "layer_w0": (1.0,)},
            r"layer_w0 is \(1.0,\), but 4 layers have 3 hidden",
        ),
        (Siren, {"layers": 2, "layer_w0": (0.0,)}, r"layer_w0 is \(0.0,\); give finite numbers"),
        (Siren, {"layers": 2, "layer_w0": (float("inf"),)}, r"layer_w0 is \(inf,\)"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(kind, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        kind(**settings)
    assert "\n" not in str(caught.value)
