"""A fit judged as it goes: when to stop is chosen by a validation fraction, never by the truth."""

import threading

import jax
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.evaluation import fields_by_step, in_threads, quality_by_step, step_to_stop
from theta0.fields import Siren, weights
from theta0.forward import Lines, Observation, Points, Segments, predict
from theta0.inner import SGD, Adam, InnerLoop, fit
from theta0.metrics import psnr
from theta0.signals import pixel_coordinates, random_share, seen_only

from .slopes import Slopes

pytestmark = pytest.mark.usefixtures("quick_compilation")

FIELD = Siren(width=16, layers=3, w0=40.0, out_size=1).build(jax.random.PRNGKey(0))
RULE, LOOP = Adam(3e-3), InnerLoop(300)
STEPS = (1, 10, 40, 300)


def noisy(noise, n=60):
    """A flat signal, seen at random places through noise: all there is to fit is noise."""
    rng = np.random.default_rng(0)
    y = 0.4 + noise * rng.standard_normal((n, 1))
    return Observation(rng.random((n, 2), np.float32), y.astype(np.float32))


def test_a_fit_of_noise_is_stopped_and_a_fit_of_a_signal_is_not(key):
    stop = lambda observation: step_to_stop(
        Points(), FIELD, RULE, observation, LOOP, STEPS, key, share=0.3
    )
    assert stop(noisy(0.3)) < STEPS[-1]
    assert stop(noisy(0.0)) == STEPS[-1]


def test_what_runs_beside_an_error_is_not_waited_for():
    stopped, released = [], threading.Event()

    def job(number):
        if number == 0:
            raise KeyboardInterrupt
        released.wait(30)
        stopped.append(number)

    with pytest.raises(KeyboardInterrupt):
        in_threads(2, job, range(5))
    assert not stopped
    released.set()


def test_the_step_is_the_best_on_what_was_left_out_of_the_fit_of_the_rest(key):
    observation = noisy(0.1)
    held = random_share(np.ones(60, bool), 0.2, 7)
    rest, unseen = seen_only(observation, ~held), seen_only(observation, held)
    kept = fit(Points(), FIELD, RULE, rest, LOOP, key, STEPS).snapshots
    errors = [np.mean((predict(Points(), kept[s], unseen.p) - unseen.y) ** 2) for s in STEPS]
    found = step_to_stop(Points(), FIELD, RULE, observation, LOOP, STEPS, key, share=0.2, seed=7)
    assert found == STEPS[int(np.argmin(errors))]


def test_what_is_observed_twice_is_not_both_left_out_and_fitted(key):
    observation = noisy(0.3)
    twice = jax.tree.map(lambda leaf: np.concatenate([leaf, leaf, leaf]), observation)
    stop = lambda of: step_to_stop(Points(), FIELD, RULE, of, LOOP, STEPS, key, share=0.3)
    assert stop(twice) == stop(observation) < STEPS[-1]


@pytest.mark.slow
def test_rays_are_left_out_whole(key):
    rng = np.random.default_rng(0)
    ends = [rng.random((20, 2), np.float32) for _ in range(2)]
    observation = Observation(Segments(*ends), np.full((20, 1), 0.4, np.float32))
    rule, loop = Adam(1e-3), InnerLoop(40)
    assert step_to_stop(Lines(8, "mean"), FIELD, rule, observation, loop, (0, 40), key) == 40


@pytest.mark.parametrize("share, words", [(0.0, "above 0"), (1.0, "leaves none"), (1.5, "above 0")])
def test_shares_that_leave_nothing_are_refused(key, share, words):
    with pytest.raises(InputError, match=words):
        step_to_stop(Points(), FIELD, SGD(), noisy(0.1), InnerLoop(2), (1,), key, share)


def test_any_number_of_judgements_is_kept_by_step(key):
    observation = Observation(pixel_coordinates(6, 6), np.full((36, 1), 0.3, np.float32))
    judge = lambda field: (1.0, float(predict(Points(), field, observation.p).mean()))
    rule, loop = SGD(0.01), InnerLoop(8)
    found = quality_by_step(Points(), FIELD, rule, observation, loop, (0, 8), key, judge)
    assert found.shape == (2, 2)
    # The mean of the picture approaches that of the target.
    assert abs(found[1, 1] - 0.3) < abs(found[0, 1] - 0.3)


def test_fields_by_step_are_those_of_the_fit(key):
    observation, (rule, loop, steps) = noisy(0.1), (SGD(0.01), InnerLoop(8), (0, 1, 8))
    found = fields_by_step(Points(), FIELD, rule, observation, loop, steps, key)
    kept = fit(Points(), FIELD, rule, observation, loop, key, steps).snapshots
    for field, step in zip(found, steps, strict=True):
        for a, b in zip(weights(field), weights(kept[step]), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [(1, 8), (0, 1, 8), (8,)])
def test_a_fit_that_diverges_counts_as_what_it_had_last(key, steps):
    task = Slopes().held_out("test", 0)
    judge = lambda field: (psnr(predict(Points(), field, task.query.p), task.query.y),)
    (before,) = judge(FIELD)
    rule, loop = SGD(1e36), InnerLoop(8)
    found = quality_by_step(Points(), FIELD, rule, task.support, loop, steps, key, judge)
    values = found[:, 0]
    assert np.isfinite(values).all()
    if 0 in steps:
        assert values[0] == before
    assert values[-1] <= before
