"""theta0 fit on every slice of a stack, with regularizers, and stopped by a validation fraction."""

import json

import numpy as np
import pytest
from PIL import Image

from theta0.data.ct import phantom
from theta0.inner._fit import _advance


@pytest.fixture(scope="module")
def stack_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "slices.npz"
    slices = np.stack([phantom(7, number).rasterize(12) for number in range(5)])
    np.savez(path, slices=slices)
    return path


def fitted(theta0, *words):
    done = theta0("fit", *words, "--json")
    assert done.code == 0, done.err
    return done


@pytest.mark.slow
def test_every_slice_is_fitted_as_it_would_be_alone(theta0, ct_run, stack_file, tmp_path):
    common = [ct_run, stack_file, "--steps", 4]
    done = fitted(theta0, *common, "--index", "all", "--out", tmp_path / "all")
    volume = np.load(tmp_path / "all" / "volume.npy", allow_pickle=False)
    assert volume.shape == (5, 12, 12) and volume.dtype == np.float32
    rows = done.json["slices"]
    assert [row["slice"] for row in rows] == [0, 1, 2, 3, 4]
    assert json.loads((tmp_path / "all" / "results.json").read_text())["slices"] == rows
    with Image.open(tmp_path / "all" / "montage.png") as montage:
        assert montage.size[0] > 5 * 12
    for number in (0, 3):
        alone = fitted(theta0, *common, "--index", number, "--out", tmp_path / str(number))
        assert rows[number]["psnr"] == alone.json["steps"][-1]["psnr"]
        shown = np.asarray(Image.open(tmp_path / str(number) / "reconstruction.png"))
        assert np.abs(shown - volume[number] * 255).max() <= 0.5 + 1e-3


@pytest.mark.slow
def test_a_stack_compiles_no_more_than_one_slice(theta0, ct_run, stack_file, tmp_path):
    common = [ct_run, stack_file, "--steps", 3, "--lr", 0.013]
    fitted(theta0, *common, "--index", "all", "--out", tmp_path / "once")
    before = _advance._cached._cache_size()
    fitted(theta0, *common, "--index", "all", "--out", tmp_path / "again")
    assert _advance._cached._cache_size() == before


@pytest.mark.slow
@pytest.mark.parametrize("option", [["--tv", 0.1], ["--proximal", 10.0]])
@pytest.mark.parametrize("init", ["learned", "standard"])
def test_regularizers_change_the_fit_of_every_initialization(
    theta0, ct_run, stack_file, tmp_path, option, init
):
    common = [ct_run, stack_file, "--steps", 5, "--inits", init]
    plain = fitted(theta0, *common, "--out", tmp_path / "a").json["steps"]
    with_it = fitted(theta0, *common, *option, "--out", tmp_path / "b").json["steps"]
    assert plain[0]["psnr"] == with_it[0]["psnr"]
    assert plain[-1]["psnr"] != with_it[-1]["psnr"]
    zero = [option[0], 0.0]
    same = fitted(theta0, *common, *zero, "--out", tmp_path / "c").json["steps"]
    assert same == plain


@pytest.mark.slow
def test_a_validation_fraction_stops_the_fit_at_a_step_that_is_shown(
    theta0, ct_run, stack_file, tmp_path
):
    common = [ct_run, stack_file, "--steps", 8, "--validation-fraction", "20%"]
    steps = fitted(theta0, *common, "--out", tmp_path / "one").json["steps"]
    assert steps[-1]["steps"] in (1, 2, 5, 8)
    rows = fitted(theta0, *common, "--index", "all", "--out", tmp_path / "all").json["slices"]
    assert rows[0]["steps"] == steps[-1]["steps"] and rows[0]["psnr"] == steps[-1]["psnr"]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--index", "all", "--size", 20], "--index all: leave out --size"),
        (["--index", "all", "--inits", "learned", "standard"], "from one initialization"),
        (["--validation-fraction", "100%"], "leaves none to fit"),
        (["--validation-fraction", "x"], "--validation-fraction x"),
        (["--tv", -1.0], "tv is -1"), (["--proximal", "nan"], "'nan' is not a finite number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(theta0, ct_run, stack_file, tmp_path, words, message):
    done = theta0("fit", ct_run, stack_file, *words, "--out", tmp_path / "out")
    assert done.code == 2 and message in done.err
    assert not (tmp_path / "out").exists()
