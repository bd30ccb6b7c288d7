"""Table 3: every row is measured at its number of views, and chosen on validation slices alone."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.classic import FBP, SART, TV
from theta0.errors import InputError
from theta0.evaluation import Protocol, best_rows
from theta0.fields import Siren
from theta0.forward import Lines
from theta0.inner import SGD, Adam, InnerConfig, Objective, StepSizes
from theta0.meta import MAML, MetaSGD, OuterConfig
from theta0.metrics import psnr
from theta0.paper import BY_VIEWS, Options, RunCache, ct, evaluate_classic, read_runs, table3
from theta0.presets import Experiment, train
from theta0.report import sparse_view_table
from theta0.signals import CTConfig, Phantoms

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]

SMALL = Experiment(
    preset="ct-phantoms",
    scale="smoke",
    data=CTConfig(
        Phantoms(train=8, validation=3, test=4), size=12, rays=8, training_views=2, query_pixels=16
    ),
    field=Siren(out_size=1, width=8, layers=2, w0=10.0),
    forward=Lines(samples=4, reduce="sum"),
    meta=MAML(steps=2, rule=SGD(0.06)),
    outer=OuterConfig(1e-3, "constant", 4, validate_every=2, validation_signals=1),
    protocol=Protocol((0, 1), (SGD(0.02), SGD(0.1), Adam(1e-2)), views=2),
    baseline=InnerConfig(Adam(1e-3), 3),
)
FEW = {
    "fbp": [FBP("ramp", 0.5), FBP("hann", 0.5)],
    "sart": [SART(1, 0.1), SART(3, 0.1)],
    "tv": [TV(1e-5, 1), TV(1e-3, 1)],
}
OPTIONS = Options(
    signals=3,
    tuning_signals=2,
    baseline_signals=2,
    steps=(1, 4),
    views=(3, 9),
    w0=(5.0,),
    samples=(8,),
    after_learned=(Adam(1e-3),),
    objectives=(Objective(tv=1e-3),),
)
QUIET = lambda what, done: None


@pytest.fixture(scope="module", autouse=True)
def _few_methods():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ct, "METHODS", FEW)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = []
    for name, meta in (("plain", SMALL.meta), ("steps", MetaSGD(steps=2, rule=StepSizes(0.06)))):
        folders.append(tmp_path_factory.mktemp("runs") / name)
        train(replace(SMALL, name=name, meta=meta), folders[-1])
    return read_runs(folders, CTConfig)


@pytest.fixture(scope="module")
def made(runs, tmp_path_factory):
    cache = RunCache(tmp_path_factory.mktemp("cache"))
    return table3(runs, OPTIONS, cache, QUIET), cache


def test_every_initialization_and_method_has_a_row_at_every_number_of_views(made):
    rows = made[0].rows
    plain = {"learned", "standard", "mean", "matched", "shuffled"}
    of = lambda name, views: {
        (row["init"], row["rule"])
        for row in rows
        if (row["train_class"], row["views"]) == (name, views)
    }
    both = {(init, how) for init in plain for how in ("sgd", "adam")}
    one_each = {f"{init}+{what}" for init in ("learned", "standard") for what in ("tv", "flip")}
    found = of("plain", 3)
    assert {pair for pair in found if pair[0] in plain} == both
    assert {init for init, _ in found - both} == one_each and len(found - both) == 4
    of_steps = of("steps", 3)
    hows = {how for init, how in of_steps if init == "learned"}
    assert hows == {"learned", "learned+adam", "sgd", "adam"}
    for what in ("learned+tv", "learned+flip"):
        assert len([init for init, _ in of_steps if init == what]) == 1
    # Beyond so many views only the initializations that lead are fitted, and in one way.
    assert of("plain", 9) == {
        (init, "adam") for init in ("learned", "learned+tv", "standard", "standard+tv")
    }
    assert of("steps", 9) == {(init, "learned+adam") for init in ("learned", "learned+tv")}
    for views in OPTIONS.views:
        assert of(None, views) == {(name, None) for name in FEW}
    assert all(np.isfinite(row["psnr_mean"]) for row in rows)
    # Learned step sizes, and learned initializations without any, are measured on more slices.
    few = lambda row: (
        row["views"] == 9
        or (
            row["train_class"] is not None
            and (
                not row["init"].startswith("learned")
                or (row["train_class"] == "steps" and not row["rule"].startswith("learned"))
            )
        )
    )
    assert all(row["n"] == (2 if few(row) else 3) for row in rows)
    assert {row["test_class"] for row in rows} == {"plain"}
    of_standard = lambda row: row["init"].startswith("standard")
    assert all(row.get("w0") == (5.0 if of_standard(row) else None) for row in rows)


def test_other_weights_of_total_variation_leave_finished_rows_as_they_are(made, runs):
    folder = made[1].folder
    before = set(folder.iterdir())
    table3(
        runs,
        replace(OPTIONS, views=(3,), objectives=(Objective(tv=1e-3), Objective(tv=1e-2))),
        made[1],
        QUIET,
    )
    new = {path.name for path in set(folder.iterdir()) - before}
    assert new and all("-tv-" in name or "-flip-" in name for name in new)


def test_from_many_views_total_variation_is_added_only_if_asked_for(made, runs):
    options = replace(OPTIONS, objectives=None, views=(9,))
    rows = table3(runs[:1], options, made[1], QUIET).rows
    assert {row["init"] for row in rows} == {"learned", "standard", *FEW}


def test_rows_without_a_network_are_those_of_their_evaluation(made, runs):
    protocol = Protocol(tuning_signals=2, signals=3, views=3)
    expected = evaluate_classic(runs[0].experiment.data.build(), protocol, FEW)
    for row in expected:
        (found,) = (
            one for one in made[0].rows
            if one["train_class"] is None and (one["init"], one["views"]) == (row["init"], 3)
        )  # fmt: skip
        assert (found["psnr"], found["setting"]) == (row["psnr"], row["setting"])


def test_pictures_are_the_reconstructions_of_the_first_test_slice(made):
    best = {
        (row["views"], row["train_class"], row["init"]): row
        for row in best_rows(made[0].rows, BY_VIEWS)
    }
    shown = made[0].reconstructions["plain, 3 views"]
    assert list(made[0].reconstructions) == ["plain, 3 views", "plain, 9 views"]
    for init in ("learned", "standard+tv", "shuffled"):
        row = best[3, "plain", init]
        assert psnr(shown.pictures[f"{init} (plain)"], shown.target) == pytest.approx(
            row["psnr"][0], abs=2e-3
        )
    assert psnr(shown.pictures["tv"], shown.target) == pytest.approx(
        best[3, None, "tv"]["psnr"][0], abs=2e-3
    )


def test_what_is_shown_of_an_initialization_is_its_best_rule_on_validation_slices(made):
    rows = made[0].rows
    for row in best_rows(rows, BY_VIEWS):
        same = [one for one in rows if all(
            one[key] == row[key] for key in ("views", "train_class", "init")
        )]  # fmt: skip
        assert row["validation_psnr"] == max(one["validation_psnr"] for one in same)


def test_the_table_says_who_leads_where(made):
    text = sparse_view_table(best_rows(made[0].rows, BY_VIEWS)).to_markdown()
    assert "total variation" in text and "learned+tv (steps)" in text
    assert "lead" in text


def test_a_second_time_nothing_is_measured_or_read(made, runs, monkeypatch, unreadable):
    def never(*arguments, **named):
        raise AssertionError("measured again")

    monkeypatch.setattr(ct, "evaluate_classic", never)
    monkeypatch.setattr("theta0.evaluation._runner._Runner.fits", never)
    unreadable(CTConfig)
    again = table3(runs, OPTIONS, made[1], QUIET)
    assert again.rows == made[0].rows
    for name, shown in made[0].reconstructions.items():
        found = again.reconstructions[name]
        np.testing.assert_array_equal(found.target, shown.target)
        assert list(found.pictures) == list(shown.pictures)
        for label, picture in shown.pictures.items():
            np.testing.assert_array_equal(found.pictures[label], picture)


def test_some_initializations_alone_are_measured_and_as_before(made, runs):
    few = table3(runs, replace(OPTIONS, inits=("learned",)), made[1], QUIET).rows
    every = made[0].rows
    named = lambda row: row["train_class"] is None or row["init"].startswith("learned")
    assert few == [row for row in every if named(row)]
    with pytest.raises(InputError, match="inits: name at least one of learned"):
        Options(inits=())


def test_runs_on_other_scans_are_refused(runs, tmp_path):
    other = replace(SMALL, data=replace(SMALL.data, rays=6), name="other")
    train(other, tmp_path / "other")
    both = [runs[0], *read_runs([tmp_path / "other"], CTConfig)]
    with pytest.raises(InputError, match=r"data\.rays 6"):
        table3(both, OPTIONS, RunCache(tmp_path / "cache"), QUIET)


def test_a_run_on_pictures_is_refused(runs):
    with pytest.raises(InputError, match="made from runs on pictures"):
        read_runs([runs[0].folder])
