"""Fits use only the observed pixels, and are evaluated on the others separately."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.errors import DivergedError, InputError
from theta0.fields import SirenConfig, evaluate
from theta0.fit import InnerConfig, fit
from theta0.forward import Points
from theta0.presets import preset
from theta0.reconstruct import fit_signal, observed_picture
from theta0.tasks import Observation, Signal, Task, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIDE = 12
INIT = SirenConfig(width=8, layers=2, w0=10.0).build(jax.random.PRNGKey(0))
LOOP = InnerConfig("sgd", 0.02, 3)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).random((SIDE**2, 3), np.float32)


def signal_of(values, observed=None):
    points = pixel_coordinates(SIDE, SIDE)
    query = Observation(points, values)
    support = query if observed is None else Observation(points[observed], values[observed])
    return Signal(Task(support, query), Points(), SIDE, SIDE, 0.5, observed)


@pytest.fixture(scope="module")
def observed():
    return np.random.default_rng(1).random(SIDE**2) < 0.3


def test_only_observed_pixels_are_fitted(values, observed):
    done = fit_signal("learned", INIT, LOOP, Points(), signal_of(values, observed), seed=4)
    points = pixel_coordinates(SIDE, SIDE)
    by_hand = Observation(
        np.array([point for point, s in zip(points, observed, strict=True) if s]),
        np.array([value for value, s in zip(values, observed, strict=True) if s]),
    )
    expected = fit(Points(), INIT, by_hand, LOOP.build(), jax.random.PRNGKey(4))
    for found, other in zip(
        jax.tree.leaves(done.result.field), jax.tree.leaves(expected.field), strict=True
    ):
        np.testing.assert_array_equal(found, other)
    # Other values of unobserved pixels change the evaluation, not the fit.
    changed = np.where(observed[:, None], values, 1 - values)
    again = fit_signal("learned", INIT, LOOP, Points(), signal_of(changed, observed), seed=4)
    np.testing.assert_array_equal(done.pictures[-1], again.pictures[-1])
    assert done.rows[-1]["psnr_unseen"] != again.rows[-1]["psnr_unseen"]


def test_psnr_of_unobserved_pixels_equals_a_reference_computation(values, observed):
    done = fit_signal("learned", INIT, LOOP, Points(), signal_of(values, observed))
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
    whole = fit_signal("learned", INIT, LOOP, Points(), signal_of(values))
    assert set(whole.rows[0]) == {"init", "optimizer", "lr", "steps", "psnr", "ssim"}
    every = signal_of(values, np.ones(SIDE**2, bool))
    masked = fit_signal("learned", INIT, LOOP, Points(), every)
    assert all(np.isnan(row["psnr_unseen"]) for row in masked.rows)
    assert [row["psnr"] for row in masked.rows] == [row["psnr"] for row in whole.rows]


def test_unobserved_pixels_are_grey_in_the_observed_picture(values, observed):
    assert observed_picture(signal_of(values)) is None
    picture = observed_picture(signal_of(values, observed)).reshape(-1, 3)
    np.testing.assert_array_equal(picture[observed], values[observed])
    np.testing.assert_array_equal(picture[~observed], 0.5)


def test_a_diverging_fit_names_its_initialization(values):
    with pytest.raises(DivergedError, match=r"^shuffled: .*non-finite"):
        fit_signal("shuffled", INIT, replace(LOOP, lr=1e30), Points(), signal_of(values))


def test_mean_needs_the_mean_signal_of_the_class():
    base = preset("images", "smoke")
    with pytest.raises(InputError, match="mean signal of its class"):
        base.start("mean", INIT, Points(), pixel_coordinates(SIDE, SIDE))
