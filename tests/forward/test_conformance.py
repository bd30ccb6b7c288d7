"""Every forward map against the properties all of them share."""

import equinox as eqx
import jax
import numpy as np
import pytest

from theta0.conformance import check_forward
from theta0.fields import Field, FourierConfig, PositionalConfig, SirenConfig
from theta0.forward import Lines, Points, Rays, Segments, Volume

rng = np.random.default_rng(0)
PLACES = np.float32(rng.random((5, 2)))
SEGMENTS = Segments(np.float32(rng.random((5, 2))), np.float32(rng.random((5, 2))))
RAYS = Rays(
    np.float32(rng.standard_normal((5, 3))),
    np.float32(rng.standard_normal((5, 3))),
    np.float32(rng.uniform(0, 1, 5)),
    np.float32(rng.uniform(2, 3, 5)),
)
SIREN = SirenConfig(width=8, layers=3, w0=20.0)
FOURIER = FourierConfig(width=8, layers=3, features=8, bandwidth=5.0)
POSITIONAL = PositionalConfig(width=8, layers=3, bands=4, max_exponent=3.0)


def build(config):
    """A network whose density, if it has one, is above zero: a dead one would test nothing."""
    field = config.build(jax.random.PRNGKey(1))
    bias = field.layers[-1].bias
    return eqx.tree_at(lambda field: field.layers[-1].bias, field, bias.at[-1].add(2.0))


pytestmark = pytest.mark.usefixtures("quick_compilation")

CASES = {
    "points": (Points(), PLACES, SIREN),
    "lines, mean": (Lines(samples=7), SEGMENTS, FOURIER),
    "lines, sum": (Lines(samples=7, reduce="sum", stratified=False), SEGMENTS, SIREN),
    "volume, relu": (Volume(samples=7), RAYS, POSITIONAL),
    "volume, softplus": (
        Volume(samples=7, density="softplus", background="black", last_interval=1e10),
        RAYS,
        POSITIONAL,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_conformance(name):
    forward, p, config = CASES[name]
    check_forward(forward, p, build(config))


@pytest.mark.parametrize("forward", [Lines(samples=3), Volume(samples=3)])
def test_only_stratified_maps_follow_the_key(forward):
    p, config = (SEGMENTS, FOURIER) if isinstance(forward, Lines) else (RAYS, POSITIONAL)
    field, keys = build(config), jax.random.split(jax.random.PRNGKey(0))
    assert not np.array_equal(forward(field, p, keys[0]), forward(field, p, keys[1]))
    assert not np.array_equal(forward(field, p, keys[0]), forward(field, p))
    fixed = type(forward)(samples=3, stratified=False)
    np.testing.assert_array_equal(fixed(field, p, keys[0]), fixed(field, p))


class Leaky:
    """A wrong map: every prediction depends on the mean of all."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        values = Points()(field, p)
        return values - values.mean(axis=0)


class Detached:
    """A wrong map: half of the gradient is lost."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        values = Points()(field, p)
        return (values + jax.lax.stop_gradient(values)) / 2


class Squeezed:
    """A wrong map: the channel axis is dropped."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        return Points()(field, p)[:, 0]


@pytest.mark.parametrize(
    "wrong, message",
    [(Leaky(), "other observations"), (Detached(), "gradient"), (Squeezed(), "shape")],
)
def test_the_conformance_test_can_fail(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_forward(wrong, PLACES, SIREN.build(jax.random.PRNGKey(1)))


def test_maps_are_plain_settings_compared_by_value():
    for make in (Points, Lines, Volume):
        assert make() == make() and hash(make()) == hash(make())
        assert not [leaf for leaf in jax.tree.leaves(make()) if eqx.is_array(leaf)]
    assert Lines(samples=3) != Lines(samples=4)
