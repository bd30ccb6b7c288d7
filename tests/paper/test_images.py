"""The paper's tables and figures: the rows are those of an evaluation, each measured once."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import theta0.paper.run_cache
from theta0.chunks import predict
from theta0.config import to_plain
from theta0.data.images import SDF, Folder, Text
from theta0.errors import InputError
from theta0.evaluate import evaluate
from theta0.fields import FourierConfig, SirenConfig
from theta0.files import write_json
from theta0.fit import InnerConfig
from theta0.forward import Lines, Points
from theta0.meta import OuterConfig
from theta0.paper import (
    MATCH_COUNTS,
    Options,
    RunCache,
    figure_curves,
    figure_images,
    figure_training,
    read_runs,
    steps_to_match,
    table1,
    table2,
)
from theta0.presets import Experiment, train
from theta0.protocol import Protocol
from theta0.tasks import CTConfig, ImageConfig

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]

TEXT = Experiment(
    preset="image-text",
    scale="smoke",
    data=ImageConfig(Text(6, 2, 3), size=12),
    field=SirenConfig(width=8, layers=2, w0=10.0),
    forward=Points(),
    meta="metasgd",
    inner=InnerConfig("sgd", 0.03, 2),
    outer=OuterConfig(lr=1e-3, steps=4, validate_every=2, validation_signals=1),
    protocol=Protocol((0, 1), (0.01, 0.1), (1e-2,)),
    baseline=InnerConfig("adam", 1e-3, 3),
)
SHAPES = replace(
    TEXT, preset="image-sdf", data=replace(TEXT.data, source=SDF(6, 2, 3)), meta="maml"
)
OPTIONS = Options(signals=3, tuning_signals=2, match_signals=2, match_steps=20)
QUIET = lambda what, done: None


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = [tmp_path_factory.mktemp(experiment.preset) for experiment in (TEXT, SHAPES)]
    for experiment, folder in zip((TEXT, SHAPES), folders, strict=True):
        train(experiment, folder)
    return read_runs(folders)


@pytest.fixture(scope="module")
def first(runs, tmp_path_factory):
    """Table 1 of both classes, and where its parts lie."""
    folder = tmp_path_factory.mktemp("table1")
    return table1(runs, OPTIONS, RunCache(folder), QUIET).rows, folder


def timeless(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def evaluated(run, protocol, starts=None):
    """The rows of an evaluation without parts."""
    family = run.experiment.data.build()
    starts = starts or run.experiment.starts(run.start.field, family)
    return timeless(evaluate(run.experiment.forward, starts, family, protocol))


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
    assert sum(row["optimizer"] == "learned" for row in rows) == 1 and len(rows) == 21


def test_table1_counts_steps_on_the_first_signals_with_step_sizes_of_their_own(runs, first):
    counts = [count for count in MATCH_COUNTS if count <= 20]
    for run in runs:
        protocol = Protocol(tuple(counts), (0.01, 0.1), (1e-2,), 1, signals=2)
        curves, mine = {}, [row for row in first[0] if row["test_class"] == run.name]
        for row in evaluated(run, protocol):
            curves.setdefault((row["init"], row["optimizer"]), []).append(row["psnr_mean"])
        main = {(r["init"], r["optimizer"]): r for r in mine if r["protocol"] == "psnr"}
        best = max((k for k in main if k[0] == "learned"), key=lambda k: main[k]["psnr_mean"])
        goal = np.mean(main[best]["psnr"][:2])
        for pair, row in main.items():
            # 20 steps, but given up after 5 if not a quarter of the way there.
            curve = curves[pair]
            reached = [n for n, value in zip(counts, curve, strict=True) if value >= goal]
            tried = [r for r in mine if r["protocol"] == "match"
                     and (r["init"], r["optimizer"]) == pair]  # fmt: skip
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


def test_table2_fits_every_start_to_every_class(runs, tmp_path):
    rows = timeless(table2(runs, OPTIONS, RunCache(tmp_path), QUIET).rows)
    protocol = replace(TEXT.protocol, steps=(2,), signals=3, tuning_signals=2)
    assert {(row["train_class"], row["test_class"]) for row in rows} == {
        (train, test)
        for train in ("image-text", "image-sdf", None)
        for test in ("image-text", "image-sdf")
    }
    for test in runs:
        starts = {run.name: {"learned": lambda signal, run=run: run.start.field} for run in runs}
        every = test.experiment.starts(test.start.field, test.experiment.data.build())
        starts[None] = {"standard": every["standard"]}
        for trained, start in starts.items():
            # The diagonal, where both are one, is its own class's evaluation.
            mine = [r for r in rows if (r["train_class"], r["test_class"]) == (trained, test.name)]
            added = {"train_class": trained, "test_class": test.name}
            assert mine == [{**added, **row} for row in evaluated(test, protocol, start)]


@pytest.mark.parametrize("make", [figure_curves, pytest.param(table1, marks=pytest.mark.slow)])
def test_a_kill_after_any_part_costs_none_that_is_finished(runs, tmp_path, monkeypatch, make):
    options = Options(signals=1, tuning_signals=1)
    options = replace(options, match_steps=5) if make is table1 else replace(options, steps=(0, 2))
    whole = make(runs[1:], options, RunCache(tmp_path / "whole"), QUIET).rows
    made = []

    def one_more(measure):
        if made:
            raise KeyboardInterrupt
        made.append(measure())
        return made[-1], 1.0

    monkeypatch.setattr(theta0.paper.run_cache, "_timed", one_more)
    finished, rows = 0, None
    while rows is None:
        made.clear()
        parts = RunCache(tmp_path / "killed")
        try:
            rows = make(runs[1:], options, parts, QUIET).rows
        except KeyboardInterrupt:
            finished += 1
            assert len(list(parts.folder.iterdir())) == finished
    names = lambda folder: {path.name for path in (tmp_path / folder).iterdir()}
    assert timeless(rows) == timeless(whole) and names("killed") == names("whole")
    # The time is that of all the parts, whichever process did them: of one second each here.
    assert parts.seconds == len(names("killed"))


@pytest.fixture
def remade(monkeypatch):
    """Names what is measured rather than read."""
    counted, timed = [], theta0.paper.run_cache._timed

    def counting(make):
        counted.append(make)
        return timed(make)

    monkeypatch.setattr(theta0.paper.run_cache, "_timed", counting)
    return counted


def test_finished_parts_are_read(runs, first, remade):
    rows, folder = first
    assert table1(runs, OPTIONS, RunCache(folder), QUIET).rows == rows and not remade


@pytest.mark.parametrize("change", ["protocol", "run", "data"])
def test_what_changed_is_measured_anew(runs, tmp_path, remade, change):
    options, run = Options(signals=1, tuning_signals=1, steps=(0, 1)), runs[1]
    before = figure_curves([run], options, RunCache(tmp_path), QUIET).rows
    count = len(remade)
    if change == "protocol":
        options = replace(options, signals=2)
    elif change == "run":
        run = replace(run, digest="another")
    else:
        source = replace(SHAPES.data.source, seed=1)
        run = replace(run, experiment=replace(SHAPES, data=replace(SHAPES.data, source=source)))
    after = figure_curves([run], options, RunCache(tmp_path), QUIET).rows
    # Mean and Matched do not depend on the protocol, Standard and Mean not on what was learned.
    assert len(remade) == count + {"protocol": 10, "run": 7, "data": 12}[change]
    assert (timeless(after) == timeless(before)) == (change == "run")


def test_a_damaged_part_is_measured_anew(runs, tmp_path, remade):
    options = Options(signals=1, tuning_signals=1, steps=(0, 1))
    before = figure_curves(runs[1:], options, RunCache(tmp_path), QUIET).rows
    count = len(remade)
    for suffix in ("json", "safetensors"):
        for part in sorted(tmp_path.glob(f"*.{suffix}"))[:1]:
            part.write_bytes(part.read_bytes()[:50])
    after = figure_curves(runs[1:], options, RunCache(tmp_path), QUIET).rows
    assert len(remade) == count + 2 and timeless(after) == timeless(before)


def test_a_part_says_what_it_depends_on(first):
    parts = [json.loads(path.read_text()) for path in first[1].glob("*.json")]
    assert all({"theta0", "protocol", "data", "seed"} <= set(part["of"]) for part in parts)
    assert all(("start" in part["of"]) != ("field" in part["of"]) for part in parts)


def test_figure_images_shows_signals_as_they_are_fitted(runs, tmp_path):
    run, options = runs[0], Options(signals=2, tuning_signals=1, steps=(0, 2))
    found = figure_images([run], options, RunCache(tmp_path), QUIET)
    family = run.experiment.data.build()
    assert list(found.galleries) == ["image-text, 1", "image-text, 2"]
    for number, shown in enumerate(found.galleries.values()):
        task = family.held_out("test", number)
        assert shown.steps == (0, 2) and len(shown.pictures) == 5
        np.testing.assert_array_equal(shown.target, family.pictures(task.query.y)[0])
        start = predict(Points(), run.start.field, task.query.p)
        np.testing.assert_allclose(
            shown.pictures["learned"][0], family.pictures(start)[0], atol=1e-6
        )
        # The pictures are the fits of the rows.
        for name, (optimizer, _) in shown.fits.items():
            (row,) = (r for r in found.rows if (r["init"], r["optimizer"], r["steps"])
                      == (name, optimizer, 2))  # fmt: skip
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
        ({"field": SirenConfig(width=9, layers=2)}, "field"),
        ({"inner": InnerConfig("sgd", 0.01, 3)}, "inner.steps 3"),
    ],
)
def test_starts_that_do_not_fit_each_other_are_refused(runs, tmp_path, change, words):
    other = replace(runs[1], experiment=replace(runs[1].experiment, **change))
    with pytest.raises(InputError, match=words):
        table2([runs[0], other], Options(), RunCache(tmp_path), QUIET)


def test_runs_that_cannot_be_are_refused(runs, tmp_path):
    with pytest.raises(InputError, match="a folder, but no run"):
        read_runs([tmp_path])
    with pytest.raises(InputError, match="given twice"):
        read_runs([runs[0].folder, runs[0].folder / "."])
    scan = Experiment(
        "ct", "smoke", CTConfig(size=8), FourierConfig(), Lines(), "reptile",
        InnerConfig("sgd", 1.0, 2), OuterConfig(),
    )  # fmt: skip
    other = shutil.copytree(runs[0].folder, tmp_path / "ct")
    write_json(other / "config.json", to_plain(scan))
    with pytest.raises(InputError, match="a run of preset ct"):
        read_runs([other])


def test_runs_of_one_name_are_told_apart(runs, tmp_path):
    copy = shutil.copytree(runs[0].folder, tmp_path / "copy")
    names = [run.name for run in read_runs([runs[0].folder, copy])]
    assert names == [f"image-text ({runs[0].folder})", f"image-text ({copy})"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"signals": 0}, "signals is 0"),
        ({"steps": (2, 1)}, "must rise"),
        ({"match_steps": 0}, "match_steps is 0"),
        ({"match_signals": 3, "signals": 2}, "match_signals is 3"),
        ({"sgd": (), "adam": ()}, "at least one"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Options(**options)


def test_the_course_of_learning_is_that_of_the_log(runs, tmp_path):
    rows = figure_training(runs, OPTIONS, RunCache(tmp_path), QUIET).rows
    for run in runs:
        mine = [row for row in rows if row["train_class"] == run.name]
        lines = (run.folder / "metrics.jsonl").read_text().splitlines()
        log = [json.loads(line) for line in lines]
        validated = [record for record in log if "validation_psnr" in record]
        assert [row["outer_steps"] for row in mine] == [2, 4]
        assert [row["psnr_mean"] for row in mine] == [r["validation_psnr"] for r in validated]
        assert [row["best"] for row in mine] == [r["best_psnr"] for r in validated]
        assert {row["meta"] for row in mine} == {run.experiment.meta}


@pytest.mark.parametrize(
    "source, n",
    [(TEXT.data.source, 2), (Folder("gone"), 5)],  # what is gone cannot be counted
)
def test_the_course_of_learning_is_on_as_many_signals_as_there_are(runs, tmp_path, source, n):
    asked = replace(TEXT.outer, validation_signals=5)
    experiment = replace(TEXT, data=replace(TEXT.data, source=source), outer=asked)
    run = replace(runs[0], experiment=experiment)
    rows = figure_training([run], OPTIONS, RunCache(tmp_path), QUIET).rows
    assert {row["n"] for row in rows} == {n}


def test_a_run_goes_on_at_the_minute_at_which_those_before_it_ended(runs, tmp_path):
    ends = []
    before = runs[0].folder
    for name in ("second", "third"):
        folder = tmp_path / name
        train(replace(TEXT, begin=str(before)), folder)
        ends.append(json.loads((before / "metrics.jsonl").read_text().splitlines()[-1])["seconds"])
        before = folder
    third = read_runs([before])
    rows = figure_training(third, OPTIONS, RunCache(tmp_path / "parts"), QUIET).rows
    lines = (before / "metrics.jsonl").read_text().splitlines()
    own = [r["seconds"] for r in map(json.loads, lines) if "validation_psnr" in r]
    expected = [sum(ends) + seconds for seconds in own]
    np.testing.assert_allclose([row["seconds"] for row in rows], expected, atol=0.06)
