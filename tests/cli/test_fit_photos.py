"""theta0 fit and render on a photograph of a scene."""

import json

import numpy as np
import pytest
from PIL import Image

from theta0.inits import load
from theta0.report import picture_grid
from theta0.signals import PhotoConfig

pytestmark = pytest.mark.slow

SMALL = (
    "--data.source.photos", 6, "--data.source.validation", 2, "--data.source.test", 3,
    "--data.size", 12, "--data.rays", 32, "--field.width", 8, "--field.layers", 2,
    "--forward.samples", 4, "--meta.steps", 2, "--outer.steps", 2, "--outer.validate-every", 2,
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from theta0.cli import run

    out = tmp_path_factory.mktemp("runs") / "town"
    words = ["train", "tourism-town", "--scale", "smoke", *SMALL, "--out", out]
    assert run([str(word) for word in words]) == 0
    return out


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    from theta0.cli import run

    out = tmp_path_factory.mktemp("data") / "town"
    words = ["data", "tourist-town", "--photos", 4, "--validation", 1, "--test", 1, "--size", 24]
    assert run([str(word) for word in [*words, "--out", out]]) == 0
    return out


def fitted(theta0, *words):
    done = theta0("fit", *words, "--json")
    assert done.code == 0, done.err
    return done


def test_a_photograph_is_shown_once_over_its_fit(theta0, run, town, tmp_path, monkeypatch):
    shown = {}

    def grid(pictures, rows, columns, *others):
        shown[tuple(rows)] = len(columns)
        return picture_grid(pictures, rows, columns, *others)

    monkeypatch.setattr("theta0.signals._scene.picture_grid", grid)
    fitted(theta0, run, town, "--steps", 2, "--out", tmp_path / "out")
    assert shown == {("input", "fitted"): 1}


def test_a_fit_knows_where_its_photograph_was_taken(theta0, run, town, tmp_path):
    fitted(theta0, run, town, "--index", 2, "--steps", 5, "--out", tmp_path / "a")
    name = "photo-00002"
    fitted(theta0, run, town / f"images/{name}.png", "--steps", 5, "--out", tmp_path / "b")
    frame = json.loads((town / "transforms.json").read_text())["frames"][2]
    for folder in ("a", "b"):
        data = load(tmp_path / folder / "fitted.safetensors").description.data
        assert isinstance(data, PhotoConfig)
        assert data.taken_from().near == frame["near"]
        np.testing.assert_allclose(data.taken_from().pose, frame["transform_matrix"][:3])
    results = [json.loads((tmp_path / x / "results.json").read_text()) for x in "ab"]
    assert results[0]["losses"] == results[1]["losses"]


def test_a_mask_and_a_robust_loss_are_options(theta0, run, town, tmp_path):
    picture = town / "images/photo-00001.png"
    mask = tmp_path / "mask.png"
    seen = np.zeros((24, 24), np.uint8)
    seen[:, :12] = 255
    Image.fromarray(seen).save(mask)
    words = [run, picture, "--mask", mask, "--huber", 0.1, "--steps", 3]
    done = fitted(theta0, *words, "--out", tmp_path / "fit")
    assert "72 of 144 pixels are seen" in done.err
    assert load(tmp_path / "fit/fitted.safetensors").description.inner.objective.huber == 0.1
    named = [run, town, "--index", 1, "--mask", mask, "--steps", 1, "--out", tmp_path / "named"]
    assert "72 of 144 pixels are seen" in fitted(theta0, *named).err
    Image.fromarray(0 * seen).save(mask)
    done = theta0("fit", *words, "--out", tmp_path / "black")
    assert done.code == 2 and "leaves nothing to fit" in done.err


def test_a_scene_is_rendered_from_around_its_photograph(theta0, run, town, tmp_path):
    for number in (0, 1):
        out = tmp_path / f"fit{number}"
        fitted(theta0, run, town, "--index", number, "--steps", 2, "--out", out)
    done = theta0("render", tmp_path / "fit0", "--frames", 3, "--json")
    assert done.code == 0 and done.json["out"].endswith("spiral.gif") and done.json["size"] == 12
    between = ["render", tmp_path / "fit0", tmp_path / "fit1", "--path", "interpolate"]
    done = theta0(*between, "--frames", 2, "--depth", "--out", tmp_path / "x.png", "--json")
    assert done.code == 0


@pytest.mark.parametrize(
    "words, message",
    [
        (["--path", "orbit"], "goes around an object"),
        (["--azimuth", 3], "--azimuth is for objects"),
        (["--background", "black"], "--background is for objects"),
    ],
)
def test_what_is_of_objects_is_refused(theta0, run, town, tmp_path, words, message):
    fitted(theta0, run, town, "--steps", 1, "--out", tmp_path / "fit")
    done = theta0("render", tmp_path / "fit", *words)
    assert done.code == 2 and message in done.err


def test_an_initialization_that_was_fitted_to_nothing_shows_no_scene(theta0, run, town, tmp_path):
    done = theta0("render", run, "--out", tmp_path / "x.gif")
    assert done.code == 2 and "fit a photograph first" in done.err
    done = theta0("fit", run, town, "--index", 99)
    assert done.code == 2 and "index=99; give 0 to 5" in done.err
    Image.fromarray(np.zeros((24, 24, 3), np.uint8)).save(tmp_path / "lonely.png")
    done = theta0("fit", run, tmp_path / "lonely.png")
    assert done.code == 2 and "lonely.png: a photograph is fitted with the camera" in done.err
    done = theta0("fit", run, town / "images/photo-00001.png", "--index", 1)
    assert done.code == 2 and "index=1 is of a folder" in done.err
    done = theta0("fit", run, town, "--size", 99)
    assert done.code == 2 and "--size is of pictures" in done.err
