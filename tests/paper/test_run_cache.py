"""The run cache: what is finished is never computed again, what changed always is."""

import json
from dataclasses import replace

import numpy as np
import pytest

import theta0.paper.run_cache
from theta0.inner import SGD, Adam
from theta0.paper import Comparison, Options, RunCache, figure_curves, figure_images, table1
from theta0.presets import INITS
from theta0.signals import ImageConfig, ImageTasks

from .conftest import OPTIONS, QUIET, SHAPES, timeless

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]


@pytest.mark.parametrize("make", [figure_curves, pytest.param(table1, marks=pytest.mark.slow)])
def test_a_kill_after_any_result_costs_none_that_is_finished(runs, tmp_path, monkeypatch, make):
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
        cache = RunCache(tmp_path / "killed")
        try:
            rows = make(runs[1:], options, cache, QUIET).rows
        except KeyboardInterrupt:
            finished += 1
            assert len(list(cache.folder.iterdir())) == finished
    names = lambda folder: {path.name for path in (tmp_path / folder).iterdir()}
    assert timeless(rows) == timeless(whole) and names("killed") == names("whole")
    # The time is that of all results, whichever process computed them: of one second each here.
    assert cache.seconds == len(names("killed"))  # pyright: ignore[reportPossiblyUnboundVariable]


def test_finished_results_are_read(runs, first, remade):
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


def test_a_damaged_result_is_measured_anew(runs, tmp_path, remade):
    options = Options(signals=1, tuning_signals=1, steps=(0, 1))
    before = figure_curves(runs[1:], options, RunCache(tmp_path), QUIET).rows
    count = len(remade)
    for suffix in ("json", "safetensors"):
        for path in sorted(tmp_path.glob(f"*.{suffix}"))[:1]:
            path.write_bytes(path.read_bytes()[:50])
    after = figure_curves(runs[1:], options, RunCache(tmp_path), QUIET).rows
    assert len(remade) == count + 2 and timeless(after) == timeless(before)


def test_a_result_says_what_it_depends_on(first):
    results = [json.loads(path.read_text()) for path in first[1].glob("*.json")]
    assert all({"theta0", "protocol", "data", "seed"} <= set(one["of"]) for one in results)
    assert all(("learned" in one["of"]) != ("field" in one["of"]) for one in results)


def test_rules_of_one_kind_leave_rows_of_another_as_they_are(runs, tmp_path, remade):
    options = Options(signals=1, tuning_signals=1, steps=(0, 1), rules=(SGD(0.01), Adam(1e-2)))
    before = figure_curves(runs[:1], options, RunCache(tmp_path), QUIET).rows
    count = len(remade)
    options = replace(options, rules=(SGD(0.01), Adam(1e-2), Adam(1e-3)))
    after = figure_curves(runs[:1], options, RunCache(tmp_path), QUIET).rows
    assert len(remade) == count + len(INITS)
    others = lambda rows: [row for row in rows if row["rule"] != "adam"]
    assert others(after) == others(before) and {"sgd", "learned"} == {
        row["rule"] for row in others(after)
    }


def test_a_second_time_no_signal_is_read_and_pictures_are_the_same(runs, tmp_path, unreadable):
    options = Options(steps=(0, 2))
    first = figure_images(runs[:1], options, RunCache(tmp_path), QUIET)
    unreadable(ImageConfig)
    again = figure_images(runs[:1], options, RunCache(tmp_path), QUIET)
    assert again.rows == first.rows and list(again.galleries) == list(first.galleries)
    for name, shown in first.galleries.items():
        np.testing.assert_array_equal(again.galleries[name].target, shown.target)
        assert again.galleries[name].fits == shown.fits
        assert list(again.galleries[name].pictures) == list(INITS)
        for init, pictures in shown.pictures.items():
            np.testing.assert_array_equal(again.galleries[name].pictures[init], pictures)


def test_an_initialization_asks_for_what_it_needs_alone(runs, tmp_path, monkeypatch):
    asked = []
    for name in ("mean_signal", "places"):
        own = getattr(ImageTasks, name)
        ask = lambda tasks, name=name, own=own: asked.append(name) or own(tasks)
        monkeypatch.setattr(ImageTasks, name, ask)
    comparison = Comparison(runs[0], runs[0].experiment.data.build, RunCache(tmp_path))
    needs = {"mean": ["mean_signal"], "matched": ["places"]}
    for name in INITS:
        comparison.inits(QUIET, [name])
        assert asked == needs.get(name, [])
        assert ("family" in vars(comparison)) == (name not in ("learned", "standard"))
        asked.clear()


def test_arrays_are_kept_as_float32_under_their_names(tmp_path):
    made = {"a": np.linspace(0, 1, 6).reshape(2, 3), "b.c": np.ones(1, np.float32)}
    for make in (lambda: made, lambda: pytest.fail("made again")):
        found = RunCache(tmp_path).arrays("some/name", {"of": 1}, make)
        assert list(found) == list(made)
        for name, array in made.items():
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], array.astype(np.float32))
    changed = RunCache(tmp_path).arrays("some/name", {"of": 2}, lambda: {"a": np.zeros(1)})
    assert list(changed) == ["a"] and len(list(tmp_path.iterdir())) == 2
