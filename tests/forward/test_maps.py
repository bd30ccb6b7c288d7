"""What tells forward maps apart: their settings, and whether they follow a key."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

from theta0.fields import Fourier, Positional
from theta0.forward import Lines, Points, Rays, Segments, Volume

rng = np.random.default_rng(0)
SEGMENTS = Segments(*rng.random((2, 5, 2), np.float32))
ORIGIN, DIRECTION = rng.standard_normal((2, 5, 3), np.float32)
RAYS = Rays(
    ORIGIN,
    DIRECTION,
    rng.uniform(0, 1, 5).astype(np.float32),
    rng.uniform(2, 3, 5).astype(np.float32),
)
FOURIER = Fourier(width=8, layers=3, features=8, bandwidth=5.0)
POSITIONAL = Positional(width=8, layers=3, bands=4, max_exponent=3.0)


def build(config):
    """A network whose density, if it has one, is above zero: a dead one would test nothing."""
    field = config.build(jax.random.PRNGKey(1))
    bias = field.layers[-1].bias
    return eqx.tree_at(lambda field: field.layers[-1].bias, field, bias.at[-1].add(2.0))


pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.slow
@pytest.mark.parametrize("forward", [Lines(samples=3), Volume(samples=3)])
def test_only_stratified_maps_follow_the_key(forward):
    p: Any
    p, config = (SEGMENTS, FOURIER) if isinstance(forward, Lines) else (RAYS, POSITIONAL)
    field, keys = build(config), jax.random.split(jax.random.PRNGKey(0))
    assert not np.array_equal(forward(field, p, keys[0]), forward(field, p, keys[1]))
    assert not np.array_equal(forward(field, p, keys[0]), forward(field, p))
    fixed = type(forward)(samples=3, stratified=False)
    np.testing.assert_array_equal(fixed(field, p, keys[0]), fixed(field, p))


def test_maps_are_plain_settings_compared_by_value():
    for make in (Points, Lines, Volume):
        assert make() == make() and hash(make()) == hash(make())
        assert not [leaf for leaf in jax.tree.leaves(make()) if eqx.is_array(leaf)]
    assert Lines(samples=3) != Lines(samples=4)
