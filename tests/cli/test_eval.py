"""theta0 eval: rows, report, and where the words go."""

import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest

import theta0.cli.eval
from theta0.inits import Initialization, load

KEYS = {
    "init",
    "rule",
    "lr",
    "steps",
    "psnr_mean",
    "psnr_std",
    "n",
    "seconds",
    "validation_psnr",
    "ssim_mean",
}
INITS = {"learned", "standard", "mean", "matched", "shuffled"}
FILES = {
    "curves.png", "facts.json", "index.html", "pictures.png", "results.json", "signals.json",
    "table.csv", "table.md", "table.tex", "training.png",
}  # fmt: skip


def evaluated(theta0, run, folder):
    copy = shutil.copytree(run, folder / "run")
    return copy, theta0("eval", copy, "--json")


@pytest.mark.slow
@pytest.mark.parametrize("run, more", [("ct_run", {"views"}), ("images_run", set())])
def test_rows(theta0, request, tmp_path, run, more):
    folder, done = evaluated(theta0, request.getfixturevalue(run), tmp_path)
    assert done.code == 0
    rows = json.loads((folder / "eval" / "results.json").read_text())
    assert done.json["results"] == rows
    # Every initialization with both rules after 0, 1 and 2 steps.
    found = [(row["init"], row["rule"], row["steps"]) for row in rows]
    assert sorted(found) == sorted(
        (init, rule, steps)
        for init in INITS for rule in ("sgd", "adam") for steps in (0, 1, 2)
    )  # fmt: skip
    for row in rows:
        assert set(row) == KEYS | more
        assert row["lr"] in ((0.1, 0.3) if row["rule"] == "sgd" else (1e-3,))
        assert row["n"] == 2 and row.get("views", 2) == 2
        assert np.isfinite(row["psnr_mean"]) and row["psnr_std"] >= 0 and row["seconds"] >= 0
    # Each signal's own numbers are beside it, and the means are theirs.
    signals = json.loads((folder / "eval" / "signals.json").read_text())
    for row, signal in zip(rows, signals, strict=True):
        assert np.mean(signal["psnr"]) == pytest.approx(row["psnr_mean"], abs=1e-3)
        assert np.std(signal["psnr"], ddof=1) == pytest.approx(row["psnr_std"], abs=2e-3)
    # Before the first step the rule does not matter.
    at_zero = {}
    for row in rows:
        if row["steps"] == 0:
            at_zero.setdefault(row["init"], set()).add(row["psnr_mean"])
    assert all(len(values) == 1 for values in at_zero.values())
    assert_report(folder / "eval", done)


@pytest.mark.slow
def test_only_the_initializations_named_are_compared(theta0, refused, images_run, tmp_path):
    folder = shutil.copytree(images_run, tmp_path / "run")
    done = theta0("eval", folder, "--inits", "standard", "learned", "--json")
    assert done.code == 0, done.err
    assert {row["init"] for row in done.json["results"]} == {"learned", "standard"}
    refused("name at least one of learned", "eval", images_run, "--inits")
    refused("oracle", "eval", images_run, "--inits", "oracle")


def assert_report(folder, done):
    """All files are there, words are on stderr alone, facts say how it was made."""
    assert {path.name for path in folder.iterdir()} == FILES
    assert len(done.out.splitlines()) == 1 and done.json["page"] == str(folder / "index.html")
    assert "PSNR (dB)" in done.err and str(folder / "index.html") in done.err
    page = (folder / "index.html").read_text()
    # The pictures and the training curve are in the page, which asks for nothing from elsewhere.
    assert page.count("data:image/png;base64,") == 2
    assert set(re.findall(r"https?://[^/\"]+", page)) <= {"http://www.w3.org"}
    facts = json.loads((folder / "facts.json").read_text())
    assert {
        "command",
        "seed",
        "test signals",
        "seconds of evaluation",
        "theta0",
        "commit",
        "machine",
    } <= set(facts)


@pytest.fixture
def file_alone(ct_run, tmp_path):
    """The initialization without its run folder."""
    return shutil.copy(ct_run / "init.safetensors", tmp_path / "phantoms.safetensors")


OPTIONS = [
    "--steps", 1, "--rules", "sgd:0.1", "adam:1e-3", "--signals", 1, "--tuning-signals", 1
]  # fmt: skip


@pytest.mark.slow
def test_an_initialization_without_its_run_folder(theta0, file_alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = theta0("eval", file_alone, *OPTIONS, "--views", 3, "--json")
    assert done.code == 0
    assert (tmp_path / "eval-phantoms" / "index.html").exists()
    assert not (tmp_path / "eval-phantoms" / "training.png").exists()
    assert {(row["steps"], row["n"], row["views"]) for row in done.json["results"]} == {(1, 1, 3)}


@pytest.mark.slow
def test_pictures_do_not_come_with_an_initialization(
    refused, theta0, images_run, tmp_path, pictures
):
    file = shutil.copy(images_run / "init.safetensors", tmp_path / "alone.safetensors")
    refused("give --data", "eval", file)
    done = theta0(
        "eval", file, "--data", pictures, "--out", tmp_path / "out", *OPTIONS,
    )  # fmt: skip
    assert done.code == 0 and done.out == ""


@pytest.mark.slow
def test_step_sizes_that_diverge_do_not_end_an_evaluation(theta0, images_run, tmp_path):
    done = theta0(
        "eval", images_run, "--out", tmp_path / "out", "--steps", 1, 2, "--rules", "sgd:1e30",
        "adam:1e-3", "--signals", 1, "--tuning-signals", 1, "--json",
    )  # fmt: skip
    assert done.code == 0
    rows = [row for row in done.json["results"] if row["rule"] == "sgd"]
    # What a user who watches would keep: the initialization.
    assert all(np.isfinite(row["psnr_mean"]) for row in rows)


def test_an_interrupt_leaves_nothing(refused, ct_run, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(theta0.cli.eval, "evaluate_initialization", interrupt)
    out = tmp_path / "out"
    refused("interrupted", "eval", ct_run, "--out", out, code=1)
    assert not out.exists()


@pytest.mark.parametrize(
    "options, words",
    [
        (["--steps", "0"], "at least one above 0"),
        (["--steps", "-1", "2"], "steps"),
        (["--steps", "2", "1"], "must rise"),
        (["--signals", "0"], "signals is 0"),
        (["--signals", "4"], "4 test signals asked for, but there are only 3; give --signals 3"),
        (["--tuning-signals", "3"], "asked for, but there are only 2; give --tuning-signals 2"),
        (["--views", "0"], "views is 0"),
        (["--rules", "sgd:-1"], "--rules: sgd:-1: lr is -1"),
        (["--rules", "sgd:NaN"], "--rules: sgd:NaN: expected a finite number, found nan"),
        (["--rules", "adam:much"], "--rules: adam:much: .*'much'"),
        (["--rules", "magic"], "--rules: no update rule.*'magic'; choose from adam, guarded"),
        (["--rules"], "at least one"),
        (["--after-learned", "adam:1e-3"], "has no learned update rule"),
        (["--objectives", "fog=1"], "--objectives: 'fog' is no term.*tv, proximal, huber"),
        (["--objectives", "tv"], "--objectives: 'tv' has no weight"),
        (["--objectives", "tv=0"], "adds no term"),
        (["--data", "nowhere.npz"], "no such file"),
        (["--out", "FILE"], "is a file"),
    ],
)
def test_what_cannot_be_is_refused(refused, ct_run, slice_file, options, words):
    options = [slice_file if option == "FILE" else option for option in options]
    refused(words, "eval", ct_run, *options)


def test_a_place_that_may_not_be_written_is_refused_before_the_work(
    refused, ct_run, tmp_path, monkeypatch
):
    # Root may write everywhere, so that permissions alone show nothing.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    monkeypatch.setattr(theta0.cli.eval, "evaluate_initialization", None)
    refused("may not be written to", "eval", ct_run, "--out", tmp_path / "deep" / "out")


@pytest.mark.slow
def test_a_description_whose_parts_do_not_fit_is_refused(refused, ct_run, slice_file, tmp_path):
    from theta0.fields import Fourier
    from theta0.forward import Points

    learned = load(ct_run / "init.safetensors")
    change = lambda **parts: dataclasses.replace(learned.description, **parts)
    three = Fourier(in_size=3, width=8, layers=2, features=4)
    field = three.build(np.zeros(2, np.uint32))
    Initialization(learned.field, learned.rule, change(forward=Points())).save(
        tmp_path / "a.safetensors"
    )
    Initialization(field, learned.rule, change(field=three)).save(tmp_path / "b.safetensors")
    refused("does not fit", "fit", tmp_path / "a.safetensors", slice_file)
    refused("does not fit", "fit", tmp_path / "b.safetensors", slice_file)
