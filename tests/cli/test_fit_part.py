"""theta0 fit of a part of a picture, and a region of it at another size."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from theta0.fields import evaluate
from theta0.forward import Observation, Points
from theta0.inits import load
from theta0.inner import SGD, InnerLoop, fit
from theta0.metrics import psnr


def read(path):
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    """White on the left half of the photo, 20 pixels high and 24 wide."""
    seen = np.zeros((20, 24), np.uint8)
    seen[:, :12] = 255
    path = tmp_path_factory.mktemp("mask") / "mask.png"
    Image.fromarray(seen).save(path)
    return path


@pytest.mark.filterwarnings("ignore::theta0.errors.InputWarning")  # of the crop
def test_a_masked_picture_is_fitted_where_it_is_white(theta0, images_run, photo, mask, tmp_path):
    done = theta0(
        "fit", images_run, photo, "--mask", mask, "--steps", 2, "--out", tmp_path, "--json"
    )
    assert done.code == 0 and "72 of 144 pixels are seen" in done.err
    learned = load(images_run / "init.safetensors")
    query = learned.description.data.read(photo).task.query
    left = query.p[:, 1] < 0.5
    observed, key = Observation(query.p[left], query.y[left]), jax.random.PRNGKey(0)
    expected = fit(Points(), learned.field, SGD(0.01), observed, InnerLoop(2), key)
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


@pytest.mark.slow
def test_a_fraction_of_the_pixels_is_the_same_for_the_same_seed(
    theta0, images_run, photo, tmp_path
):
    def rows(*options):
        arguments = ["fit", images_run, photo, "--steps", 1, "--out", tmp_path, "--json"]
        done = theta0(*arguments, *options)
        assert done.code == 0
        return done.json["steps"], json.loads((tmp_path / "results.json").read_text())["seen"]

    one = rows("--keep", "10%", "--seed", 3)
    assert one[1] == 14 and one == rows("--keep", "0.1", "--seed", 3)
    assert one[0] != rows("--keep", "10%", "--seed", 4)[0]
    assert rows("--keep", "100%")[1] == 144


def test_a_fraction_is_of_what_the_mask_shows(theta0, images_run, photo, mask, tmp_path):
    arguments = ["--mask", mask, "--keep", "25%", "--steps", 1, "--out", tmp_path]
    assert "18 of 144 pixels are seen" in theta0("fit", images_run, photo, *arguments).err


@pytest.mark.slow
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
    # Without a size at the scale of the file, whose square has 20 pixels per side.
    theta0(*arguments, *region)
    assert read(tmp_path / "region.png").shape == (5, 10, 3)
    assert theta0(*arguments, "--region", -1, 0, 2, 1).code == 0
    assert read(tmp_path / "region.png").shape == (60, 20, 3)
