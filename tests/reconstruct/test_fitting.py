"""Fits use only the observed pixels, and are judged on the others separately."""

import jax
import numpy as np
import pytest

from theta0.errors import DivergedError, InputError
from theta0.evaluation import Candidate, Init
from theta0.fields import Siren, evaluate
from theta0.forward import Observation, Points
from theta0.inner import SGD, InnerLoop, fit
from theta0.meta import Learned
from theta0.presets import preset
from theta0.reconstruct import fit_signal, fit_signals
from theta0.signals import PlanarSignal, Task, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIDE = 12
FIELD = Siren(width=8, layers=2, w0=10.0).build(jax.random.PRNGKey(0))
RULE, LOOP = SGD(0.02), InnerLoop(3)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).random((SIDE**2, 3), np.float32)


def signal_of(values, observed=None):
    points = pixel_coordinates(SIDE, SIDE)
    query = Observation(points, values)
    support = query if observed is None else Observation(points[observed], values[observed])
    return PlanarSignal(Task(support, query), Points(), SIDE, SIDE, 0.5, observed)


def fitted(signal, name="learned", rule=RULE, **more):
    return fit_signal(name, Init(FIELD), Candidate(rule), LOOP, Points(), signal, **more)


@pytest.fixture(scope="module")
def observed():
    return np.random.default_rng(1).random(SIDE**2) < 0.3


def test_only_observed_pixels_are_fitted(values, observed):
    done = fitted(signal_of(values, observed), seed=4)
    points = pixel_coordinates(SIDE, SIDE)
    by_hand = Observation(
        np.array([point for point, s in zip(points, observed, strict=True) if s]),
        np.array([value for value, s in zip(values, observed, strict=True) if s]),
    )
    expected = fit(Points(), FIELD, RULE, by_hand, LOOP, jax.random.PRNGKey(4))
    for found, other in zip(
        jax.tree.leaves(done.result.field), jax.tree.leaves(expected.field), strict=True
    ):
        np.testing.assert_array_equal(found, other)
    # Other values of unobserved pixels change the evaluation, not the fit.
    changed = np.where(observed[:, None], values, 1 - values)
    again = fitted(signal_of(changed, observed), seed=4)
    np.testing.assert_array_equal(done.pictures[-1], again.pictures[-1])
    assert done.rows[-1]["psnr_unseen"] != again.rows[-1]["psnr_unseen"]


def test_psnr_of_unobserved_pixels_equals_a_reference_computation(values, observed):
    done = fitted(signal_of(values, observed))
    assert [row["steps"] for row in done.rows] == [0, 1, 2, 3]
    shown = np.clip(evaluate(done.result.field, pixel_coordinates(SIDE, SIDE)), 0, 1)
    error = [
        (float(a) - float(b)) ** 2
        for row, target, s in zip(shown, values, observed, strict=True) if not s
        for a, b in zip(row, target, strict=True)
    ]  # fmt: skip
    expected = -10 * np.log10(np.mean(error))
    assert done.rows[-1]["psnr_unseen"] == pytest.approx(expected, abs=1e-3)
    whole = -10 * np.log10(np.mean((np.asarray(shown, np.float64) - values) ** 2))
    assert done.rows[-1]["psnr"] == pytest.approx(whole, abs=1e-3)


def test_a_fully_observed_signal_has_no_unobserved_pixels(values):
    whole = fitted(signal_of(values))
    assert set(whole.rows[0]) == {"init", "rule", "lr", "steps", "psnr", "ssim"}
    every = signal_of(values, np.ones(SIDE**2, bool))
    masked = fitted(every)
    assert all(np.isnan(row["psnr_unseen"]) for row in masked.rows)
    assert [row["psnr"] for row in masked.rows] == [row["psnr"] for row in whole.rows]


def test_unobserved_pixels_are_grey_in_the_observed_picture(values, observed):
    assert signal_of(values).observed_picture is None
    picture = signal_of(values, observed).observed_picture
    assert picture is not None
    picture = picture.reshape(-1, 3)
    np.testing.assert_array_equal(picture[observed], values[observed])
    np.testing.assert_array_equal(picture[~observed], 0.5)


def test_a_diverging_fit_names_its_initialization(values):
    with pytest.raises(DivergedError, match=r"^shuffled: .*non-finite"):
        fitted(signal_of(values), "shuffled", SGD(1e30))


@pytest.mark.slow
def test_signals_are_fitted_together_as_each_alone(values):
    signals, done = [signal_of(values), signal_of(1 - values), signal_of(values**2)], []
    together = fit_signals(
        "learned", Init(FIELD), Candidate(RULE), LOOP, Points(), signals, 4, on_done=done.append
    )
    assert sorted(done) == [1, 2, 3]
    for found, signal in zip(together, signals, strict=True):
        alone = fitted(signal, seed=4)
        np.testing.assert_allclose(found.pictures[-1], alone.pictures[-1], atol=1e-6)
        assert [row["steps"] for row in found.rows] == [0, 1, 2, 3]


def test_a_validation_fraction_chooses_among_the_numbers_of_steps(values):
    # Noise is all there is to fit: the sooner it ends, the better it predicts what it has not seen.
    rule, many = Candidate(SGD(1.0)), InnerLoop(200)
    done = fit_signal(
        "learned", Init(FIELD), rule, many, Points(), signal_of(values), validation_fraction=0.3
    )
    assert 1 <= done.steps < 200
    assert done.rows[-1]["steps"] == done.steps


def test_without_a_truth_a_row_has_the_loss_of_the_measurements(values):
    points = pixel_coordinates(SIDE, SIDE)
    task = Task(Observation(points, values), Observation(points, values[:, :0]))
    done = fitted(PlanarSignal(task, Points(), SIDE, SIDE, 0.5))
    assert set(done.rows[0]) == {"init", "rule", "lr", "steps", "loss"}
    first = np.mean((np.asarray(evaluate(FIELD, points), np.float64) - values) ** 2)
    assert done.rows[0]["loss"] == pytest.approx(first, rel=1e-5)
    assert done.rows[1]["loss"] == pytest.approx(float(done.result.losses[1]), rel=1e-5)


def test_mean_needs_the_mean_signal_of_the_class():
    base = preset("images", "smoke")
    learned = Learned(FIELD, RULE.build(FIELD))
    with pytest.raises(InputError, match="mean signal of its class"):
        base.init("mean", learned, Points(), pixel_coordinates(SIDE, SIDE))
