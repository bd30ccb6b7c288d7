"""The protocol: what is measured, and that test signals never choose a step size."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.chunks import predict
from theta0.errors import InputError
from theta0.evaluate import best, evaluate, judged_tasks
from theta0.fields import FourierConfig, SirenConfig, weights
from theta0.fit import InnerConfig, fit
from theta0.forward import Points
from theta0.measure import fields_by_step, quality_by_step
from theta0.metrics import psnr, ssim
from theta0.protocol import Protocol
from theta0.tasks import Observation, Task, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

POINTS = pixel_coordinates(6, 6)
CONFIG = SirenConfig(width=8, layers=2, w0=8.0, out_size=1)
START = CONFIG.build(jax.random.PRNGKey(0))


class Slopes:
    """Signals that rise along a direction of their own; the test signals can be spoilt."""

    query_forward = Points()
    training_query_forward = None

    def __init__(self, spoilt=False):
        self.spoilt, self.asked = spoilt, []

    def size(self, split):
        return 3

    def held_out(self, split, index, views=None):
        self.asked.append((split, index, views))
        rng = np.random.default_rng([["train", "validation", "test"].index(split), index])
        values = (0.5 + (POINTS - 0.5) @ rng.uniform(-0.4, 0.4, (2, 1))).astype(np.float32)
        if self.spoilt and split == "test":
            values = rng.uniform(0, 1, values.shape).astype(np.float32)
        everything = Observation(POINTS, values)
        return Task(everything, everything)

    def training_tasks(self, seed, step, count):
        raise AssertionError("an evaluation does not train")

    def mean_signal(self):
        return Observation(POINTS, np.full((36, 1), 0.5, np.float32))

    def pictures(self, values):
        return np.asarray(values).reshape(1, 6, 6, 1)


PROTOCOL = Protocol(
    steps=(0, 1, 8), sgd=(1e-3, 0.05, 100.0), adam=(1e-5, 1e-2), tuning_signals=2, signals=3
)
STARTS = {
    "learned": lambda signal: START,
    "standard": lambda signal: CONFIG.build(jax.random.fold_in(jax.random.PRNGKey(1), signal)),
}


@pytest.fixture(scope="module")
def rows():
    return evaluate(Points(), STARTS, Slopes(), PROTOCOL, seed=4)


def test_one_row_for_every_start_optimizer_and_number_of_steps(rows):
    found = [(row["init"], row["optimizer"], row["steps"]) for row in rows]
    assert found == [
        (init, optimizer, steps)
        for init in STARTS for optimizer in ("sgd", "adam") for steps in (0, 1, 8)
    ]  # fmt: skip


def test_means_and_deviations_are_over_test_signals(rows):
    for row in rows:
        assert row["n"] == len(row["psnr"]) == 3 and "views" not in row
        assert row["psnr_mean"] == pytest.approx(np.mean(row["psnr"]), abs=1e-3)
        assert row["psnr_std"] == pytest.approx(np.std(row["psnr"], ddof=1), abs=2e-3)
    step_zero = [row for row in rows if row["steps"] == 0 and row["init"] == "learned"]
    tests = [Slopes().held_out("test", i) for i in range(3)]
    expected = [psnr(predict(Points(), START, task.query.p), task.query.y) for task in tests]
    for row in step_zero:
        assert row["psnr_mean"] == pytest.approx(np.mean(expected), abs=1e-4)


def psnr_by_step(task, loop, steps, key):
    judge = lambda field: (psnr(predict(Points(), field, task.query.p), task.query.y),)
    return quality_by_step(Points(), START, task.support, loop, steps, key, judge)[:, 0]


def test_the_step_size_is_the_best_on_validation_at_that_number_of_steps(rows):
    tasks = [Slopes().held_out("validation", i) for i in range(2)]
    for optimizer, lrs in (("sgd", PROTOCOL.sgd), ("adam", PROTOCOL.adam)):
        for column, steps in ((1, 1), (2, 8)):
            means = []
            for lr in lrs:
                loop = InnerConfig(optimizer, lr, 8)
                values = [
                    psnr_by_step(task, loop, (0, 1, 8), jax.random.PRNGKey(0))[column]
                    for task in tasks
                ]
                means.append(np.mean(values))
            (row,) = (
                row for row in rows
                if (row["init"], row["optimizer"], row["steps"]) == ("learned", optimizer, steps)
            )  # fmt: skip
            assert row["lr"] == lrs[int(np.argmax(means))]


def test_weights_of_total_variation_are_chosen_for_what_is_best_without_it():
    # A weight that flattens everything and one that does nothing: the choice is a grid's best.
    protocol = Protocol((1, 8), (0.05, 1e-4), (1e-4,), tuning_signals=2, signals=1, tv=(1e-9, 10.0))
    found = evaluate(Points(), STARTS, Slopes(), protocol)
    plain, penalized = found[:8], found[8:]
    assert [row["init"] for row in penalized] == ["learned+tv"] * 2 + ["standard+tv"] * 2
    assert all("tv" not in row for row in plain)
    for name in ("learned", "standard"):
        first = best([row for row in plain if row["init"] == name])
        for row in penalized:
            if row["init"] == name + "+tv":
                assert (row["optimizer"], row["lr"]) == (first["optimizer"], first["lr"])
                assert row["tv"] in (1e-9, 10.0)
        # 1e-9 is among them, so at least as good on validation as without.
        with_tv = best([row for row in penalized if row["init"] == name + "+tv"])
        assert with_tv["validation_psnr"] >= first["validation_psnr"] - 1e-3


def test_a_frequency_of_standard_is_chosen_with_the_step_size():
    # With 0.01 a network is flat within the picture, whatever its step size.
    protocol = Protocol((8,), (0.05,), (), tuning_signals=2, signals=1, tv=(1e-9,))
    alone = {row["init"]: row for row in evaluate(Points(), STARTS, Slopes(), protocol)}
    protocol = replace(protocol, w0=(0.01, 8.0))
    rows = {row["init"]: row for row in evaluate(Points(), STARTS, Slopes(), protocol)}
    assert rows["standard"]["w0"] == rows["standard+tv"]["w0"] == 8.0
    assert rows["standard"]["psnr"] == alone["standard"]["psnr"]
    assert rows["learned"] | {"seconds": 0} == alone["learned"] | {"seconds": 0}
    assert "w0" not in rows["learned+tv"]


def test_a_frequency_for_a_network_without_one_is_refused():
    start = FourierConfig(width=8, layers=2, features=4, out_size=1).build(jax.random.PRNGKey(0))
    with pytest.raises(InputError, match="Fourier has none"):
        evaluate(Points(), {"standard": lambda signal: start}, Slopes(), Protocol(w0=(8.0,)))


def test_similarity_is_that_of_the_fitted_picture():
    class Large(Slopes):
        def held_out(self, split, index, views=None):
            points = pixel_coordinates(12, 12)
            everything = Observation(points, points[:, :1])
            return Task(everything, everything)

        def pictures(self, values):
            return np.asarray(values).reshape(1, 12, 12, 1)

    family = Large()
    protocol = Protocol((0, 8), (0.05,), (), tuning_signals=1, signals=1)
    row = evaluate(Points(), {"learned": STARTS["learned"]}, family, protocol)[0]
    task = family.held_out("test", 0)
    (shown,) = family.pictures(predict(Points(), START, task.query.p))
    assert row["ssim_mean"] == pytest.approx(ssim(shown, family.pictures(task.query.y)[0]))


def test_one_row_a_start_when_its_number_of_steps_is_chosen_too():
    protocol = Protocol(
        (1, 8), (0.05, 1e-4), (), tuning_signals=2, signals=3, hold_out=0.2, hold_out_signals=2
    )
    found = evaluate(Points(), STARTS, Slopes(), protocol)
    by_step = evaluate(Points(), STARTS, Slopes(), replace(protocol, hold_out=None))
    assert [row["init"] for row in found] == ["learned", "standard"]
    for row in found:
        mine = [one for one in by_step if one["init"] == row["init"]]
        best = max(mine, key=lambda one: one["validation_psnr"])
        for what in ("lr", "steps", "psnr", "validation_psnr"):
            assert row[what] == best[what]
        # No way to stop beats the best step of each signal, and all stop somewhere.
        assert row["psnr_best_step"] >= row["psnr_mean"] - 1e-9 and row["held_out_cost"] >= 0
        assert row["n_held_out"] == 2
        assert 1 <= row["steps_held_out"] <= 8


def test_what_is_best_at_the_last_number_of_steps_goes_on():
    protocol = Protocol((1, 2), (0.05, 100.0), (), tuning_signals=2, signals=2, hold_out=0.2)
    further = evaluate(Points(), STARTS, Slopes(), replace(protocol, more_steps=(8,)))
    longer = evaluate(Points(), STARTS, Slopes(), replace(protocol, steps=(1, 2, 8)))
    assert [row["steps"] for row in further] == [8, 8]
    for one, other in zip(further, longer, strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}
    # At a step size that diverges no step is best, and nothing goes on.
    stopped = replace(protocol, steps=(0, 1), sgd=(100.0,), more_steps=(8,))
    assert {row["steps"] for row in evaluate(Points(), STARTS, Slopes(), stopped)} == {0}


def test_test_signals_do_not_choose_the_step_size(rows):
    spoilt = evaluate(Points(), STARTS, Slopes(spoilt=True), PROTOCOL, seed=4)
    assert [row["lr"] for row in spoilt] == [row["lr"] for row in rows]
    # They were spoilt indeed.
    assert all(a["psnr_mean"] != b["psnr_mean"] for a, b in zip(spoilt, rows, strict=True))


def test_every_signal_is_asked_for_once_with_the_views():
    family = Slopes()
    protocol = Protocol((0, 1), (0.05,), (), tuning_signals=1, signals=2, views=5)
    rows = evaluate(Points(), {"learned": STARTS["learned"]}, family, protocol)
    assert family.asked == [("validation", 0, 5), ("test", 0, 5), ("test", 1, 5)]
    assert all(row["views"] == 5 and row["optimizer"] == "sgd" for row in rows)


def test_training_signals_are_judged_in_place_of_test_signals_spread_over_them():
    family = Slopes()
    protocol = Protocol((1,), (0.05,), (), tuning_signals=1, signals=2, training_signals=True)
    (row,) = evaluate(Points(), {"learned": STARTS["learned"]}, family, protocol)
    assert family.asked == [("validation", 0, None), ("train", 0, None), ("train", 1, None)]
    assert row["n"] == 2
    family.size = lambda split: 7
    judged_tasks(family, protocol)
    assert [index for _, index, _ in family.asked[-2:]] == [0, 3]


def test_standard_is_another_network_for_every_signal():
    asked = []

    def fresh(signal):
        asked.append(signal)
        return START

    protocol = Protocol((0, 1), (0.05,), (), tuning_signals=2, signals=3)
    evaluate(Points(), {"standard": fresh}, Slopes(), protocol)
    # The first is asked for to see whether it carries step sizes.
    assert len(set(asked[1:])) == len(asked[1:]) == 5


def test_progress_rises_to_one():
    told = []
    protocol = Protocol((0, 1), (0.05,), (1e-2,), tuning_signals=1, signals=1)
    evaluate(Points(), STARTS, Slopes(), protocol, on_progress=lambda what, done: told.append(done))
    assert told == sorted(told) and told[0] == 0.0 and told[-1] == 1.0


def test_fields_by_step_are_those_of_the_fit():
    task, key = Slopes().held_out("test", 0), jax.random.PRNGKey(2)
    loop = InnerConfig("sgd", 0.05, 8)
    found = fields_by_step(Points(), START, task.support, loop, (0, 1, 8), key)
    kept = fit(Points(), START, task.support, loop.build(), key, (0, 1, 8)).snapshots
    for field, step in zip(found, (0, 1, 8), strict=True):
        for a, b in zip(weights(field), weights(kept[step]), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [(1, 8), (0, 1, 8), (8,)])
def test_a_fit_that_diverges_counts_as_what_it_had_last(steps):
    task, key = Slopes().held_out("test", 0), jax.random.PRNGKey(2)
    start = psnr(predict(Points(), START, task.query.p), task.query.y)
    values = psnr_by_step(task, InnerConfig("sgd", 1e36, 8), steps, key)
    assert np.isfinite(values).all()
    if 0 in steps:
        assert values[0] == start
    assert values[-1] <= start


def test_rows_of_step_sizes_that_all_diverge_are_numbers():
    protocol = Protocol((2,), (1e36,), (), tuning_signals=1, signals=1)
    (row,) = evaluate(Points(), {"learned": STARTS["learned"]}, Slopes(), protocol)
    assert np.isfinite(row["psnr_mean"])


@pytest.mark.parametrize("split, count", [("signals", 4), ("tuning_signals", 4)])
def test_more_signals_than_there_are_is_refused(split, count):
    with pytest.raises(InputError, match="only 3"):
        evaluate(Points(), STARTS, Slopes(), Protocol(**{"tuning_signals": 1, split: count}))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"steps": ()}, "above 0"), ({"steps": (0,)}, "above 0"), ({"steps": (-1, 2)}, "0 or more"),
        ({"steps": (2, 1)}, "must rise"), ({"steps": (1, 1)}, "must rise"),
        ({"sgd": (), "adam": ()}, "at least one"), ({"sgd": (0.0,)}, "step size 0"),
        ({"adam": (float("nan"),)}, "step size nan"), ({"adam": (float("inf"),)}, "step size inf"),
        ({"signals": 0}, "signals is 0"), ({"tuning_signals": -1}, "tuning_signals is -1"),
        ({"views": 0}, "views is 0"), ({"batch": 0}, "batch is 0"), ({"tv": (0.0,)}, "tv has 0"),
        ({"w0": (-1.0,)}, "w0 has -1"),
        ({"hold_out": 1.0}, "hold_out is 1"), ({"more_steps": (100,)}, "from above 100"),
        ({"more_steps": (300, 200)}, "must rise"),
    ],
)  # fmt: skip
def test_protocols_that_cannot_be_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        Protocol(**change)
