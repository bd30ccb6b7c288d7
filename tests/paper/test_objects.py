"""Table 4: every initialization is measured on unseen views of unseen objects, class by class."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data.views import ProceduralObjects
from theta0.errors import InputError
from theta0.evaluation import Protocol, best_rows
from theta0.fields import Positional
from theta0.forward import Volume
from theta0.inner import SGD, Adam, InnerConfig
from theta0.meta import MAML, OuterConfig, Reptile
from theta0.metrics import psnr
from theta0.paper import (
    Options,
    RunCache,
    figure_shapenet,
    figure_shapenet_convergence,
    object_classes,
    read_runs,
    table4,
)
from theta0.presets import Experiment, train
from theta0.report import novel_views_grid, objects_table
from theta0.signals import ViewConfig

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]

SMALL = Experiment(
    preset="view-chair",
    scale="smoke",
    data=ViewConfig(
        ProceduralObjects(4, 3, 3), size=12, training_views=3, rays=64, first_held_out=4,
        held_out_views=5, validation_views=1,
    ),
    field=Positional(width=8, layers=2, bands=4, max_exponent=3.0),
    forward=Volume(samples=4, density="softplus"),
    meta=Reptile(steps=2, rule=SGD(0.5), batch=16),
    outer=OuterConfig(1e-3, "constant", 4, validate_every=2, validation_signals=1),
    protocol=Protocol((0, 1), (SGD(0.1), SGD(0.5), Adam(1e-3)), batch=16, views=1),
    baseline=InnerConfig(Adam(1e-3), 3, batch=16),
)  # fmt: skip
OPTIONS = Options(signals=2, tuning_signals=1, steps=(1, 4))
QUIET = lambda what, done: None


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    other = ProceduralObjects(4, 3, 3, seed=1)
    single = replace(SMALL.data, training_views=1)
    maml = MAML(*vars(SMALL.meta).values())
    folders = []
    for name, data, meta in [
        ("view-stool", SMALL.data, SMALL.meta),
        ("view-stool-sv", single, SMALL.meta),
        ("view-bench", replace(SMALL.data, source=other), SMALL.meta),
        ("view-bench-maml", replace(SMALL.data, source=other, inner_views=1), maml),
    ]:
        folders.append(tmp_path_factory.mktemp("runs") / name)
        train(replace(SMALL, name=name, data=data, meta=meta), folders[-1])
    return read_runs(folders, ViewConfig)


@pytest.fixture(scope="module")
def made(runs):
    return table4(runs, OPTIONS, RunCache(runs[0].folder / "cache"), QUIET)


def test_some_initializations_alone_are_measured_and_as_before(made, runs):
    few = table4(
        runs, replace(OPTIONS, inits=("learned",)), RunCache(runs[0].folder / "cache"), QUIET
    )
    learned = ("mv-meta", "sv-meta", "mv-maml")
    assert few.rows == [row for row in made.rows if row["init"] in learned]
    assert set(few.novel_views["stool"].predictions) == {"mv-meta", "sv-meta"}


def test_a_second_time_no_object_is_read_and_views_are_the_same(made, runs, unreadable):
    unreadable(ViewConfig)
    again = table4(runs, OPTIONS, RunCache(runs[0].folder / "cache"), QUIET)
    assert again.rows == made.rows
    for name, shown in made.novel_views.items():
        np.testing.assert_array_equal(again.novel_views[name].inputs, shown.inputs)
        np.testing.assert_array_equal(again.novel_views[name].targets, shown.targets)
        for init, views in shown.predictions.items():
            np.testing.assert_array_equal(again.novel_views[name].predictions[init], views)


def test_every_initialization_of_every_class_has_rows(made):
    many = {"standard", "mean", "mv-matched", "mv-shuffled", "mv-meta"}
    for name, inits in (("stool", {*many, "sv-meta"}), ("bench", {*many, "mv-maml"})):
        rows = [row for row in made.rows if row["class"] == name]
        found = {(row["init"], row["rule"], row["steps"]) for row in rows}
        assert found == {(i, o, s) for i in inits for o in ("sgd", "adam") for s in (1, 4)}
        assert all(row["views"] == 1 and row["n"] == 2 for row in rows)
    assert all(np.isfinite(row["psnr_mean"]) for row in made.rows)


def test_the_figure_shows_the_views_that_judge(made, runs):
    shown, tasks = made.novel_views["stool"], runs[0].experiment.data.build()
    task = tasks.held_out("test", 0, 1)
    np.testing.assert_array_equal(shown.targets, tasks.pictures(task.query.y)[:4])
    assert len(shown.inputs) == 1 and set(shown.predictions) >= {"mv-meta", "sv-meta", "standard"}
    assert all(len(views) == 4 for views in shown.predictions.values())
    # The rows' quality is that of the pictures, where a fit of one object is all there is.
    alone = figure_shapenet(
        runs[2:3], replace(OPTIONS, signals=None), RunCache(made_in(runs)), QUIET
    )
    chosen = {row["init"]: row for row in best_rows(alone.rows, ("init",))}
    five = [psnr(*pair) for pair in zip(*_all_views(runs[2], chosen["mv-meta"]), strict=True)]
    assert chosen["mv-meta"]["psnr_mean"] == pytest.approx(np.mean(five), abs=1e-3)


def made_in(runs):
    return runs[0].folder / "cache-of-one"


def _all_views(run, row):
    from theta0.evaluation import pictures_of

    tasks = run.experiment.data.build()
    protocol = replace(run.experiment.protocol, views=1)
    ((views),) = pictures_of(
        run.experiment.forward, run.learned(), tasks, protocol, run.experiment.seed,
        {**row, "init": "learned"}, (row["steps"],),
    )  # fmt: skip
    return views, tasks.pictures(tasks.held_out("test", 0, 1).query.y)


def test_table_and_figure_can_be_drawn(made):
    text = objects_table(best_rows(made.rows, ("class", "init", "rule"))).to_markdown()
    assert "from 1 view:" in text and text.count("mv-meta") == 4
    assert text.count("sv-meta") == text.count("mv-maml") == 2
    shown = made.novel_views["bench"]
    assert novel_views_grid(shown.inputs, shown.targets, shown.predictions).startswith(b"\x89PNG")


def test_convergence_compares_standard_with_the_learned_initialization(runs, tmp_path):
    options = replace(OPTIONS, views=(3,), steps=(1, 2))
    found = figure_shapenet_convergence(runs, options, RunCache(tmp_path), QUIET)
    assert {row["init"] for row in found.rows} == {"learned", "standard"}
    assert {row["class"] for row in found.rows} == {"stool", "bench"}
    assert {(row["views"], row["steps"]) for row in found.rows} == {(3, 1), (3, 2)}


def test_a_class_has_one_run_of_a_kind(runs, tmp_path):
    with pytest.raises(InputError, match="here are 0 of several views and 1 of one"):
        object_classes(runs[1:2])
    (other,) = read_runs([runs[0].folder], ViewConfig)
    with pytest.raises(InputError, match="here are 2 of several views and 0 of one"):
        object_classes([runs[0], other])
    with pytest.raises(InputError, match="one number of input views"):
        table4(runs, replace(OPTIONS, views=(1, 2)), RunCache(tmp_path), QUIET)
