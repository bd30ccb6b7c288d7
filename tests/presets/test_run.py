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
from theta0.evaluation import Protocol, rule_label
from theta0.fields import Fourier, evaluate, weights
from theta0.forward import Lines
from theta0.inits import Initialization, load
from theta0.inner import (
    SGD,
    Adam,
    InnerConfig,
    InnerLoop,
    LearnedSteps,
    StepSizes,
    fit,
    loss_and_gradient,
)
from theta0.meta import FOMAML, MetaSGD, OuterConfig, Reptile
from theta0.metrics import psnr
from theta0.presets import (
    Experiment,
    command_line,
    commit,
    environment,
    evaluate_initialization,
    experiment_of,
    read_experiment,
    train,
)
from theta0.signals import CTConfig, Phantoms, TaskFamily, in_disc, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

TINY = Experiment(
    preset="ct-phantoms",
    scale="smoke",
    data=CTConfig(Phantoms(5, 2, 2), size=8, rays=6, training_views=2, query_pixels=10),
    field=Fourier(width=8, layers=2, features=4, bandwidth=6.0),
    forward=Lines(samples=4, reduce="sum"),
    meta=Reptile(steps=2, rule=SGD(0.5)),
    outer=OuterConfig(1e-3, "constant", 2, validate_every=1, validation_signals=1),
    protocol=Protocol((0, 2), (SGD(0.5), Adam(1e-2)), tuning_signals=1, signals=1, views=2),
    baseline=InnerConfig(Adam(1e-2), 100),
    name="tiny",
    credit="drawn by hand",
    seed=3,
)  # fmt: skip


@pytest.mark.slow
def test_validation_sees_what_is_judged():
    family, learned = TINY.data.build(), TINY.initial()
    task = family.held_out("validation", 0, 2)
    key = jax.random.fold_in(jax.random.PRNGKey(TINY.seed), 0)
    fitted = fit(TINY.forward, *learned, task.support, TINY.meta.loop, key).field
    inside = in_disc(pixel_coordinates(8, 8))[:, None]
    shown, truth = (inside * of for of in (evaluate(fitted, task.query.p), task.query.y))
    assert not inside.all()
    assert TINY.validator(family)(learned) == pytest.approx(psnr(shown, truth), abs=1e-4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    before, sys.argv = sys.argv, ["theta0", "train", "ct-phantoms", "--data=/home/me/scans.npz"]
    try:
        learned = train(TINY, folder)
    finally:
        sys.argv = before
    return folder, learned


@pytest.mark.slow
@pytest.mark.parametrize("lost", [("metrics.jsonl",), ()])
def test_a_run_whose_checkpoint_is_lost_is_not_begun_again_over_what_it_learned(tmp_path, lost):
    longer = replace(TINY, outer=replace(TINY.outer, steps=3, checkpoint_every=1))
    train(longer, tmp_path)
    kept = (tmp_path / "init.safetensors").read_bytes()
    for name in ("checkpoints/last.safetensors", *lost):
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match=r"last.safetensors: is gone, but the run had done \d"):
        train(longer, tmp_path, resume=True)
    assert (tmp_path / "init.safetensors").read_bytes() == kept


@pytest.mark.slow
def test_a_run_that_ended_before_its_first_checkpoint_begins_again(tmp_path):
    train(TINY, tmp_path)  # which checkpoints every 100 steps, and at its end
    (tmp_path / "checkpoints/last.safetensors").unlink()
    train(TINY, tmp_path, resume=True)


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


@pytest.mark.slow
def test_the_five_initializations(run):
    family, learned = TINY.data.build(), run[1].learned
    inits = TINY.inits(learned, family)
    assert list(inits) == ["learned", "standard", "mean", "matched", "shuffled"]
    assert inits["learned"](0).field is learned.field
    same = lambda a, b: all(
        np.array_equal(x, y) for x, y in zip(weights(a), weights(b), strict=True)
    )
    assert same(inits["standard"](1).field, inits["standard"](1).field)
    assert not same(inits["standard"](0).field, inits["standard"](1).field)
    for name in ("mean", "matched", "shuffled"):
        field = inits[name](0).field
        assert field is inits[name](1).field and not same(field, learned.field)
    # No rule of theirs has learned anything, not even of the learned one.
    assert all(inits[name](0).rule is None for name in inits)
    signal = family.mean_signal()
    error = lambda field, values: np.mean((evaluate(field, signal.p) - values) ** 2) ** 0.5
    fresh = inits["standard"](0).field
    assert error(inits["mean"](0).field, signal.y) < 0.6 * error(fresh, signal.y)
    shown = evaluate(learned.field, signal.p)
    assert error(inits["matched"](0).field, shown) < 0.6 * error(fresh, shown)


def test_no_initialization_computes_what_it_does_not_need(run):
    class Silent(TaskFamily):
        """Neither its mean signal nor its places can be asked for."""

    inits = TINY.inits(run[1].learned, Silent(), ["learned", "standard", "shuffled"])
    assert list(inits) == ["learned", "standard", "shuffled"]


METASGD = replace(
    TINY, meta=MetaSGD(steps=2, rule=StepSizes(0.5, "weight", steps=1)), name=None, seed=0
)


@pytest.fixture(scope="module")
def metasgd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metasgd")
    return folder, train(METASGD, folder)


@pytest.mark.slow
def test_learned_step_sizes_are_saved_with_the_field_and_used_by_a_fit(metasgd):
    init = load(metasgd[0] / "init.safetensors")
    assert init.description.inner == InnerConfig(StepSizes(0.5, "weight", 1), 2)
    assert isinstance(init.rule, LearnedSteps)
    sizes = init.rule.step_sizes
    assert all(
        s.shape == (1, *w.shape) for s, w in zip(weights(sizes), weights(init.field), strict=True)
    )
    assert any(np.abs(leaf - 0.5).max() > 1e-5 for leaf in weights(sizes))
    task = METASGD.data.build().held_out("test", 0, 2)
    key = jax.random.PRNGKey(0)
    fitted = fit(METASGD.forward, *init.learned, task.support, InnerLoop(1), key).field
    # By hand: a weight moves by its own step size times its own slope.
    forward_key = jax.random.split(jax.random.fold_in(key, 0))[1]
    _, gradient = loss_and_gradient(METASGD.forward, init.field, task.support, forward_key)
    moves = zip(weights(fitted), weights(init.field), weights(sizes), weights(gradient),
                strict=True)  # fmt: skip
    for after, before, size, slope in moves:
        np.testing.assert_allclose(after, before - size[0] * slope, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_the_experiment_of_learned_step_sizes_learns_them_again(metasgd):
    experiment = experiment_of(metasgd[1])
    assert experiment.meta == METASGD.meta and experiment.field == METASGD.field


@pytest.mark.slow
@pytest.mark.parametrize("meta", [FOMAML, Reptile])
def test_the_experiment_of_what_has_learned_no_step_sizes_learns_none(run, meta):
    # Whatever the preset does now: that of pictures learns step sizes.
    field, rule, description = run[1].field, run[1].rule, run[1].description
    facts = {"meta": meta.__name__.lower()}
    of = lambda preset: experiment_of(
        Initialization(field, rule, replace(description, preset=preset, provenance=facts))
    )
    for preset in ("images", "ct-phantoms"):
        found = of(preset)
        assert found.field == description.field
        assert found.meta == meta(steps=2, rule=SGD(0.5))


@pytest.mark.slow
def test_learned_step_sizes_are_one_more_rule_of_the_learned_initialization_alone(metasgd):
    rows = evaluate_initialization(METASGD, metasgd[1]).rows
    found = {(row["init"], row["rule"]) for row in rows}
    baselines = ("standard", "mean", "matched", "shuffled")
    assert found == {("learned", "learned")} | {
        (init, rule) for init in ("learned", *baselines) for rule in ("sgd", "adam")
    }
    assert not any("lr" in row for row in rows if row["rule"] == "learned")


@pytest.mark.slow
def test_shuffled_has_the_weights_and_no_step_sizes(metasgd):
    learned = metasgd[1].learned
    mixed = METASGD.init("shuffled", learned, Lines(samples=4), np.zeros((1, 2)))(0)
    assert mixed.rule is None
    for a, b in zip(weights(mixed.field), weights(learned.field), strict=True):
        np.testing.assert_array_equal(np.sort(np.ravel(a)), np.sort(np.ravel(b)))


@pytest.mark.slow
def test_training_goes_on_from_an_initialization(run, metasgd, tmp_path):
    first = run[0] / "init.safetensors"
    again = replace(TINY, init_from=str(first), outer=replace(TINY.outer, lr=1e-12))
    same = train(again, tmp_path / "plain")
    for a, b in zip(weights(same.field), weights(run[1].field), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    assert same.description.provenance["init_from"] == "init.safetensors"
    # One without step sizes gets them, all equal; one with step sizes keeps them.
    fresh = replace(METASGD, init_from=str(first)).initial().rule
    assert {float(x) for leaf in weights(fresh) for x in np.ravel(leaf)} == {0.5}
    kept = replace(METASGD, init_from=str(metasgd[0])).initial()
    for a, b in zip(weights(kept), weights(metasgd[1].learned), strict=True):
        np.testing.assert_array_equal(a, b)
    other = replace(TINY, init_from=str(first), field=replace(TINY.field, width=9))
    with pytest.raises(InputError, match=r"field.width 8 instead of 9; give the same"):
        train(other, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_training_does_not_go_on_with_step_sizes_of_another_kind(metasgd):
    finer = MetaSGD(steps=2, rule=StepSizes(0.5, "weight", steps=2))
    other = replace(METASGD, init_from=str(metasgd[0]), meta=finer)
    with pytest.raises(InputError, match=r"rule.steps 1 instead of 2; give the same settings"):
        other.initial()


def test_metasgd_learns_step_sizes_and_nothing_in_their_place():
    with pytest.raises(InputError, match=r"metasgd learns step sizes.*adam.*take maml"):
        replace(METASGD, meta=MetaSGD(rule=Adam(1e-3)))


@pytest.mark.slow
def test_the_gallery_is_the_first_test_signal_fitted_as_in_the_rows(run):
    family = TINY.data.build()
    found = evaluate_initialization(TINY, run[1], family)
    task = family.held_out("test", 0, 2)
    gallery = found.gallery
    np.testing.assert_array_equal(gallery.target, family.pictures(task.query.y)[0])
    assert gallery.steps == (2,) and found.facts["test signals"] == 1
    for row in found.rows:
        if row["steps"] == 2 and gallery.fits[row["init"]] == rule_label(row):
            (picture,) = gallery.pictures[row["init"]]
            assert psnr(picture, gallery.target) == pytest.approx(row["psnr_mean"], abs=1e-4)
    assert set(gallery.fits) == {row["init"] for row in found.rows}
