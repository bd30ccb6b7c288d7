"""The protocol: what is measured, and that test signals never choose the settings of a rule."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.evaluation import Init, Protocol, best, evaluate, quality_by_step
from theta0.fields import Fourier
from theta0.forward import Observation, Points, predict
from theta0.inner import SGD, Adam, InnerLoop, Objective
from theta0.metrics import psnr, ssim
from theta0.signals import Task, pixel_coordinates

from .slopes import FIELD, INITS, LEARNED, Slopes

pytestmark = pytest.mark.usefixtures("quick_compilation")

PROTOCOL = Protocol(
    steps=(0, 1, 8),
    rules=(SGD(1e-3), SGD(0.05), SGD(100.0), Adam(1e-5), Adam(1e-2)),
    tuning_signals=2,
    signals=3,
)


@pytest.fixture(scope="module")
def rows():
    return evaluate(Points(), INITS, Slopes(), PROTOCOL, seed=4)


@pytest.mark.slow
def test_one_row_for_every_initialization_rule_and_number_of_steps(rows):
    found = [(row["init"], row["rule"], row["steps"]) for row in rows]
    assert found == [
        (init, rule, steps)
        for init in INITS for rule in ("sgd", "adam") for steps in (0, 1, 8)
    ]  # fmt: skip


@pytest.mark.slow
def test_means_and_deviations_are_over_test_signals(rows):
    for row in rows:
        assert row["n"] == len(row["psnr"]) == 3 and "views" not in row
        assert row["psnr_mean"] == pytest.approx(np.mean(row["psnr"]), abs=1e-3)
        assert row["psnr_std"] == pytest.approx(np.std(row["psnr"], ddof=1), abs=2e-3)
    step_zero = [row for row in rows if row["steps"] == 0 and row["init"] == "learned"]
    tests = [Slopes().held_out("test", i) for i in range(3)]
    expected = [psnr(predict(Points(), FIELD, task.query.p), task.query.y) for task in tests]
    for row in step_zero:
        assert row["psnr_mean"] == pytest.approx(np.mean(expected), abs=1e-4)


def psnr_by_step(task, rule, steps, key):
    judge = lambda field: (psnr(predict(Points(), field, task.query.p), task.query.y),)
    loop = InnerLoop(8)
    return quality_by_step(Points(), FIELD, rule, task.support, loop, steps, key, judge)[:, 0]


@pytest.mark.slow
def test_the_step_size_is_the_best_on_validation_at_that_number_of_steps(rows):
    tasks = [Slopes().held_out("validation", i) for i in range(2)]
    for name, rules in (("sgd", PROTOCOL.rules[:3]), ("adam", PROTOCOL.rules[3:])):
        for column, steps in ((1, 1), (2, 8)):
            means = []
            for rule in rules:
                values = [
                    psnr_by_step(task, rule, (0, 1, 8), jax.random.PRNGKey(0))[column]
                    for task in tasks
                ]
                means.append(np.mean(values))
            (row,) = (
                row for row in rows
                if (row["init"], row["rule"], row["steps"]) == ("learned", name, steps)
            )  # fmt: skip
            assert row["lr"] == vars(rules[int(np.argmax(means))])["lr"]


@pytest.mark.slow
def test_weights_of_total_variation_are_chosen_for_what_is_best_without_it():
    # A weight that flattens everything and one that does nothing: the choice is a grid's best.
    protocol = Protocol(
        (1, 8), (SGD(0.05), SGD(1e-4), Adam(1e-4)), tuning_signals=2, signals=1,
        objectives=(Objective(tv=1e-9), Objective(tv=10.0)),
    )  # fmt: skip
    found = evaluate(Points(), INITS, Slopes(), protocol)
    plain, penalized = found[:8], found[8:]
    assert [row["init"] for row in penalized] == ["learned+tv"] * 2 + ["standard+tv"] * 2
    assert all("tv" not in row for row in plain)
    for name in ("learned", "standard"):
        first = best([row for row in plain if row["init"] == name])
        for row in penalized:
            if row["init"] == name + "+tv":
                assert (row["rule"], row["lr"]) == (first["rule"], first["lr"])
                assert row["tv"] in (1e-9, 10.0)
        # 1e-9 is among them, so at least as good on validation as without.
        with_tv = best([row for row in penalized if row["init"] == name + "+tv"])
        assert with_tv["validation_psnr"] >= first["validation_psnr"] - 1e-3


def test_a_rule_of_ones_own_need_not_be_registered_to_be_tried_with_other_objectives():
    protocol = Protocol((8,), tuning_signals=1, signals=1, objectives=(Objective(tv=1e-9),))
    rule = SGD(0.05).build(FIELD)
    own, added = evaluate(Points(), LEARNED, Slopes(), protocol, rules=[rule])
    (plain,) = evaluate(Points(), LEARNED, Slopes(), replace(protocol, objectives=()), rules=[rule])
    assert (own["rule"], added["rule"]) == ("Descent", "Descent")
    assert (added["init"], added["tv"]) == ("learned+tv", 1e-9)
    assert own["psnr"] == plain["psnr"] and added["psnr_mean"] == pytest.approx(own["psnr_mean"])


@pytest.mark.slow
def test_a_frequency_of_standard_is_chosen_with_the_step_size():
    # With 0.01 a network is flat within the picture, whatever its step size.
    protocol = Protocol(
        (8,), (SGD(0.05),), tuning_signals=2, signals=1, objectives=(Objective(tv=1e-9),)
    )
    alone = {row["init"]: row for row in evaluate(Points(), INITS, Slopes(), protocol)}
    protocol = replace(protocol, w0=(0.01, 8.0))
    rows = {row["init"]: row for row in evaluate(Points(), INITS, Slopes(), protocol)}
    assert rows["standard"]["w0"] == rows["standard+tv"]["w0"] == 8.0
    assert rows["standard"]["psnr"] == alone["standard"]["psnr"]
    assert rows["learned"] | {"seconds": 0} == alone["learned"] | {"seconds": 0}
    assert "w0" not in rows["learned+tv"]


def test_a_frequency_for_a_network_without_one_is_refused():
    field = Fourier(width=8, layers=2, features=4, out_size=1).build(jax.random.PRNGKey(0))
    with pytest.raises(InputError, match="FourierField has none"):
        evaluate(Points(), {"standard": lambda signal: Init(field)}, Slopes(), Protocol(w0=(8.0,)))


def test_similarity_is_that_of_the_fitted_picture():
    class Large(Slopes):
        def held_out(self, split, index, views=None):
            points = pixel_coordinates(12, 12)
            everything = Observation(points, points[:, :1])
            return Task(everything, everything)

        def pictures(self, values):
            return np.asarray(values).reshape(1, 12, 12, 1)

    family = Large()
    protocol = Protocol((0, 8), (SGD(0.05),), tuning_signals=1, signals=1)
    row = evaluate(Points(), LEARNED, family, protocol)[0]
    task = family.held_out("test", 0)
    (shown,) = family.pictures(predict(Points(), FIELD, task.query.p))
    assert row["ssim_mean"] == pytest.approx(ssim(shown, family.pictures(task.query.y)[0]))


@pytest.mark.slow
def test_one_row_per_initialization_when_its_number_of_steps_is_chosen_too():
    protocol = Protocol(
        (1, 8),
        (SGD(0.05), SGD(1e-4)),
        tuning_signals=2,
        signals=3,
        validation_fraction=0.2,
        stopping_signals=2,
    )
    found = evaluate(Points(), INITS, Slopes(), protocol)
    by_step = evaluate(Points(), INITS, Slopes(), replace(protocol, validation_fraction=None))
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
    protocol = Protocol(
        (1, 2),
        (
            SGD(0.05),
            SGD(100.0),
        ),
        tuning_signals=2,
        signals=2,
        validation_fraction=0.2,
    )
    further = evaluate(Points(), INITS, Slopes(), replace(protocol, more_steps=(8,)))
    longer = evaluate(Points(), INITS, Slopes(), replace(protocol, steps=(1, 2, 8)))
    assert [row["steps"] for row in further] == [8, 8]
    for one, other in zip(further, longer, strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}
    # At a step size that diverges no step is best, and nothing goes on.
    stopped = replace(protocol, steps=(0, 1), rules=(SGD(100.0),), more_steps=(8,))
    assert {row["steps"] for row in evaluate(Points(), INITS, Slopes(), stopped)} == {0}


def test_test_signals_do_not_choose_the_step_size(rows):
    spoilt = evaluate(Points(), INITS, Slopes(spoilt=True), PROTOCOL, seed=4)
    assert [row["lr"] for row in spoilt] == [row["lr"] for row in rows]
    # They were spoilt indeed.
    assert all(a["psnr_mean"] != b["psnr_mean"] for a, b in zip(spoilt, rows, strict=True))


def test_every_signal_is_asked_for_once_with_the_views():
    family = Slopes()
    protocol = Protocol((0, 1), (SGD(0.05),), tuning_signals=1, signals=2, views=5)
    rows = evaluate(Points(), LEARNED, family, protocol)
    assert family.asked == [("validation", 0, 5), ("test", 0, 5), ("test", 1, 5)]
    assert all(row["views"] == 5 and row["rule"] == "sgd" for row in rows)


def test_standard_is_another_network_for_every_signal():
    asked = []

    def fresh(signal):
        asked.append(signal)
        return Init(FIELD)

    protocol = Protocol((0, 1), (SGD(0.05),), tuning_signals=2, signals=3)
    evaluate(Points(), {"standard": fresh}, Slopes(), protocol)
    # The first is asked for to see whether it has a learned rule.
    assert len(set(asked[1:])) == len(asked[1:]) == 5


def test_progress_rises_to_one():
    told = []
    protocol = Protocol(
        (0, 1),
        (
            SGD(0.05),
            Adam(1e-2),
        ),
        tuning_signals=1,
        signals=1,
    )
    evaluate(Points(), INITS, Slopes(), protocol, on_progress=lambda what, done: told.append(done))
    assert told == sorted(told) and told[0] == 0.0 and told[-1] == 1.0


def test_rows_of_step_sizes_that_all_diverge_are_numbers():
    protocol = Protocol((2,), (SGD(1e36),), tuning_signals=1, signals=1)
    (row,) = evaluate(Points(), LEARNED, Slopes(), protocol)
    assert np.isfinite(row["psnr_mean"])
