"""theta0 fit from the learned initialization and its baselines, side by side."""

import numpy as np
import pytest
from PIL import Image

from theta0.fields import SirenField
from theta0.inits import load


def read(path):
    return np.asarray(Image.open(path))


@pytest.mark.slow
def test_every_initialization_side_by_side(theta0, images_run, photo, tmp_path):
    arguments = ["fit", images_run, photo, "--steps", 2, "--keep", "50%", "--json", "--out"]
    alone = theta0(*arguments, tmp_path / "alone").json
    done = theta0(*arguments, tmp_path / "all", "--inits", "all")
    rows = done.json["steps"]
    assert [(row["init"], row["steps"]) for row in rows] == [
        (name, step)
        for name in ("learned", "standard", "mean", "matched", "shuffled")
        for step in (0, 1, 2)
    ]
    assert rows[:3] == alone["steps"]
    assert {(row["rule"], row["lr"]) for row in rows[3:]} == {("adam", 3e-4)}
    assert "standard: " in done.err and "adam 0.0003" in done.err
    for name in ("reconstruction.png", "fitted.safetensors"):  # those of the learned one
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    one_row, five_rows = (read(tmp_path / name / "strip.png") for name in ("alone", "all"))
    assert five_rows.shape[0] > 4 * one_row.shape[0]
    # No two of them are the same.
    assert len({row["psnr"] for row in rows if row["steps"] == 0}) == 5


def test_baselines_repeat_by_seed(theta0, images_run, photo, tmp_path):
    arguments = ["fit", images_run, photo, "--steps", 1, "--out", tmp_path, "--json"]
    rows = lambda seed: theta0(*arguments, "--inits", "standard", "--seed", seed).json["steps"]
    assert rows(1) == rows(1) != rows(2)


def test_a_given_rule_holds_for_every_initialization(theta0, images_run, photo, tmp_path):
    done = theta0(
        "fit", images_run, photo, "--steps", 1, "--inits", "learned", "shuffled", "--rule",
        "adam", "--lr", "1e-3", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert {row["init"] for row in done.json["steps"]} == {"learned", "shuffled"}
    assert {(row["rule"], row["lr"]) for row in done.json["steps"]} == {("adam", 1e-3)}


def test_the_mean_needs_the_class(theta0, refused, images_run, pictures, photo, tmp_path):
    file = images_run / "init.safetensors"
    refused("mean.*give --data", "fit", file, photo, "--inits", "learned", "mean")
    refused("no such folder", "fit", file, photo, "--inits", "mean", "--data", "nowhere")
    arguments = ["fit", file, photo, "--steps", 1, "--json", "--out", tmp_path / "out"]
    done = theta0(*arguments, "--inits", "all")
    assert done.code == 0 and "mean is left out" in done.err
    assert "mean" not in {row["init"] for row in done.json["steps"]}
    given = theta0(*arguments, "--inits", "mean", "--data", pictures)
    assert {row["init"] for row in given.json["steps"]} == {"mean"}


def test_the_mean_of_phantoms_needs_no_data(theta0, ct_run, slice_file, tmp_path):
    done = theta0(
        "fit", ct_run / "init.safetensors", slice_file, "--steps", 1, "--inits", "mean", "--out",
        tmp_path, "--json",
    )  # fmt: skip
    assert done.code == 0 and {row["init"] for row in done.json["steps"]} == {"mean"}


@pytest.mark.slow
def test_weights_fitted_from_a_baseline_are_those_of_the_plain_network(
    theta0, slice_file, tmp_path
):
    for name in ("standard", "shuffled"):
        out = tmp_path / name
        done = theta0("fit", "phantoms", slice_file, "--steps", 1, "--inits", name, "--out", out)
        assert done.code == 0, done.err
        fitted = load(out / "fitted.safetensors")
        assert (
            isinstance(fitted.field, SirenField) and fitted.description.field == fitted.field.config
        )
