"""Mean shows the mean, Matched what the learned initialization shows, Shuffled has its weights."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import Fourier, Frozen, Siren, evaluate, weights
from theta0.forward import Observation, Points
from theta0.inits import matched, mean, shuffled, standard
from theta0.inner import Adam, InnerConfig
from theta0.signals import pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

POINTS = pixel_coordinates(8, 8)
FIELDS = {
    "siren": Siren(width=16, layers=3, w0=15.0, out_size=1),
    "fourier": Fourier(width=16, layers=3, features=16, bandwidth=6.0),
}
ADAM = InnerConfig(Adam(3e-3), 300)


def rmse(field, values):
    return float(jnp.sqrt(jnp.mean((evaluate(field, POINTS) - values) ** 2)))


def distance(a, b):
    """Root mean square difference of the weights."""
    pairs = list(zip(weights(a), weights(b), strict=True))
    total = sum(float(jnp.sum((x - y) ** 2)) for x, y in pairs)
    return (total / sum(x.size for x, _ in pairs)) ** 0.5


@pytest.fixture(params=FIELDS)
def config(request):
    return FIELDS[request.param]


@pytest.fixture
def learned(config):
    """A stand-in for a learned initialization: weights that are not those of a fresh network."""
    return config.build(jax.random.PRNGKey(42))


@pytest.mark.slow
def test_standard_differs_for_every_key_and_repeats_for_the_same(config):
    one, same, other = (standard(config, jax.random.PRNGKey(seed)) for seed in (0, 0, 1))
    assert eqx.tree_equal(one, same)
    assert distance(one, other) > 1e-3


@pytest.mark.slow
def test_mean_shows_the_mean_signal(config, key):
    # Smooth, so that a network this small can show it; 0.02 is 34 dB.
    values = (0.5 + 0.3 * np.sin(4 * POINTS[:, :1] + POINTS[:, 1:])).astype(np.float32)
    field = mean(config, Points(), Observation(POINTS, values), ADAM, key)
    assert rmse(config.build(key), values) > 0.1
    assert rmse(field, values) < 0.02


def test_matched_shows_what_the_learned_one_shows_with_other_weights(config, learned, key):
    field = matched(learned, config, POINTS, ADAM, key, Points())
    shown = evaluate(learned, POINTS)
    assert rmse(field, shown) < 0.1 * rmse(config.build(key), shown)
    # As far apart as two fresh networks are.
    assert distance(field, learned) > 0.5 * distance(config.build(key), learned)


def test_shuffled_has_the_same_weights_in_every_array_in_another_order(learned, key):
    mixed = shuffled(learned, key)
    moved = 0
    for new, old in zip(weights(mixed), weights(learned), strict=True):
        assert new.shape == old.shape
        np.testing.assert_array_equal(np.sort(new, axis=None), np.sort(old, axis=None))
        moved += int(jnp.sum(new != old))
    # Of n distinct weights one stays in place on average; biases start as zeros and cannot move.
    assert moved > 0.9 * sum(int(jnp.sum(old != 0)) for old in weights(learned))


def test_shuffled_keeps_what_is_not_trained(key):
    learned = FIELDS["fourier"].build(key)
    mixed = shuffled(learned, key)
    is_frozen = lambda node: isinstance(node, Frozen)
    pairs = zip(*(jax.tree.leaves(f, is_leaf=is_frozen) for f in (mixed, learned)), strict=True)
    frozen = [(new(), old()) for new, old in pairs if is_frozen(old)]
    assert len(frozen) == 1
    np.testing.assert_array_equal(*frozen[0])


def test_shuffled_depends_on_the_key_alone(learned):
    one, same, other = (shuffled(learned, jax.random.PRNGKey(seed)) for seed in (0, 0, 1))
    assert eqx.tree_equal(one, same)
    assert not eqx.tree_equal(one, other)
