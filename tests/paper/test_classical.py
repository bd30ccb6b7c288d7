"""Methods without a network: their settings come from validation, their rows from test slices."""

from dataclasses import dataclass

import numpy as np
import pytest

from theta0.classic import FBP, SART, TV
from theta0.errors import InputError
from theta0.evaluation import Protocol
from theta0.metrics import psnr, ssim
from theta0.paper import METHODS, evaluate_classic, scan_of
from theta0.signals import CTConfig, CTTasks, Phantoms

CONFIG = CTConfig(Phantoms(validation=3, test=3), size=16, rays=16)
PROTOCOL = Protocol(tuning_signals=2, signals=3, views=6)
FEW = {
    "fbp": [FBP("hann", 0.3), FBP("hann", 0.6), FBP("ramp", 1.0)],
    "tv": [TV(weight, iterations=100) for weight in (1e-6, 1e-4, 1e-2)],
}


@dataclass(frozen=True)
class Grey:
    """A method that does not look."""

    level: float

    def __call__(self, scan):
        return np.full((scan.size, scan.size), self.level)


class Spoilt(CTTasks):
    """Test slices are noise."""

    def held_out(self, split, index, views=None):
        task = super().held_out(split, index, views)
        if split == "test":
            task.query.y[:] = np.random.default_rng(index).random(task.query.y.shape)
        return task


def psnrs(family, method, split, count):
    """Of the measured disc, outside which all is air; phantoms lie within."""
    side = family.config.size
    y, x = np.mgrid[:side, :side] + 0.5 - side / 2
    disc = (np.hypot(y, x) <= side / 2).ravel()
    tasks = [family.held_out(split, index, 6) for index in range(count)]
    shown = lambda task: method(scan_of(task, family)).ravel() * disc
    return [psnr(shown(task), task.query.y[:, 0] * disc) for task in tasks]


def test_rows_hold_the_best_settings_on_validation_and_their_numbers_on_test():
    family = CONFIG.build()
    rows = evaluate_classic(family, PROTOCOL, FEW)
    assert [row["init"] for row in rows] == ["fbp", "tv"]
    for row in rows:
        tried = FEW[row["init"]]
        best = max(tried, key=lambda method: np.mean(psnrs(family, method, "validation", 2)))
        assert row["setting"].items() <= vars(best).items()
        expected = psnrs(family, best, "test", 3)
        np.testing.assert_allclose(row["psnr"], expected, atol=1e-3)
        assert row["psnr_mean"] == pytest.approx(np.mean(expected))
        assert row["psnr_std"] == pytest.approx(np.std(expected, ddof=1))
        assert (row["rule"], row["views"], row["n"]) == (None, 6, 3)
        assert row["seconds"] > 0
    tasks = [family.held_out("test", index, 6) for index in range(3)]
    found = [
        ssim(best(scan_of(task, family))[..., None], family.pictures(task.query.y)[0])  # pyright: ignore[reportPossiblyUnboundVariable]
        for task in tasks
    ]
    assert rows[-1]["ssim_mean"] == pytest.approx(np.mean(found), abs=1e-4)


def test_test_slices_do_not_choose_the_setting():
    scans = CONFIG.source.scans(CONFIG.size)
    families = [kind(CONFIG, scans) for kind in (CTTasks, Spoilt)]
    rows, spoilt = (evaluate_classic(family, PROTOCOL, FEW) for family in families)
    assert [row["setting"] for row in spoilt] == [row["setting"] for row in rows]
    assert all(a["psnr_mean"] != b["psnr_mean"] for a, b in zip(spoilt, rows, strict=True))


def test_a_choice_at_the_end_of_what_was_tried_is_said():
    # The mean of a phantom is about 0.15.
    levels = {"inner": (0.0, 0.15, 0.9), "outer": (0.15, 0.5, 0.9), "two": (0.15, 0.9)}
    methods = {name: [Grey(level) for level in among] for name, among in levels.items()}
    rows = evaluate_classic(CONFIG.build(), PROTOCOL, methods)
    assert [row["setting"] for row in rows] == [{"level": 0.15}] * 3
    assert [row["at_end"] for row in rows] == [[], ["level"], []]


def test_a_detector_of_means_and_one_of_sums_scan_alike():
    families = [CTConfig(**{**vars(CONFIG), "measure": m}).build() for m in ("mean", "sum")]
    mean, total = (scan_of(family.held_out("test", 0, 5), family) for family in families)
    assert mean.integrals.shape == (5, 16)
    np.testing.assert_allclose(mean.integrals, total.integrals, rtol=1e-5)


def test_more_slices_than_there_are_are_refused():
    with pytest.raises(InputError, match="4 validation signals"):
        evaluate_classic(CONFIG.build(), Protocol(tuning_signals=4, signals=1), FEW)


def test_every_method_has_a_grid():
    kinds = {name: {type(method) for method in tried} for name, tried in METHODS.items()}
    assert kinds == {"fbp": {FBP}, "sart": {SART}, "tv": {TV}}
