"""Table 5: every initialization is measured on what was not fitted of a photograph, by scene."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data.photos import write_photos
from theta0.data.town import TouristTown
from theta0.errors import InputError
from theta0.evaluation import Protocol, best_rows, pictures_of
from theta0.fields import Positional
from theta0.forward import Volume
from theta0.inner import SGD, Adam, InnerConfig, Objective
from theta0.meta import OuterConfig, Reptile
from theta0.paper import Options, RunCache, figure_tourism, read_runs, scenes, table5
from theta0.presets import Experiment, train
from theta0.report import appearance_transfer_grid, scenes_table
from theta0.signals import PhotoCollection, PhotoConfig

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]

SMALL = Experiment(
    preset="tourism-town",
    scale="smoke",
    data=PhotoConfig(TouristTown(4, 3, 4), size=12, rays=64, other_views=2),
    field=Positional(width=8, layers=2, bands=4, max_exponent=3.0),
    forward=Volume(samples=4, density="softplus", background="none", last_interval=1e10),
    meta=Reptile(steps=2, rule=SGD(0.5), batch=16),
    outer=OuterConfig(1e-3, "constant", 4, validate_every=2, validation_signals=1),
    protocol=Protocol((0, 1), (SGD(0.1), SGD(0.5), Adam(1e-3)), batch=16),
    baseline=InnerConfig(Adam(1e-3), 3, batch=16),
)
OPTIONS = Options(signals=2, tuning_signals=1, steps=(1, 4), objectives=(Objective(huber=0.1),))
QUIET = lambda what, done: None


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = []
    for name, steps in (("tourism-town", 2), ("tourism-town-joint", 1)):
        folders.append(tmp_path_factory.mktemp("runs") / name)
        meta = replace(SMALL.meta, steps=steps)
        train(replace(SMALL, name=name, meta=meta), folders[-1])
    return read_runs(folders, PhotoConfig)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return RunCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def made(runs, cache):
    return table5(runs, OPTIONS, cache, QUIET)


def test_a_second_time_no_photograph_is_read_and_views_are_the_same(made, runs, cache, unreadable):
    transfers = figure_tourism(runs[:1], OPTIONS, cache, QUIET).appearance_transfers
    unreadable(PhotoConfig)
    again = table5(runs, OPTIONS, cache, QUIET)
    assert again.rows == made.rows
    for name, shown in made.novel_views.items():
        for init, views in shown.predictions.items():
            np.testing.assert_array_equal(again.novel_views[name].predictions[init], views)
    found = figure_tourism(runs[:1], OPTIONS, cache, QUIET).appearance_transfers["town"]
    np.testing.assert_array_equal(found.renderings, transfers["town"].renderings)


@pytest.mark.parametrize("protocol", ["right-half", "other-views"])
def test_every_initialization_has_rows(made, protocol):
    rows = [row for row in made.rows if (row["scene"], row["protocol"]) == ("town", protocol)]
    every = {"meta", "standard", "random", "mean", "matched", "shuffled"}
    both = {"meta+mask", "standard+mask", *every}
    found = {(row["init"], row["rule"], row["steps"]) for row in rows}
    huber = {found for found in found if found[0].endswith("+huber")}
    assert found - huber == {(i, o, s) for i in both for o in ("sgd", "adam") for s in (1, 4)}
    assert {(init, steps) for init, _, steps in huber} == {
        (f"{init}+huber", steps) for init in ("meta", "standard") for steps in (1, 4)
    }
    assert all(row["n"] == 2 and np.isfinite(row["psnr_mean"]) for row in rows)
    assert all(row["huber"] == 0.1 for row in rows if row["init"].endswith("+huber"))


def test_only_the_wanted_initializations_are_measured_beside_joint_training(made, runs, tmp_path):
    wanted = replace(OPTIONS, inits=("learned",))
    rows = table5(runs, wanted, RunCache(tmp_path), QUIET).rows
    assert {row["init"].partition("+")[0] for row in rows} == {"meta", "standard"}
    timeless = lambda row: {name: it for name, it in row.items() if name != "seconds"}
    every = [timeless(row) for row in made.rows]
    assert all(timeless(row) in every for row in rows)


def test_the_figure_shows_what_judged(made, runs):
    for judge, count in (("right-half", 1), ("other-views", 2)):
        data = replace(runs[0].experiment.data, judge=judge)
        family, shown = data.build(), made.novel_views[f"town, {judge}"]
        task = family.held_out("test", 0)
        np.testing.assert_array_equal(shown.targets, family.pictures(task.query.y))
        assert len(shown.targets) == count
        assert {"meta", "standard", "random"} <= set(shown.predictions)
        rows = [row for row in made.rows if row["protocol"] == judge and row["init"] == "standard"]
        (row,) = best_rows(rows, ("init",))
        (views,) = pictures_of(
            SMALL.forward, runs[1].learned(), family, replace(SMALL.protocol), 0,
            {**row, "init": "learned"}, (row["steps"],),
        )  # fmt: skip
        np.testing.assert_array_equal(shown.predictions["standard"], views)


def test_tables_and_figures_can_be_drawn(made, runs, tmp_path):
    rows = best_rows(made.rows, ("scene", "protocol", "init", "rule"))
    text = scenes_table(rows).to_markdown()
    assert "town, right-half" in text and "town, other-views" in text and "meta+huber" in text
    found = figure_tourism(runs[:1], OPTIONS, RunCache(tmp_path), QUIET)
    transfer = found.appearance_transfers["town"]
    # Every photograph from every pose; the pictures taken from there are the photographs.
    assert np.shape(transfer.renderings) == (2, 4, 12, 12, 3)
    data = runs[0].experiment.data.build()
    own = data.load(data.photos.split.test[2]).image / np.float32(255)
    np.testing.assert_array_equal(transfer.photographs[0], own)
    grid = appearance_transfer_grid(transfer.photographs, transfer.inputs, transfer.renderings)
    assert grid.startswith(b"\x89PNG")


@pytest.mark.filterwarnings("ignore::theta0.errors.InputWarning")  # of unused masks
def test_rotations_of_a_collection_share_their_rows(tmp_path):
    photos = TouristTown(4, 1, 1, size=16).read()
    folder = write_photos([(photos.load(number), None) for number in range(6)], tmp_path / "six")
    data = replace(SMALL.data, source=PhotoCollection(str(folder), validation=1, test=2))
    folders = []
    for rotation in (0, 2, 4):
        folders.append(tmp_path / f"runs/{rotation}")
        turned = replace(data, source=replace(data.source, rotation=rotation))
        train(replace(SMALL, name=f"turned-{rotation}", data=turned), folders[-1])
    runs = read_runs(folders, PhotoConfig)
    kept, single = RunCache(tmp_path / "cache"), {}
    for run in runs:
        for row in table5([run], OPTIONS, kept, QUIET).rows:
            single.setdefault((row["init"], row["rule"], row["steps"]), []).append(row)
    made = table5(runs, OPTIONS, kept, QUIET)
    assert list(made.novel_views) == [f"turned-{by}, right-half" for by in (0, 2, 4)]
    assert len(made.rows) == len(single)
    for row in made.rows:
        parts = single[row["init"], row["rule"], row["steps"]]
        assert row["psnr"] == [psnr for part in parts for psnr in part["psnr"]] and row["n"] == 6
        assert row["psnr_mean"] == pytest.approx(np.mean(row["psnr"]), abs=1e-3)
        assert row["validation_psnr"] == np.mean([part["validation_psnr"] for part in parts])
        assert ("lr" in row) == (len({part["lr"] for part in parts}) == 1)
    text = scenes_table(best_rows(made.rows, ("scene", "protocol", "init", "rule")))
    assert "six, right-half" in text.to_markdown()


def test_runs_that_make_no_scene_are_refused(runs):
    with pytest.raises(InputError, match="here are 0 and 1"):
        scenes(runs[1:])
    with pytest.raises(InputError, match="here are 2 and 0"):
        scenes([runs[0], runs[0]])
    (scene,) = scenes(runs)
    assert (scene.name, scene.joint) == ("town", runs[1])
