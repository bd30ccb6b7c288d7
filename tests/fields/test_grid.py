"""The feature grid against closed forms and SciPy's interpolation."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from theta0.errors import InputError
from theta0.fields import Grid, count_weights
from theta0.fields._grid import _row


def one_level(key, side, dimensions, features=3, **settings):
    config = Grid(dimensions, levels=(side,), features=features, **settings)
    return config.build(key)


@pytest.mark.slow
def test_the_default_has_the_weights_its_documentation_says(key):
    assert count_weights(Grid().build(key)) == 135_278


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_linear_interpolation_is_scipys(key, dimensions):
    side, low, high = 5, -1.5, 2.0
    field = one_level(key, side, dimensions, low=low, high=high)
    centres = low + (np.arange(side) + 0.5) / side * (high - low)
    table = np.asarray(field.grids[0], np.float64).reshape(*[side] * dimensions, 3)
    oracle = RegularGridInterpolator([centres] * dimensions, table)
    points = np.random.default_rng(0).uniform(low - 0.5, high + 0.5, (200, dimensions))
    # Beyond the outermost samples a point sees the border.
    expected = oracle(np.clip(points, centres[0], centres[-1]))
    found = field.encode(jnp.asarray(points.T, jnp.float32))
    np.testing.assert_allclose(found.T, expected, atol=2e-6)


@pytest.mark.parametrize("interpolation", ["linear", "smoothstep", "quintic"])
def test_samples_are_met_exactly_and_a_constant_stays_one(key, interpolation):
    field = one_level(key, 4, 2, interpolation=interpolation)
    centres = (np.stack(np.meshgrid(*[range(4)] * 2, indexing="ij")) + 0.5) / 4
    found = field.encode(jnp.asarray(centres, jnp.float32))
    np.testing.assert_allclose(found.reshape(3, -1).T, field.grids[0], atol=1e-6)
    constant = eqx.tree_at(lambda field: field.grids[0], field, jnp.ones((16, 3)))
    points = jax.random.uniform(key, (2, 50))
    np.testing.assert_allclose(constant.encode(points), 1, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("order, interpolation", [(0, "linear"), (1, "smoothstep"), (2, "quintic")])
def test_derivatives_along_the_coordinates_are_continuous_to_their_order(key, order, interpolation):
    field = one_level(key, 6, 1, features=1, interpolation=interpolation)
    value = lambda x: field.encode(jnp.asarray(x)[None])[0]
    derivatives = [value]
    for _ in range(order + 1):
        derivatives.append(jax.grad(derivatives[-1]))
    sample = 2.5 / 6
    jumps = [
        abs(float(derivative(sample + 1e-4) - derivative(sample - 1e-4)))
        for derivative in derivatives
    ]
    sizes = [abs(float(derivative(sample + 0.03))) + 1e-6 for derivative in derivatives]
    continuous = [jump < 0.02 * size for jump, size in zip(jumps, sizes, strict=True)]
    assert all(continuous[: order + 1]) and not continuous[order + 1]


def test_levels_with_too_many_samples_share_rows_by_the_published_hash():
    cells = np.array(list(itertools.product(range(40), range(40), range(40)))).T
    rows = np.asarray(_row([jnp.asarray(axis, jnp.int32) for axis in cells], 40, 1000))
    primes = np.array([1, 2654435761, 805459861], np.uint64)
    mixed = np.bitwise_xor.reduce(cells.astype(np.uint64) * primes[:, None] % 2**32, axis=0)
    assert (rows == mixed % 1000).all()
    counts = np.bincount(rows, minlength=1000)
    assert counts.min() > 0  # spread over all of them
    dense = _row([jnp.asarray(axis, jnp.int32) for axis in cells], 40, 40**3)
    assert (np.asarray(dense) == np.arange(40**3)).all()


@pytest.mark.slow
def test_a_hashed_grid_takes_as_many_rows_as_its_table(key):
    field = Grid(3, levels=(4, 64), table=500, features=2).build(key)
    assert [len(grid) for grid in field.grids] == [64, 500]
    assert np.isfinite(field(jax.random.uniform(key, (3, 20)))).all()


@pytest.mark.slow
def test_features_begin_uniform_and_weights_normal(key):
    field = Grid(width=128, levels=(64, 128), scale=0.2).build(key)
    for grid in field.grids:
        assert np.abs(grid).max() <= 0.2
        assert abs(float(jnp.mean(grid**2)) / (0.2**2 / 3) - 1) < 0.03
    hidden = field.layers[1].weight
    assert abs(float(jnp.mean(hidden**2)) / (2 / 128) - 1) < 0.05
    assert not any(float(jnp.abs(layer.bias).max()) for layer in field.layers)


@pytest.mark.slow
def test_the_skip_is_a_linear_function_of_the_features(key):
    field = Grid(levels=(4, 8), width=8).build(key)
    silent = eqx.tree_at(
        lambda field: (field.layers[-1].weight, field.layers[-1].bias),
        field,
        replace_fn=jnp.zeros_like,
    )
    points = jax.random.uniform(key, (2, 20))
    assert field.skip is not None
    expected = field.skip(field.encode(points)) + 0.5
    np.testing.assert_allclose(silent(points), expected, atol=1e-6)
    assert Grid(levels=(4, 8), width=8, skip=False).build(key).skip is None


@pytest.mark.slow
def test_a_squashed_grid_stays_between_0_and_1(key):
    field = Grid(width=8, levels=(4,), scale=50.0, squash=True).build(key)
    values = field(jax.random.uniform(key, (2, 100)))
    assert values.min() >= 0 and values.max() <= 1


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"in_size": 4}, "in_size is 4; a grid has 1, 2 or 3"),
        ({"levels": (8, 8)}, "levels is .*rising"),
        ({"levels": (8, 4)}, "levels is .*rising"),
        ({"levels": ()}, "levels is"),
        ({"levels": (1, 2)}, "at least 2 samples"),
        ({"low": 1.0}, "low is 1.0; give less than high"),
        ({"features": 0}, "features is 0"),
        ({"table": 0}, "table is 0"),
        ({"in_size": 3, "levels": (100_000,), "table": 2**31 - 1}, "GiB .*smaller levels"),
    ],
)
def test_what_cannot_be_is_refused(settings, words):
    with pytest.raises(InputError, match=words):
        Grid(**settings)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_refined_level_shows_what_it_showed(key, dimensions):
    """Where samples of both lie, and of what is linear everywhere inside."""
    side, finer = 4, 12  # three samples each: the middle one lies where the old one did
    field = one_level(key, side, dimensions)
    refined = field.for_size(finer)
    assert refined.config.levels == (finer,) and len(refined.grids[0]) == finer**dimensions
    old = field.grids[0].reshape(*[side] * dimensions, 3)
    new = refined.grids[0].reshape(*[finer] * dimensions, 3)[(slice(1, None, 3),) * dimensions]
    np.testing.assert_allclose(new, old, atol=1e-6)
    ramp = (jnp.arange(side) + 0.5) / side
    table = jnp.stack(jnp.meshgrid(*[ramp] * dimensions, indexing="ij"), -1).sum(-1)
    table = jnp.repeat(table.reshape(-1, 1), 3, axis=1)
    linear = eqx.tree_at(lambda field: field.grids[0], field, table).for_size(finer)
    points = jax.random.uniform(key, (dimensions, 50), minval=0.25, maxval=0.75)
    expected = jnp.broadcast_to(points.sum(0), (3, 50))
    np.testing.assert_allclose(linear.encode(points), expected, atol=1e-5)


def test_only_the_finest_level_is_refined_and_never_made_coarser(key):
    field = Grid(levels=(3, 6), width=4).build(key)
    assert field.for_size(6) is field and field.for_size(2) is field
    refined = field.for_size(9)
    np.testing.assert_array_equal(refined.grids[0], field.grids[0])
    assert refined.step_scales().grids == (9.0, 81.0)


def test_a_refined_level_gets_rows_for_all_its_samples(key):
    field = Grid(levels=(3, 6), width=4, table=40).build(key)
    assert len(field.for_size(9).grids[1]) == 81


def test_samples_that_share_rows_cannot_be_refined(key):
    field = Grid(levels=(3, 9), width=4, table=20).build(key)
    with pytest.raises(InputError, match="level 9 share rows by a hash"):
        field.for_size(18)
