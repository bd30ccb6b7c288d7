"""A run records where it was made and how; an evaluation compares what it says it does."""

import json
import re
import sys

import numpy as np
import pytest

import theta0
from theta0.errors import InputError
from theta0.evaluate import Protocol
from theta0.experiments import (
    Experiment,
    command_line,
    commit,
    environment,
    evaluate_initialization,
    read_experiment,
    train,
)
from theta0.fields import FourierConfig, evaluate, weights
from theta0.fit import InnerConfig
from theta0.forward import Lines
from theta0.inits import load
from theta0.meta import OuterConfig
from theta0.tasks import CTConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

TINY = Experiment(
    preset="ct",
    scale="smoke",
    data=CTConfig(
        size=8, rays=6, train=5, validation=2, test=2, training_views=2, query_pixels=10
    ),
    field=FourierConfig(width=8, layers=2, features=4, bandwidth=6.0),
    forward=Lines(samples=4, reduce="sum"),
    meta="reptile",
    inner=InnerConfig("sgd", 0.5, 2),
    outer=OuterConfig(1e-3, "constant", 2, validate_every=1, validation_signals=1),
    protocol=Protocol((0, 2), (0.5,), (1e-2,), tuning_signals=1, signals=1, views=2),
    baseline=InnerConfig("adam", 1e-2, 100),
    name="tiny",
    credit="drawn by hand",
    seed=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    before, sys.argv = sys.argv, ["theta0", "train", "ct", "--data=/home/me/scans.npz"]
    try:
        learned = train(TINY, folder)
    finally:
        sys.argv = before
    return folder, learned


def test_the_config_of_a_run_is_its_experiment(run):
    assert read_experiment(run[0]) == TINY


def test_the_environment_is_recorded(run):
    recorded = json.loads((run[0] / "environment.json").read_text())
    assert recorded == environment()
    assert recorded["theta0"] == theta0.__version__
    assert re.search(r"\d+ cores", recorded["machine"]) and recorded["devices"]


def test_the_commit_is_one_or_none():
    assert re.fullmatch(r"[0-9a-f]{12}\+?|none", commit())


def test_provenance_tells_all_but_where_files_lay(run):
    description = load(run[0] / "init.safetensors").description
    assert description == run[1].description
    assert (description.name, description.preset) == ("tiny", "ct")
    facts = description.provenance
    assert facts["command"] == "theta0 train ct --data=scans.npz"
    assert (facts["credit"], facts["seed"], facts["meta"]) == ("drawn by hand", 3, "reptile")
    assert facts["outer_steps"] in (1, 2) and facts["theta0"] == theta0.__version__
    assert np.isfinite(facts["validation_psnr"]) and facts["seconds"] >= 0


def test_the_command_can_be_pasted(monkeypatch):
    argv = ["theta0", "train", "images", "--data", "/srv/my photos", "--out=a b"]
    monkeypatch.setattr(sys, "argv", argv)
    assert command_line() == "theta0 train images --data '/srv/my photos' '--out=a b'"
    assert command_line(paths=False) == "theta0 train images --data 'my photos' '--out=a b'"


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a run folder"):
        read_experiment(tmp_path)


def test_the_five_starts(run):
    family, learned = TINY.data.build(), run[1].field
    starts = TINY.starts(learned, family)
    assert list(starts) == ["learned", "standard", "mean", "matched", "shuffled"]
    assert starts["learned"](0) is learned
    same = lambda a, b: all(
        np.array_equal(x, y) for x, y in zip(weights(a), weights(b), strict=True)
    )
    assert same(starts["standard"](1), starts["standard"](1))
    assert not same(starts["standard"](0), starts["standard"](1))
    for name in ("mean", "matched", "shuffled"):
        assert starts[name](0) is starts[name](1) and not same(starts[name](0), learned)
    signal = family.mean_signal()
    error = lambda field, values: np.mean((evaluate(field, signal.p) - values) ** 2) ** 0.5
    fresh = starts["standard"](0)
    assert error(starts["mean"](0), signal.y) < 0.6 * error(fresh, signal.y)
    shown = evaluate(learned, signal.p)
    assert error(starts["matched"](0), shown) < 0.6 * error(fresh, shown)


def test_the_gallery_is_the_first_test_signal_fitted_as_in_the_rows(run):
    family = TINY.data.build()
    found = evaluate_initialization(TINY, run[1], family)
    task = family.held_out("test", 0, 2)
    gallery = found.gallery
    np.testing.assert_array_equal(gallery.target, family.picture(task.query.y))
    assert gallery.steps == (2,) and found.facts["test signals"] == 1
    from theta0.metrics import psnr

    for row in found.rows:
        if row["steps"] == 2 and gallery.fits[row["init"]] == (row["optimizer"], row["lr"]):
            (picture,) = gallery.pictures[row["init"]]
            assert psnr(picture, gallery.target) == pytest.approx(row["psnr_mean"], abs=1e-4)
    assert set(gallery.fits) == {row["init"] for row in found.rows}
