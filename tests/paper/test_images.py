"""The paper's tables and figures on images: the rows are those of an evaluation."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.errors import InputError
from theta0.evaluation import Protocol, evaluate, rule_label
from theta0.fields import Siren
from theta0.forward import Points, predict
from theta0.inner import SGD
from theta0.meta import MAML
from theta0.paper import (
    MATCH_COUNTS,
    Options,
    RunCache,
    figure_images,
    steps_to_match,
    table1,
    table2,
)

from .conftest import OPTIONS, QUIET, SHAPES, TEXT, timeless

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]


def evaluated(run, protocol, inits=None):
    """The rows of an evaluation without a run cache."""
    family = run.experiment.data.build()
    inits = inits or run.experiment.inits(run.init.learned, family)
    return timeless(evaluate(run.experiment.forward, inits, family, protocol))


def test_table1_has_the_rows_of_an_evaluation(runs, first):
    rows = [row for row in timeless(first[0]) if row["protocol"] == "psnr"]
    added = ("train_class", "test_class", "protocol", "match")
    for run in runs:
        protocol = replace(run.experiment.protocol, steps=(2,), signals=3, tuning_signals=2)
        mine = [row for row in rows if row["train_class"] == row["test_class"] == run.name]
        plain = [{name: row[name] for name in row if name not in added} for row in mine]
        assert plain == evaluated(run, protocol)
    # Step sizes were learned on one of the classes.
    assert [run.name for run in runs] == ["image-text", "image-sdf"]
    assert sum(row["rule"] == "learned" for row in rows) == 1 and len(rows) == 21


def test_table1_counts_steps_on_the_first_signals_with_step_sizes_of_their_own(runs, first):
    counts = [count for count in MATCH_COUNTS if count <= 20]
    for run in runs:
        protocol = Protocol(tuple(counts), TEXT.protocol.rules, tuning_signals=1, signals=2)
        curves, mine = {}, [row for row in first[0] if row["test_class"] == run.name]
        for row in evaluated(run, protocol):
            curves.setdefault((row["init"], row["rule"]), []).append(row["psnr_mean"])
        main = {(r["init"], r["rule"]): r for r in mine if r["protocol"] == "psnr"}
        best = max((k for k in main if k[0] == "learned"), key=lambda k: main[k]["psnr_mean"])
        goal = np.mean(main[best]["psnr"][:2])
        for pair, row in main.items():
            # 20 steps, but given up after 5 if not a quarter of the way there.
            curve = curves[pair]
            reached = [n for n, value in zip(counts, curve, strict=True) if value >= goal]
            tried = [r for r in mine if r["protocol"] == "match"
                     and (r["init"], r["rule"]) == pair]  # fmt: skip
            last = max(r["steps"] for r in tried)
            assert last in (5, 20) and {r["n"] for r in tried} == {2}
            if pair == best:
                assert row["match"] == "2"
            elif row["match"].startswith(">"):
                assert row["match"] == f"> {last}" and not [n for n in reached if n <= last]
                at_five = next(r["psnr_mean"] for r in tried if r["steps"] == last)
                assert last == 20 or at_five < 0.75 * curve[0] + 0.25 * goal
            else:
                assert int(row["match"]) == reached[0]


def curve(*values):
    return [{"steps": s, "psnr_mean": v} for s, v in zip((0, 1, 5, 10), values, strict=True)]


@pytest.mark.parametrize(
    "values, steps",
    [
        ((10.0, 12.0, 20.0, 25.0), 5),
        ((10.0, 12.0, 19.9, 25.0), 10),
        ((10.0, 21.0, 19.0, 25.0), 1),  # the first time counts
        ((20.0, 12.0, 19.9, 25.0), 0),
        ((10.0, 12.0, 19.0, 19.9), None),
    ],
)
def test_steps_to_match_is_the_first_count_that_reaches_the_goal(values, steps):
    assert steps_to_match(curve(*values), 20.0) == steps


def test_table2_fits_every_initialization_to_every_class(runs, tmp_path):
    rows = timeless(table2(runs, OPTIONS, RunCache(tmp_path), QUIET).rows)
    protocol = replace(TEXT.protocol, steps=(2,), signals=3, tuning_signals=2)
    assert {(row["train_class"], row["test_class"]) for row in rows} == {
        (train, test)
        for train in ("image-text", "image-sdf", None)
        for test in ("image-text", "image-sdf")
    }
    for test in runs:
        inits = {run.name: run.learned() for run in runs}
        every = test.experiment.inits(test.init.learned, test.experiment.data.build())
        inits[None] = {"standard": every["standard"]}
        for trained, init in inits.items():
            # The diagonal, where both are one, is its own class's evaluation.
            mine = [r for r in rows if (r["train_class"], r["test_class"]) == (trained, test.name)]
            added = {"train_class": trained, "test_class": test.name}
            assert mine == [{**added, **row} for row in evaluated(test, protocol, init)]


def test_figure_images_shows_signals_as_they_are_fitted(runs, tmp_path):
    run, options = runs[0], Options(signals=2, tuning_signals=1, steps=(0, 2))
    found = figure_images([run], options, RunCache(tmp_path), QUIET)
    family = run.experiment.data.build()
    assert list(found.galleries) == ["image-text, 1", "image-text, 2"]
    for number, shown in enumerate(found.galleries.values()):
        task = family.held_out("test", number)
        assert shown.steps == (0, 2) and len(shown.pictures) == 5
        np.testing.assert_array_equal(shown.target, family.pictures(task.query.y)[0])
        begun = predict(Points(), run.init.field, task.query.p)
        np.testing.assert_allclose(
            shown.pictures["learned"][0], family.pictures(begun)[0], atol=1e-6
        )
        # The pictures are the fits of the rows.
        for name, label in shown.fits.items():
            (row,) = (r for r in found.rows if (r["init"], r["steps"], rule_label(r))
                      == (name, 2, label))  # fmt: skip
            error = np.mean((np.clip(shown.pictures[name][1], 0, 1) - shown.target) ** 2)
            assert -10 * np.log10(error) == pytest.approx(row["psnr"][number], abs=0.01)


def test_defaults_ask_for_no_more_signals_than_there_are(runs, tmp_path):
    rows = figure_images(runs[1:], Options(steps=(1,)), RunCache(tmp_path), QUIET).rows
    assert {row["n"] for row in rows} == {2}
    rows = table2(runs[1:], Options(), RunCache(tmp_path), QUIET).rows
    assert {row["n"] for row in rows} == {3}  # of 50


def test_progress_rises_to_one(runs, tmp_path):
    told = []
    tell = lambda what, done: told.append((what, done))
    table1(runs, replace(OPTIONS, match_steps=2), RunCache(tmp_path), tell)
    done = [done for _, done in told]
    assert done == sorted(done) and done[-1] == 1.0
    assert {what.split(":")[0] for what, _ in told} == {"image-text", "image-sdf"}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"data": replace(SHAPES.data, size=13)}, "size 13.*12"),
        ({"field": Siren(width=9, layers=2)}, "field"),
        ({"meta": MAML(steps=3, rule=SGD(0.01))}, "meta.steps 3"),
    ],
)
def test_initializations_that_do_not_fit_each_other_are_refused(runs, tmp_path, change, words):
    other = replace(runs[1], experiment=replace(runs[1].experiment, **change))
    with pytest.raises(InputError, match=words):
        table2([runs[0], other], Options(), RunCache(tmp_path), QUIET)
