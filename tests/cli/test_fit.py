"""theta0 fit: what it writes for a picture and for a CT slice."""

import errno
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import theta0.files as files
from theta0.errors import InputWarning
from theta0.fields import FlipAverageField, evaluate
from theta0.inits import load
from theta0.inner import Adam, Objective
from theta0.metrics import psnr
from theta0.signals import pixel_coordinates


def read(path):
    return np.asarray(Image.open(path))


@pytest.mark.slow
def test_a_picture(theta0, images_run, photo, tmp_path):
    out = tmp_path / "fit"
    done = theta0("fit", images_run, photo, "--steps", 6, "--size", 30, "--out", out, "--json")
    assert done.code == 0 and len(done.out.splitlines()) == 1
    assert {path.name for path in out.iterdir()} == {
        "fitted.safetensors", "reconstruction.png", "reconstruction-30.png", "results.json",
        "strip.png",
    }  # fmt: skip
    # The centred square of a picture 20 pixels high and 24 wide.
    assert read(out / "reconstruction.png").shape == (20, 20, 3)
    assert read(out / "reconstruction-30.png").shape == (30, 30, 3)
    result = done.json
    assert (result["rule"], result["lr"]) == ("sgd", 0.01)
    assert [row["steps"] for row in result["steps"]] == [0, 1, 2, 5, 6]
    for row in result["steps"]:
        assert set(row) == {"init", "rule", "lr", "steps", "psnr", "ssim"}
        assert (row["init"], row["rule"], row["lr"]) == ("learned", "sgd", 0.01)
    stored = json.loads((out / "results.json").read_text())
    assert stored["steps"] == result["steps"] and len(stored["losses"]) == 6
    # All pixels, every step: the loss before step k is the error of the field after k steps.
    for row in result["steps"][:-1]:
        assert row["psnr"] == pytest.approx(-10 * np.log10(stored["losses"][row["steps"]]), abs=0.5)


@pytest.mark.slow
def test_the_reconstruction_is_the_fitted_field_and_the_psnr_its_own(
    theta0, images_run, photo, tmp_path
):
    done = theta0("fit", images_run, photo, "--steps", 2, "--out", tmp_path, "--json")
    fitted = load(tmp_path / "fitted.safetensors")
    field, data = fitted.field, fitted.description.data
    shown = np.asarray(evaluate(field, pixel_coordinates(20, 20, data.pixel_offset)))
    expected = np.clip(shown.reshape(20, 20, 3), 0, 1) * 255
    assert np.abs(read(tmp_path / "reconstruction.png") - expected).max() <= 0.5 + 1e-3
    with pytest.warns(InputWarning, match="of 24 x 20 pixels the centred square is fitted"):
        signal = data.read(photo)
    assert "without 4 columns" in done.err
    prediction = evaluate(field, signal.task.query.p)
    assert done.json["steps"][-1]["psnr"] == pytest.approx(
        psnr(prediction, signal.task.query.y), abs=1e-3
    )


def test_fitted_weights_are_an_initialization_themselves(theta0, images_run, photo, tmp_path):
    first = theta0("fit", images_run, photo, "--steps", 2, "--out", tmp_path / "a", "--json").json
    again = theta0(
        "fit", tmp_path / "a" / "fitted.safetensors", photo, "--steps", 2, "--out", tmp_path / "b",
        "--json",
    ).json  # fmt: skip
    assert again["steps"][0]["psnr"] == first["steps"][-1]["psnr"]
    straight = theta0(
        "fit", images_run, photo, "--steps", 4, "--out", tmp_path / "c", "--json"
    ).json
    # Plain gradient descent has no memory, so two fits of 2 steps are one of 4.
    assert again["steps"][-1]["psnr"] == straight["steps"][-1]["psnr"]


@pytest.mark.slow
def test_a_slice_from_views(theta0, ct_run, slice_file, tmp_path):
    out = tmp_path / "fit"
    done = theta0(
        "fit", ct_run, slice_file, "--views", 3, "--steps", 3, "--rule", "adam", "--lr",
        "1e-3", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0
    result = done.json
    assert (result["rule"], result["lr"]) == ("adam", 1e-3)
    assert [row["steps"] for row in result["steps"]] == [0, 1, 2, 3]
    shown = read(out / "reconstruction.png")
    assert shown.shape == (16, 16) and shown[0, 0] == shown[-1, -1] == 0  # beside the disc
    assert load(out / "fitted.safetensors").description.inner.rule == Adam(1e-3)


def test_more_views_are_more_observations(ct_run, slice_file):
    data = load(ct_run / "init.safetensors").description.data
    assert data.read(slice_file, views=3).task.support.y.shape == (3 * data.rays, 1)
    assert data.read(slice_file, views=5).task.support.y.shape == (5 * data.rays, 1)


@pytest.mark.slow
def test_the_average_over_a_flip_is_shown_and_kept(theta0, refused, ct_run, slice_file, tmp_path):
    words = ["fit", ct_run, slice_file, "--views", 3, "--flip", "--out", tmp_path / "a"]
    done = theta0(*words, "--steps", 3, "--validation-fraction", "20%", "--json")
    assert done.code == 0, done.err
    kept = load(tmp_path / "a" / "fitted.safetensors")
    assert isinstance(kept.field, FlipAverageField)
    signal = kept.description.data.read(slice_file, views=3)
    shown = signal.pictures(evaluate(kept.field, signal.task.query.p))
    truth = signal.pictures(signal.task.query.y)
    assert done.json["steps"][-1]["psnr"] == pytest.approx(psnr(shown, truth), abs=1e-3)
    # They go on where they are.
    steps = done.json["steps"][-1]["steps"]
    words = ["fit", tmp_path / "a" / "fitted.safetensors", slice_file, "--views", 3, "--steps", 2]
    again = theta0(*words, "--out", tmp_path / "b", "--json")
    assert again.json["steps"][0]["psnr"] == done.json["steps"][-1]["psnr"]
    words = ["fit", ct_run, slice_file, "--views", 3, "--flip", "--steps", steps + 2]
    straight = theta0(*words, "--out", tmp_path / "c", "--json")
    # Samples along rays are drawn anew.
    assert again.json["steps"][-1]["psnr"] == pytest.approx(
        straight.json["steps"][-1]["psnr"], abs=0.3
    )
    words = ["fit", ct_run, slice_file, "--flip", "--out", tmp_path / "d"]
    refused("instead of seconds", *words, "--seconds", 1)


@pytest.mark.slow
def test_a_flip_average_can_be_evaluated(theta0, ct_run, slice_file, tmp_path):
    words = ["fit", ct_run, slice_file, "--views", 3, "--flip", "--steps", 2]
    assert theta0(*words, "--out", tmp_path / "a").code == 0
    words = ["eval", tmp_path / "a" / "fitted.safetensors", "--inits", "learned", "standard"]
    words += ["--steps", 0, 2, "--signals", 1, "--tuning-signals", 1, "--out", tmp_path / "eval"]
    done = theta0(*words, "--json")
    assert done.code == 0, done.err


@pytest.mark.slow
def test_terms_of_the_objective_hold_until_an_option_says_otherwise(
    theta0, ct_run, slice_file, tmp_path
):
    learned = load(ct_run / "init.safetensors")
    inner = replace(learned.description.inner, objective=Objective(huber=0.01))
    replace(learned, description=replace(learned.description, inner=inner)).save(
        tmp_path / "huber.safetensors"
    )

    def rows(init, *options):
        done = theta0(
            "fit", init, slice_file, "--steps", 3, *options, "--out", tmp_path / "fit", "--json"
        )
        assert done.code == 0, done.err
        kept = load(tmp_path / "fit" / "fitted.safetensors").description.inner.objective
        return done.json["steps"], kept.added

    own, plain = rows(tmp_path / "huber.safetensors"), rows(ct_run)
    assert own[1] == {"huber": 0.01} and plain[1] == {}
    assert own[0][0] == plain[0][0] and own[0][-1]["psnr"] != plain[0][-1]["psnr"]
    assert rows(ct_run, "--huber", 0.01) == own
    assert rows(tmp_path / "huber.safetensors", "--huber", 0) == plain
    both = rows(tmp_path / "huber.safetensors", "--proximal", 1e-3)
    assert both[1] == {"huber": 0.01, "proximal": 1e-3}


@pytest.mark.slow
def test_a_rule_without_its_settings_takes_their_defaults(theta0, ct_run, slice_file, tmp_path):
    words = ["fit", ct_run, slice_file, "--steps", 1, "--out", tmp_path, "--json"]
    by_name = theta0(*words, "--rule", "adam").json["steps"]
    assert by_name[0]["lr"] == Adam().lr == 1e-4
    for same in (
        ["--rule", "adam:1e-4"],
        ["--rule", "adam:lr=1e-4"],
        ["--rule", "adam", "--lr", 1e-4],
    ):
        assert theta0(*words, *same).json["steps"] == by_name
    assert theta0(*words, "--lr", 1e-4).json["rule"] == "sgd"  # what it was learned for


def test_a_slice_of_a_stack(theta0, ct_run, slice_file, tmp_path):
    stack = np.stack([np.zeros((16, 16), np.float32), np.load(slice_file)])
    np.save(tmp_path / "stack.npy", stack)
    arguments = ["--steps", 1, "--json", "--out", tmp_path / "out"]
    one = theta0("fit", ct_run, slice_file, *arguments).json
    assert theta0("fit", ct_run, tmp_path / "stack.npy", "--index", 1, *arguments).json[
        "steps"
    ] == one["steps"]  # fmt: skip
    done = theta0("fit", ct_run, tmp_path / "stack.npy", "--index", 2, *arguments)
    assert done.code == 2 and "index" in done.err


def test_names_with_spaces_and_unicode_and_where_results_go(
    theta0, images_run, photo, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    done = theta0("fit", images_run, photo, "--steps", 1)
    assert done.code == 0 and done.out == ""
    assert (tmp_path / "fits" / photo.stem / "strip.png").exists()
    assert photo.name in done.err


@pytest.mark.slow
def test_a_picture_too_small_for_ssim_is_still_json(theta0, images_run, photo, tmp_path):
    learned = load(images_run / "init.safetensors")
    data = replace(learned.description.data, size=8)
    small = replace(learned, description=replace(learned.description, data=data))
    small.save(tmp_path / "small.safetensors")
    done = theta0(
        "fit", tmp_path / "small.safetensors", photo, "--steps", 1, "--out", tmp_path, "--json"
    )
    assert done.code == 0 and done.json["steps"][0]["ssim"] is None


def test_a_step_size_that_diverges_is_a_failure_that_says_what_to_try(refused, images_run, photo):
    refused("ten times smaller", "fit", images_run, photo, "--lr", "1e30", code=1)


def test_a_full_disk_is_a_failure_of_one_line(refused, images_run, photo, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    out = tmp_path / "out"
    words = "reconstruction.png: the disk is full"
    refused(words, "fit", images_run, photo, "--steps", "1", "--out", out, code=1)
    assert list(out.iterdir()) == []


def test_a_picture_is_fitted_at_its_own_size(theta0, refused, images_run, photo, tmp_path):
    out = tmp_path / "fit"
    done = theta0("fit", images_run, photo, "--fit-size", "own", "--steps", 1, "--out", out)
    assert done.code == 0
    assert load(out / "fitted.safetensors").description.data.size == 20
    refused("fit size is 1; give 2 to 8192", "fit", images_run, photo, "--fit-size", 1)
    refused("found 'half'; give INT or own", "fit", images_run, photo, "--fit-size", "half")


def test_another_kind_of_picture_is_noted(theta0, images_run, photo, tmp_path):
    """A run stores how losses fall on its validation pictures; what was never seen is compared."""
    init = load(images_run / "init.safetensors")
    usual = init.description.losses
    assert usual.signals == 2 and len(usual.median) == len(usual.largest) == 3
    assert all(a <= b for a, b in zip(usual.median, usual.largest, strict=True))
    tiny = replace(usual, largest=tuple(loss / 1e3 for loss in usual.largest))
    replace(init, description=replace(init.description, losses=tiny)).save(tmp_path / "a")
    done = theta0("fit", tmp_path / "a", photo, "--steps", 2, "--out", tmp_path / "fit")
    assert done.code == 0 and "another kind of signal?" in done.err
    # What the fit leaves behind begins elsewhere: nothing is usual for it.
    assert load(tmp_path / "fit/fitted.safetensors").description.losses is None
