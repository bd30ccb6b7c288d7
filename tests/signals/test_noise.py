"""Noise of a scanner: its distribution by formula, reproducible, and none unless asked for."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from scipy.stats import poisson

from theta0.data.ct import phantom
from theta0.errors import InputError
from theta0.signals import CTConfig, Phantoms
from theta0.signals._noise import Detector

DRAWS = 40_000
SMALL = CTConfig(Phantoms(5, 3, 3), size=16, rays=12, training_views=4)
NOISY = replace(SMALL, photons=1e4, attenuation=8.0, noise=0.01, noise_seed=3)


def read(detector, integral, seed=0):
    return detector.read(np.full(DRAWS, integral), np.random.default_rng(seed))


def assert_moments(values, mean, variance):
    """Within five standard errors; that of a variance is at most that of a distribution with a
    fourth moment of 6 squared variances, far above the normal one's of 3."""
    assert abs(values.mean() - mean) <= 5 * np.sqrt(variance / DRAWS)
    assert abs(values.var() / variance - 1) <= 5 * np.sqrt(5 / DRAWS)


@pytest.mark.parametrize("integral", [0.0, 0.2, 0.5])
def test_many_photons_have_the_mean_and_variance_of_the_docstring(integral):
    values = read(Detector(photons=1e7, attenuation=10.0), integral)
    # The bias, half the relative variance of the count, is far below the standard error.
    assert_moments(values, integral, np.exp(10 * integral) / 1e7 / 10**2)


@pytest.mark.parametrize("integral", [0.1, 0.5, 1.2])
def test_few_photons_have_the_moments_of_the_poisson_distribution(integral):
    photons, attenuation = 200.0, 6.0
    counts = np.arange(2000)
    weights = poisson.pmf(counts, photons * np.exp(-attenuation * integral))
    depths = -np.log(np.maximum(counts, 1) / photons) / attenuation
    mean = weights @ depths
    variance = weights @ (depths - mean) ** 2
    values = read(Detector(photons, attenuation), integral)
    assert np.isfinite(values).all() and values.max() <= np.log(photons) / attenuation + 1e-12
    assert_moments(values, mean, variance)


def test_additive_noise_has_its_standard_deviation_and_adds_to_that_of_photons():
    assert_moments(read(Detector(noise=0.03), 0.4), 0.4, 0.03**2)
    both = read(Detector(photons=1e7, attenuation=10.0, noise=2e-3), 0.4)
    assert_moments(both, 0.4, np.exp(4) / 1e7 / 100 + 4e-6)


def test_without_noise_what_is_read_is_what_is_there_and_nothing_is_drawn():
    rng, exact = np.random.default_rng(0), np.random.default_rng(1).random(50)
    assert Detector().read(exact, rng) is exact
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    support = SMALL.build().held_out("test", 1, 3).support
    integrals = phantom(2, 1).line_integrals(support.p.start, support.p.end)
    np.testing.assert_array_equal(support.y[:, 0], integrals.astype(np.float32))


def test_a_held_out_slice_has_the_same_noise_for_the_same_split_number_views_and_seed():
    tasks = NOISY.build()
    tasks.held_out("test", 0, 3)  # what came before does not matter
    task = tasks.held_out("test", 1, 3)
    assert bool(eqx.tree_equal(task, NOISY.build().held_out("test", 1, 3)))
    exact = SMALL.build().held_out("test", 1, 3)
    noise = task.support.y - exact.support.y
    # What judges the fit has no noise, and the rays are the same.
    assert bool(eqx.tree_equal((task.query, task.support.p), (exact.query, exact.support.p)))
    assert 0.005 < noise.std() < 0.05
    other_seed = replace(NOISY, noise_seed=4).build().held_out("test", 1, 3).support
    other_index = (
        tasks.held_out("test", 2, 3).support.y - SMALL.build().held_out("test", 2, 3).support.y
    )
    assert np.abs(other_seed.y - task.support.y).max() > 1e-3
    assert np.abs(other_index - noise).max() > 1e-3


def test_training_noise_is_the_same_for_the_same_seed_and_step():
    one, other = NOISY.build(), NOISY.build()
    other.training_tasks(0, 0, 3)
    assert bool(eqx.tree_equal(one.training_tasks(7, 5, 2), other.training_tasks(7, 5, 2)))
    pair = one.training_tasks(7, 5, 2)
    exact = SMALL.build().training_tasks(7, 5, 2)
    # The first task's slice and angles are drawn before its noise.
    np.testing.assert_array_equal(pair.support.p.start[0], exact.support.p.start[0])
    assert 0.005 < (pair.support.y[0] - exact.support.y[0]).std() < 0.05


def test_training_queries_have_no_noise():
    query = NOISY.build().training_tasks(7, 5, 1).query
    closest = min(
        np.abs(phantom(0, index).line_integrals(query.p.start[0], query.p.end[0])
               - query.y[0, :, 0]).max()
        for index in range(5)
    )  # fmt: skip
    assert closest < 1e-6


def test_the_noise_of_a_mean_is_that_of_the_integral_over_the_length():
    sums = NOISY.build().held_out("test", 1, 3).support
    means = replace(NOISY, measure="mean").build().held_out("test", 1, 3).support
    length = np.linalg.norm(sums.p.end - sums.p.start, axis=1, keepdims=True)
    np.testing.assert_allclose(means.y * length, sums.y, atol=1e-6)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"photons": 0.0}, "photons is 0"), ({"photons": -1.0}, "photons is -1"),
        ({"photons": 1e300}, "photons is 1e.300"), ({"photons": float("nan")}, "photons is nan"),
        ({"attenuation": 0.0}, "attenuation is 0"), ({"attenuation": float("inf")}, "attenuation"),
        ({"noise": -0.1}, "noise is -0.1"), ({"noise": float("nan")}, "noise is nan"),
        ({"noise_seed": -1}, "noise_seed is -1"),
    ],
)  # fmt: skip
def test_noise_that_cannot_be_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        replace(SMALL, **change)
