"""The sum of a sine network and a grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import Grid, Hybrid, Siren

SMALL = Hybrid(smooth=Siren(width=8, layers=2), sharp=Grid(levels=(3, 5), width=6))


def test_it_is_the_sum_of_its_parts(key):
    field = SMALL.build(key)
    points = jax.random.uniform(key, (2, 7))
    parts = field.smooth(points) + field.sharp(points)
    np.testing.assert_array_equal(field(points), parts)


def test_its_parts_have_its_coordinates_and_channels():
    config = Hybrid(1, 2, smooth=Siren(width=8), sharp=Grid(levels=(4, 9)))
    assert (config.smooth.in_size, config.smooth.out_size) == (1, 2)
    assert (config.sharp.in_size, config.sharp.out_size) == (1, 2)


def test_the_step_scales_are_those_of_its_parts(key):
    scales = SMALL.build(key).step_scales()
    assert scales.sharp.grids == (9.0, 25.0)
    assert scales.smooth.layers[0].weight == 1.0


def test_parts_that_squash_are_refused():
    with pytest.raises(InputError, match=r"sharp\.squash is true"):
        Hybrid(sharp=Grid(squash=True))


def test_its_grid_is_refined(key):
    field = SMALL.build(key)
    refined = field.for_size(10)
    assert refined.config.sharp.levels == (3, 10)
    points = jnp.asarray([[0.05, 0.4], [0.2, 0.95]])
    np.testing.assert_array_equal(refined.smooth(points), field.smooth(points))
