"""theta0 fit on an object: posed views of it, or one photograph."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

from theta0.data.views import read_photograph, read_views, write_views
from theta0.forward import predict
from theta0.inits import load
from theta0.inner import SGD, InnerLoop, fit
from theta0.metrics import psnr, ssim

pytestmark = pytest.mark.slow


def test_views_that_were_not_fitted_judge(theta0, view_run, chair, tmp_path):
    done = theta0("fit", view_run, chair, "--views", 2, "--steps", 3, "--out", tmp_path, "--json")
    assert done.code == 0, done.err
    assert {path.name for path in tmp_path.iterdir()} == {
        "fitted.safetensors", "reconstruction.png", "results.json", "strip.png",
    }  # fmt: skip
    learned, fitted = load(view_run / "init.safetensors"), load(tmp_path / "fitted.safetensors")
    description = learned.description
    signal = description.data.read(chair, 2)
    # Views 4 and 5: the initialization keeps views from number 4 on to judge.
    assert len(signal.task.query.y) == 2 * 12 * 12
    expected = fit(
        description.forward, learned.field, SGD(0.1), signal.task.support, InnerLoop(3, batch=32),
        jax.random.PRNGKey(0),
    )  # fmt: skip
    for found, other in zip(
        jax.tree.leaves(fitted.field), jax.tree.leaves(expected.field), strict=True
    ):
        np.testing.assert_array_equal(found, other)
    shown = np.asarray(predict(description.forward, fitted.field, signal.task.query.p))
    pairs = list(
        zip(shown.reshape(2, 12, 12, 3), signal.task.query.y.reshape(2, 12, 12, 3), strict=True)
    )
    final = done.json["steps"][-1]
    assert final["steps"] == 3 and [row["steps"] for row in done.json["steps"]] == [0, 1, 2, 3]
    assert final["psnr"] == pytest.approx(np.mean([psnr(*pair) for pair in pairs]), abs=1e-3)
    assert final["ssim"] == pytest.approx(np.mean([ssim(*pair) for pair in pairs]), abs=1e-4)
    assert json.loads((tmp_path / "results.json").read_text())["steps"] == done.json["steps"]


def test_a_fit_remembers_the_camera(chair_fit, view_run):
    data = load(chair_fit / "fitted.safetensors").description.data
    # As the procedural objects are seen.
    assert (data.distance, data.fov_deg) == pytest.approx((4.0, 30.0))
    assert data.size == load(view_run / "init.safetensors").description.data.size


def test_views_from_within_the_bounding_sphere_are_fitted(theta0, view_run, chair, tmp_path):
    views = read_views(chair)
    cameras = [
        replace(camera, c2w=np.column_stack([camera.c2w[:, :3], camera.position * 0.9 / 4]))
        for camera in views.cameras
    ]
    near = write_views(replace(views, cameras=tuple(cameras), depth=None), tmp_path / "near")
    out = tmp_path / "out"
    done = theta0("fit", view_run, near, "--views", 2, "--steps", 1, "--out", out, "--json")
    assert done.code == 0, done.err
    # New views stay outside, seen by the camera of the initialization.
    learned, fitted = load(view_run / "init.safetensors"), load(out / "fitted.safetensors")
    assert fitted.description.data == learned.description.data
    assert theta0("render", out, "--frames", 1, "--out", out / "one.png").code == 0


def test_a_fit_is_an_initialization_for_more(theta0, chair_fit, view_run, chair, tmp_path):
    words = [chair, "--views", 2, "--steps", 1, "--out", tmp_path, "--json"]
    again = theta0("fit", chair_fit / "fitted.safetensors", *words).json["steps"]
    first = json.loads((chair_fit / "results.json").read_text())["steps"]
    assert again[0]["psnr"] == first[-1]["psnr"]


def test_initializations_side_by_side(theta0, view_run, chair, tmp_path):
    done = theta0(
        "fit", view_run, chair, "--views", 1, "--steps", 1, "--inits", "learned", "standard",
        "--validation-fraction", "10%", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert [(row["init"], row["steps"]) for row in done.json["steps"]] == [
        ("learned", 0), ("learned", 1), ("standard", 0), ("standard", 1),
    ]  # fmt: skip


@pytest.mark.slow
def test_every_initialization(theta0, view_run, chair, tmp_path):
    words = ["--steps", 1, "--inits", "all", "--out", tmp_path, "--json"]
    done = theta0("fit", view_run, chair, *words)
    assert done.code == 0
    # Two may agree in three decimals by chance, not in the structural similarity too.
    assert len({(row["psnr"], row["ssim"]) for row in done.json["steps"]}) == 10


@pytest.fixture(scope="module")
def photograph(chair):
    return chair / "001.png"


def test_a_photograph_is_judged_by_its_own_pixels(theta0, view_run, photograph, tmp_path):
    where = ["--azimuth", 40, "--elevation", 10, "--distance", 5, "--fov", 25]
    done = theta0("fit", view_run, photograph, *where, "--steps", 2, "--out", tmp_path, "--json")
    assert done.code == 0, done.err
    final = done.json["steps"][-1]
    assert set(final) == {"init", "rule", "lr", "steps", "loss"}
    assert "on the measurements" in done.err
    fitted = load(tmp_path / "fitted.safetensors")
    data = fitted.description.data
    assert (data.distance, data.fov_deg) == pytest.approx((5.0, 25.0))
    # Its pixels, by another way: 24 pixels averaged to 12, of which those count that meet
    # something, the first once more where their number is filled up.
    camera = read_photograph(photograph, 40, 10, 5, 25).cameras[0].downscaled(2)
    support = data.photograph(photograph, 40, 10, 5, 25).task.support
    np.testing.assert_allclose(support.p.origin[0], camera.position, atol=1e-6)
    error = np.asarray(predict(fitted.description.forward, fitted.field, support.p)) - support.y
    assert final["loss"] == pytest.approx(np.mean(error**2), rel=1e-4)


def test_a_photograph_need_not_be_square_nor_divide(theta0, view_run, photograph, tmp_path):
    with Image.open(photograph) as image:
        image.resize((31, 25)).save(tmp_path / "photo.png")
    out = tmp_path / "out"
    where = ["--azimuth", 0, "--elevation", 0]
    words = [tmp_path / "photo.png", *where, "--steps", 1, "--out", out]
    assert theta0("fit", view_run, *words).code == 0
    assert theta0("render", out, "--frames", 1, "--out", out / "one.png").code == 0


def test_what_an_object_cannot_be_fitted_with(refused, view_run, chair, photograph, tmp_path):
    mask = tmp_path / "mask.png"
    for option in (["--size", 30], ["--region", 0, 0, 1, 1], ["--keep", "10%"], ["--mask", mask]):
        refused(f"{option[0]} is of pictures and slices", "fit", view_run, chair, *option)
    refused("--tv is of", "fit", view_run, chair, "--tv", 0.1)
    refused("no stack of slices; leave out --index all", "fit", view_run, chair, "--index", "all")
    refused("index=2, but this is one object", "fit", view_run, chair, "--index", 2)
    refused("views=6 of its 6 views; give 1 to 5", "fit", view_run, chair, "--views", 6)
    refused("no such folder", "fit", view_run, tmp_path / "nowhere")
    refused("holds no views", "fit", view_run, tmp_path)


def test_what_is_no_photograph(refused, view_run, images_run, photo, chair, photograph):
    where = ["--azimuth", 0, "--elevation", 0]
    refused("with --azimuth and --elevation", "fit", view_run, photograph)
    refused("needs both", "fit", view_run, photograph, "--azimuth", 0)
    refused("needs both", "fit", view_run, photograph, "--fov", 30)
    refused("no alpha channel", "fit", view_run, photo, *where)
    refused("leave --views and --index out", "fit", view_run, photograph, *where, "--views", 1)
    refused("from outside", "fit", view_run, photograph, *where, "--distance", 0.5)
    refused("field of view", "fit", view_run, photograph, *where, "--fov", 180)
    refused(
        "not a finite number", "fit", view_run, photograph, "--azimuth", "nan", "--elevation", 0
    )
    refused("chair", "fit", view_run, chair, *where)
    refused("are of a photograph of an object.*is for pictures", "fit", images_run, photo, *where)
