"""The course of meta-training is that of the runs' logs."""

import json
from dataclasses import replace

import numpy as np
import pytest

from theta0.data.images import Folder
from theta0.paper import RunCache, figure_training, read_runs
from theta0.presets import train

from .conftest import OPTIONS, QUIET, TEXT

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]


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
        assert {row["meta"] for row in mine} == {run.meta}


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
        train(replace(TEXT, init_from=str(before)), folder)
        ends.append(json.loads((before / "metrics.jsonl").read_text().splitlines()[-1])["seconds"])
        before = folder
    third = read_runs([before])
    rows = figure_training(third, OPTIONS, RunCache(tmp_path / "parts"), QUIET).rows
    lines = (before / "metrics.jsonl").read_text().splitlines()
    own = [r["seconds"] for r in map(json.loads, lines) if "validation_psnr" in r]
    expected = [sum(ends) + seconds for seconds in own]
    np.testing.assert_allclose([row["seconds"] for row in rows], expected, atol=0.06)
