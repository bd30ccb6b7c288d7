"""theta0 fit: what it writes for a picture and for a CT slice."""

import errno
import json

import jax
import numpy as np
import pytest
from PIL import Image

import theta0.files as files
from theta0.fields import Mirrored, Siren, evaluate
from theta0.fit import InnerConfig, fit
from theta0.forward import Points
from theta0.inits import load
from theta0.metrics import psnr
from theta0.tasks import Observation, pixel_coordinates


def read(path):
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def start(images_run):
    return images_run / "init.safetensors"


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
    assert (result["optimizer"], result["lr"]) == ("sgd", 0.01)
    assert [row["steps"] for row in result["steps"]] == [0, 1, 2, 5, 6]
    for row in result["steps"]:
        assert set(row) == {"init", "optimizer", "lr", "steps", "psnr", "ssim"}
        assert (row["init"], row["optimizer"], row["lr"]) == ("learned", "sgd", 0.01)
    stored = json.loads((out / "results.json").read_text())
    assert stored["steps"] == result["steps"] and len(stored["losses"]) == 6
    # All pixels, every step: the loss before step k is the error of the field after k steps.
    for row in result["steps"][:-1]:
        assert row["psnr"] == pytest.approx(-10 * np.log10(stored["losses"][row["steps"]]), abs=0.5)


def test_the_reconstruction_is_the_fitted_field_and_the_psnr_its_own(
    theta0, images_run, photo, tmp_path
):
    done = theta0("fit", images_run, photo, "--steps", 2, "--out", tmp_path, "--json")
    fitted = load(tmp_path / "fitted.safetensors")
    field, data = fitted.field, fitted.description.data
    shown = np.asarray(evaluate(field, pixel_coordinates(20, 20, data.pixel_offset)))
    expected = np.clip(shown.reshape(20, 20, 3), 0, 1) * 255
    assert np.abs(read(tmp_path / "reconstruction.png") - expected).max() <= 0.5 + 1e-3
    signal = data.read(photo)
    prediction = evaluate(field, signal.task.query.p)
    assert done.json["steps"][-1]["psnr"] == pytest.approx(
        psnr(prediction, signal.task.query.y), abs=1e-3
    )


def test_weights_fitted_from_another_start_are_those_of_the_plain_network(
    theta0, slice_file, tmp_path
):
    for start in ("standard", "shuffled"):
        out = tmp_path / start
        done = theta0("fit", "phantoms", slice_file, "--steps", 1, "--starts", start, "--out", out)
        assert done.code == 0, done.err
        fitted = load(out / "fitted.safetensors")
        assert isinstance(fitted.field, Siren) and fitted.description.field == fitted.field.config


def test_fitted_weights_are_a_start_themselves(theta0, images_run, photo, tmp_path):
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


def test_a_slice_from_views(theta0, ct_run, slice_file, tmp_path):
    out = tmp_path / "fit"
    done = theta0(
        "fit", ct_run, slice_file, "--views", 3, "--steps", 3, "--optimizer", "adam", "--lr",
        "1e-3", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0
    result = done.json
    assert (result["optimizer"], result["lr"]) == ("adam", 1e-3)
    assert [row["steps"] for row in result["steps"]] == [0, 1, 2, 3]
    shown = read(out / "reconstruction.png")
    assert shown.shape == (16, 16) and shown[0, 0] == shown[-1, -1] == 0  # beside the disc
    assert load(out / "fitted.safetensors").description.inner.optimizer == "adam"


def test_more_views_are_more_observations(ct_run, slice_file):
    data = load(ct_run / "init.safetensors").description.data
    assert data.read(slice_file, views=3).task.support.y.shape == (3 * data.rays, 1)
    assert data.read(slice_file, views=5).task.support.y.shape == (5 * data.rays, 1)


def test_a_mirrored_copy_is_shown_and_kept_with_the_first(
    theta0, refused, ct_run, slice_file, tmp_path
):
    words = ["fit", ct_run, slice_file, "--views", 3, "--mirrored", "--out", tmp_path / "a"]
    done = theta0(*words, "--steps", 3, "--hold-out", "20%", "--json")
    assert done.code == 0, done.err
    kept = load(tmp_path / "a" / "fitted.safetensors")
    assert isinstance(kept.field, Mirrored)
    signal = kept.description.data.read(slice_file, views=3)
    shown = signal.pictures(evaluate(kept.field, signal.task.query.p))
    truth = signal.pictures(signal.task.query.y)
    assert done.json["steps"][-1]["psnr"] == pytest.approx(psnr(shown, truth), abs=1e-3)
    # They go on where they are.
    steps = done.json["steps"][-1]["steps"]
    words = ["fit", tmp_path / "a" / "fitted.safetensors", slice_file, "--views", 3, "--steps", 2]
    again = theta0(*words, "--out", tmp_path / "b", "--json")
    assert again.json["steps"][0]["psnr"] == done.json["steps"][-1]["psnr"]
    words = ["fit", ct_run, slice_file, "--views", 3, "--mirrored", "--steps", steps + 2]
    straight = theta0(*words, "--out", tmp_path / "c", "--json")
    # Samples along rays are drawn anew.
    assert again.json["steps"][-1]["psnr"] == pytest.approx(
        straight.json["steps"][-1]["psnr"], abs=0.3
    )
    words = ["fit", ct_run, slice_file, "--mirrored", "--out", tmp_path / "d"]
    refused("given time", *words, "--seconds", 1)


@pytest.mark.slow
def test_a_fit_with_a_mirrored_copy_can_be_evaluated(theta0, ct_run, slice_file, tmp_path):
    words = ["fit", ct_run, slice_file, "--views", 3, "--mirrored", "--steps", 2]
    assert theta0(*words, "--out", tmp_path / "a").code == 0
    words = ["eval", tmp_path / "a" / "fitted.safetensors", "--starts", "learned", "standard"]
    words += ["--steps", 0, 2, "--signals", 1, "--tuning-signals", 1, "--out", tmp_path / "eval"]
    done = theta0(*words, "--json")
    assert done.code == 0, done.err


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


def test_a_picture_too_small_for_ssim_is_still_json(theta0, images_run, photo, tmp_path):
    import dataclasses

    from theta0.inits import Initialization

    start = load(images_run / "init.safetensors")
    data = dataclasses.replace(start.description.data, size=8)
    description = dataclasses.replace(start.description, data=data)
    Initialization(start.field, description).save(tmp_path / "small.safetensors")
    done = theta0(
        "fit", tmp_path / "small.safetensors", photo, "--steps", 1, "--out", tmp_path, "--json"
    )
    assert done.code == 0 and done.json["steps"][0]["ssim"] is None


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    """White on the left half of the photo, 20 pixels high and 24 wide."""
    seen = np.zeros((20, 24), np.uint8)
    seen[:, :12] = 255
    path = tmp_path_factory.mktemp("mask") / "mask.png"
    Image.fromarray(seen).save(path)
    return path


def test_a_masked_picture_is_fitted_where_it_is_white(theta0, images_run, photo, mask, tmp_path):
    done = theta0(
        "fit", images_run, photo, "--mask", mask, "--steps", 2, "--out", tmp_path, "--json"
    )
    assert done.code == 0 and "72 of 144 pixels are seen" in done.err
    start = load(images_run / "init.safetensors")
    query = start.description.data.read(photo).task.query
    left = query.p[:, 1] < 0.5
    loop = InnerConfig("sgd", 0.01, 2)
    key = jax.random.PRNGKey(0)
    expected = fit(
        Points(), start.field, Observation(query.p[left], query.y[left]), loop.build(), key
    )
    for found, other in zip(
        jax.tree.leaves(load(tmp_path / "fitted.safetensors").field),
        jax.tree.leaves(expected.field),
        strict=True,
    ):
        np.testing.assert_array_equal(found, other)
    final = done.json["steps"][-1]
    shown = np.asarray(evaluate(expected.field, query.p))
    assert final["psnr_unseen"] == pytest.approx(psnr(shown[~left], query.y[~left]), abs=2e-3)
    assert final["psnr"] == pytest.approx(psnr(shown, query.y), abs=2e-3)
    assert f"({final['psnr_unseen']:.2f} dB on unseen pixels)" in done.err
    stored = json.loads((tmp_path / "results.json").read_text())
    assert (stored["seen"], stored["pixels"]) == (72, 144) and stored["steps"] == done.json["steps"]


def test_a_white_mask_is_no_mask(theta0, images_run, photo, tmp_path):
    Image.new("L", (24, 20), 255).save(tmp_path / "white.png")
    arguments = ["fit", images_run, photo, "--steps", 1, "--out", tmp_path, "--json"]
    masked, plain = theta0(*arguments, "--mask", tmp_path / "white.png"), theta0(*arguments)
    assert masked.json["steps"] == [{**row, "psnr_unseen": None} for row in plain.json["steps"]]
    assert "unseen" not in masked.err


def test_a_share_of_the_pixels_is_the_same_for_the_same_seed(theta0, images_run, photo, tmp_path):
    def rows(*options):
        arguments = ["fit", images_run, photo, "--steps", 1, "--out", tmp_path, "--json"]
        done = theta0(*arguments, *options)
        assert done.code == 0
        return done.json["steps"], json.loads((tmp_path / "results.json").read_text())["seen"]

    one = rows("--keep", "10%", "--seed", 3)
    assert one[1] == 14 and one == rows("--keep", "0.1", "--seed", 3)
    assert one[0] != rows("--keep", "10%", "--seed", 4)[0]
    assert rows("--keep", "100%")[1] == 144


def test_a_share_is_of_what_the_mask_shows(theta0, images_run, photo, mask, tmp_path):
    arguments = ["--mask", mask, "--keep", "25%", "--steps", 1, "--out", tmp_path]
    assert "18 of 144 pixels are seen" in theta0("fit", images_run, photo, *arguments).err


def test_a_region_is_the_crop_of_the_whole(theta0, images_run, photo, tmp_path):
    arguments = ["fit", images_run, photo, "--steps", 1, "--out", tmp_path]
    theta0(*arguments, "--size", 64)
    region = ["--region", 0.25, 0.125, 0.5, 0.625]
    done = theta0(*arguments, *region, "--size", 32)
    assert done.code == 0
    whole, part = read(tmp_path / "reconstruction-64.png"), read(tmp_path / "region.png")
    assert part.shape == (16, 32, 3)
    assert np.abs(part.astype(int) - whole[16:32, 8:40]).max() <= 1
    assert not (tmp_path / "reconstruction-32.png").exists()
    # Without a size at the scale of the file, whose square has 20 pixels a side.
    theta0(*arguments, *region)
    assert read(tmp_path / "region.png").shape == (5, 10, 3)
    assert theta0(*arguments, "--region", -1, 0, 2, 1).code == 0
    assert read(tmp_path / "region.png").shape == (60, 20, 3)


def test_every_start_side_by_side(theta0, images_run, photo, tmp_path):
    arguments = ["fit", images_run, photo, "--steps", 2, "--keep", "50%", "--json", "--out"]
    alone = theta0(*arguments, tmp_path / "alone").json
    done = theta0(*arguments, tmp_path / "all", "--starts", "all")
    rows = done.json["steps"]
    assert [(row["init"], row["steps"]) for row in rows] == [
        (name, step)
        for name in ("learned", "standard", "mean", "matched", "shuffled")
        for step in (0, 1, 2)
    ]
    assert rows[:3] == alone["steps"]
    assert {(row["optimizer"], row["lr"]) for row in rows[3:]} == {("adam", 3e-4)}
    assert "standard: " in done.err and "adam 0.0003" in done.err
    for name in ("reconstruction.png", "fitted.safetensors"):  # those of the learned start
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    one_row, five_rows = (read(tmp_path / name / "strip.png") for name in ("alone", "all"))
    assert five_rows.shape[0] > 4 * one_row.shape[0]
    # No two of them are the same start.
    assert len({row["psnr"] for row in rows if row["steps"] == 0}) == 5


def test_starts_repeat_by_seed(theta0, images_run, photo, tmp_path):
    arguments = ["fit", images_run, photo, "--steps", 1, "--out", tmp_path, "--json"]
    rows = lambda seed: theta0(*arguments, "--starts", "standard", "--seed", seed).json["steps"]
    assert rows(1) == rows(1) != rows(2)


def test_a_given_optimizer_holds_for_every_start(theta0, images_run, photo, tmp_path):
    done = theta0(
        "fit", images_run, photo, "--steps", 1, "--starts", "learned", "shuffled", "--optimizer",
        "adam", "--lr", "1e-3", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert {row["init"] for row in done.json["steps"]} == {"learned", "shuffled"}
    assert {(row["optimizer"], row["lr"]) for row in done.json["steps"]} == {("adam", 1e-3)}


def test_the_mean_needs_the_class(theta0, refused, images_run, pictures, photo, tmp_path):
    start = images_run / "init.safetensors"
    refused("mean.*give --data", "fit", start, photo, "--starts", "learned", "mean")
    refused("no such folder", "fit", start, photo, "--starts", "mean", "--data", "nowhere")
    arguments = ["fit", start, photo, "--steps", 1, "--json", "--out", tmp_path / "out"]
    done = theta0(*arguments, "--starts", "all")
    assert done.code == 0 and "mean is left out" in done.err
    assert "mean" not in {row["init"] for row in done.json["steps"]}
    given = theta0(*arguments, "--starts", "mean", "--data", pictures)
    assert {row["init"] for row in given.json["steps"]} == {"mean"}


def test_the_mean_of_phantoms_needs_no_data(theta0, ct_run, slice_file, tmp_path):
    done = theta0(
        "fit", ct_run / "init.safetensors", slice_file, "--steps", 1, "--starts", "mean", "--out",
        tmp_path, "--json",
    )  # fmt: skip
    assert done.code == 0 and {row["init"] for row in done.json["steps"]} == {"mean"}


def test_a_step_size_that_diverges_is_a_failure_that_says_what_to_try(refused, images_run, photo):
    refused("ten times smaller", "fit", images_run, photo, "--lr", "1e30", code=1)


def test_a_full_disk_is_a_failure_of_one_line(refused, images_run, photo, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    out = tmp_path / "out"
    refused("No space left", "fit", images_run, photo, "--steps", "1", "--out", out, code=1)
    assert list(out.iterdir()) == []
