"""Fitting a signal from a start: only what is seen counts, and the rest is judged apart."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.errors import DivergedError, InputError
from theta0.fields import SirenConfig, evaluate
from theta0.fit import InnerConfig, fit
from theta0.forward import Points
from theta0.presets import preset
from theta0.reconstruct import fit_start, seen_picture
from theta0.tasks import Observation, Signal, Task, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIDE = 12
START = SirenConfig(width=8, layers=2, w0=10.0).build(jax.random.PRNGKey(0))
LOOP = InnerConfig("sgd", 0.02, 3)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).random((SIDE**2, 3), np.float32)


def signal_of(values, seen=None):
    points = pixel_coordinates(SIDE, SIDE)
    query = Observation(points, values)
    support = query if seen is None else Observation(points[seen], values[seen])
    return Signal(Task(support, query), Points(), SIDE, SIDE, 0.5, seen)


@pytest.fixture(scope="module")
def seen():
    return np.random.default_rng(1).random(SIDE**2) < 0.3


def test_only_seen_pixels_are_fitted(values, seen):
    done = fit_start("learned", START, LOOP, Points(), signal_of(values, seen), seed=4)
    points = pixel_coordinates(SIDE, SIDE)
    by_hand = Observation(
        np.array([point for point, s in zip(points, seen, strict=True) if s]),
        np.array([value for value, s in zip(values, seen, strict=True) if s]),
    )
    expected = fit(Points(), START, by_hand, LOOP.build(), jax.random.PRNGKey(4))
    for found, other in zip(
        jax.tree.leaves(done.result.field), jax.tree.leaves(expected.field), strict=True
    ):
        np.testing.assert_array_equal(found, other)
    # What is not seen changes nothing but how the fit is judged.
    changed = np.where(seen[:, None], values, 1 - values)
    again = fit_start("learned", START, LOOP, Points(), signal_of(changed, seen), seed=4)
    np.testing.assert_array_equal(done.pictures[-1], again.pictures[-1])
    assert done.rows[-1]["psnr_unseen"] != again.rows[-1]["psnr_unseen"]


def test_psnr_of_unseen_pixels_is_what_a_hand_computes(values, seen):
    done = fit_start("learned", START, LOOP, Points(), signal_of(values, seen))
    assert [row["steps"] for row in done.rows] == [0, 1, 2, 3]
    shown = np.clip(evaluate(done.result.field, pixel_coordinates(SIDE, SIDE)), 0, 1)
    error = [
        (float(a) - float(b)) ** 2
        for row, target, s in zip(shown, values, seen, strict=True) if not s
        for a, b in zip(row, target, strict=True)
    ]  # fmt: skip
    expected = -10 * np.log10(np.mean(error))
    assert done.rows[-1]["psnr_unseen"] == pytest.approx(expected, abs=1e-3)
    whole = -10 * np.log10(np.mean((np.asarray(shown, np.float64) - values) ** 2))
    assert done.rows[-1]["psnr"] == pytest.approx(whole, abs=1e-3)


def test_a_signal_that_is_seen_whole_has_no_unseen_pixels(values):
    whole = fit_start("learned", START, LOOP, Points(), signal_of(values))
    assert set(whole.rows[0]) == {"init", "optimizer", "lr", "steps", "psnr", "ssim"}
    every = signal_of(values, np.ones(SIDE**2, bool))
    masked = fit_start("learned", START, LOOP, Points(), every)
    assert all(np.isnan(row["psnr_unseen"]) for row in masked.rows)
    assert [row["psnr"] for row in masked.rows] == [row["psnr"] for row in whole.rows]


def test_the_picture_of_what_is_seen_is_grey_elsewhere(values, seen):
    assert seen_picture(signal_of(values)) is None
    picture = seen_picture(signal_of(values, seen)).reshape(-1, 3)
    np.testing.assert_array_equal(picture[seen], values[seen])
    np.testing.assert_array_equal(picture[~seen], 0.5)


def test_a_fit_that_diverges_names_its_start(values):
    with pytest.raises(DivergedError, match=r"^shuffled: .*non-finite"):
        fit_start("shuffled", START, replace(LOOP, lr=1e30), Points(), signal_of(values))


def test_the_mean_cannot_be_made_without_the_class():
    base = preset("images", "smoke")
    with pytest.raises(InputError, match="mean signal of its class"):
        base.start("mean", START, Points(), pixel_coordinates(SIDE, SIDE))
