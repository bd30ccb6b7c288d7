"""A run records where it was made and how; an evaluation compares what it says it does."""

import json
import re
import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

import theta0
from theta0.errors import InputError
from theta0.fields import FourierConfig, evaluate, weights
from theta0.fit import InnerConfig, fit, loss_and_gradient
from theta0.forward import Lines
from theta0.inits import load
from theta0.meta import OuterConfig
from theta0.metrics import psnr
from theta0.presets import (
    Experiment,
    StepSizes,
    command_line,
    commit,
    environment,
    evaluate_initialization,
    experiment_of,
    read_experiment,
    train,
)
from theta0.protocol import Protocol
from theta0.tasks import CTConfig, in_disc, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

TINY = Experiment(
    preset="ct-phantoms",
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


def test_validation_sees_what_is_judged():
    family, field = TINY.data.build(), TINY.field.build(jax.random.PRNGKey(0))
    task = family.held_out("validation", 0, 2)
    key = jax.random.fold_in(jax.random.PRNGKey(TINY.seed), 0)
    fitted = fit(TINY.forward, field, task.support, TINY.inner.build(), key).field
    inside = in_disc(pixel_coordinates(8, 8))[:, None]
    shown, truth = (inside * of for of in (evaluate(fitted, task.query.p), task.query.y))
    assert not inside.all()
    assert TINY.validator(family)(field) == pytest.approx(psnr(shown, truth), abs=1e-4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    before, sys.argv = sys.argv, ["theta0", "train", "ct-phantoms", "--data=/home/me/scans.npz"]
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
    assert (description.name, description.preset) == ("tiny", "ct-phantoms")
    facts = description.provenance
    assert facts["command"] == "theta0 train ct-phantoms --data=scans.npz"
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


METASGD = replace(
    TINY, meta="metasgd", step_sizes=StepSizes("weight", per_step=False), name=None, seed=0
)


@pytest.fixture(scope="module")
def metasgd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metasgd")
    return folder, train(METASGD, folder)


@pytest.mark.slow
def test_learned_step_sizes_are_saved_with_the_start_and_used_by_a_fit(metasgd):
    start = load(metasgd[0] / "init.safetensors")
    assert start.description.inner == InnerConfig("learned", 1.0, 2)
    sizes = start.field.step_sizes
    assert all(
        s.shape == (1, *w.shape)
        for s, w in zip(weights(sizes), weights(start.field.field), strict=True)
    )
    assert any(np.abs(leaf - 0.5).max() > 1e-5 for leaf in weights(sizes))
    task = METASGD.data.build().held_out("test", 0, 2)
    loop, key = InnerConfig("learned", 1.0, 1).build(), jax.random.PRNGKey(0)
    fitted = fit(METASGD.forward, start.field, task.support, loop, key).field
    # By hand: a weight moves by its own step size times its own slope.
    forward_key = jax.random.split(jax.random.fold_in(key, 0))[1]
    _, gradient = loss_and_gradient(METASGD.forward, start.field.field, task.support, forward_key)
    moves = zip(weights(fitted.field), weights(start.field.field), weights(sizes),
                weights(gradient), strict=True)  # fmt: skip
    for after, before, size, slope in moves:
        np.testing.assert_allclose(after, before - size[0] * slope, rtol=1e-5, atol=1e-7)
    for after, before in zip(weights(fitted.step_sizes), weights(sizes), strict=True):
        np.testing.assert_array_equal(after, before)


def test_the_experiment_of_a_start_with_step_sizes_learns_them_again(metasgd):
    experiment = experiment_of(metasgd[1])
    assert experiment.meta == "metasgd" and experiment.step_sizes == METASGD.step_sizes
    assert experiment.learned_field == METASGD.learned_field
    assert experiment.learned_inner == METASGD.learned_inner


def test_the_experiment_of_a_start_without_step_sizes_learns_none(run):
    # Whatever the preset does now: that of pictures learns step sizes.
    field, inner = run[1].description.field, InnerConfig("adam", 1e-3, 2)
    plain = METASGD.with_learned(field, inner)
    assert (plain.learned_field, plain.learned_inner) == (field, inner)
    assert replace(TINY, meta="fomaml").with_learned(field, inner).meta == "fomaml"


@pytest.mark.slow
def test_learned_step_sizes_are_one_more_optimizer_of_the_learned_start_alone(metasgd):
    rows = evaluate_initialization(METASGD, metasgd[1]).rows
    found = {(row["init"], row["optimizer"]) for row in rows}
    baselines = ("standard", "mean", "matched", "shuffled")
    assert found == {("learned", "learned")} | {
        (init, optimizer) for init in ("learned", *baselines) for optimizer in ("sgd", "adam")
    }
    assert {row["lr"] for row in rows if row["optimizer"] == "learned"} == {1.0}


def test_a_shuffled_start_has_the_weights_and_no_step_sizes(metasgd):
    learned = metasgd[1].field
    mixed = METASGD.start("shuffled", learned, Lines(samples=4), np.zeros((1, 2)))(0)
    for a, b in zip(weights(mixed), weights(learned.field), strict=True):
        np.testing.assert_array_equal(np.sort(np.ravel(a)), np.sort(np.ravel(b)))


def test_learning_goes_on_from_a_start(run, metasgd, tmp_path):
    first = run[0] / "init.safetensors"
    again = replace(TINY, begin=str(first), outer=replace(TINY.outer, lr=1e-12))
    same = train(again, tmp_path / "plain")
    for a, b in zip(weights(same.field), weights(run[1].field), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    assert same.description.provenance["begin"] == "init.safetensors"
    # A plain start gets step sizes, all equal; one with step sizes keeps them.
    fresh = replace(METASGD, begin=str(first)).beginning()
    assert {float(x) for leaf in weights(fresh.step_sizes) for x in np.ravel(leaf)} == {0.5}
    kept = replace(METASGD, begin=str(metasgd[0])).beginning()
    for a, b in zip(weights(kept), weights(metasgd[1].field), strict=True):
        np.testing.assert_array_equal(a, b)
    other = replace(TINY, begin=str(first), field=replace(TINY.field, width=9))
    with pytest.raises(InputError, match=r"field.width 8 instead of 9; give the same"):
        train(other, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_metasgd_learns_the_step_sizes_of_gradient_descent_only():
    with pytest.raises(InputError, match=r"inner.optimizer sgd"):
        replace(METASGD, inner=InnerConfig("adam", 1e-3, 2))


@pytest.mark.slow
def test_the_gallery_is_the_first_test_signal_fitted_as_in_the_rows(run):
    family = TINY.data.build()
    found = evaluate_initialization(TINY, run[1], family)
    task = family.held_out("test", 0, 2)
    gallery = found.gallery
    np.testing.assert_array_equal(gallery.target, family.pictures(task.query.y)[0])
    assert gallery.steps == (2,) and found.facts["test signals"] == 1
    from theta0.metrics import psnr

    for row in found.rows:
        if row["steps"] == 2 and gallery.fits[row["init"]] == (row["optimizer"], row["lr"]):
            (picture,) = gallery.pictures[row["init"]]
            assert psnr(picture, gallery.target) == pytest.approx(row["psnr_mean"], abs=1e-4)
    assert set(gallery.fits) == {row["init"] for row in found.rows}
