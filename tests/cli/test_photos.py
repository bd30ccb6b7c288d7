"""`theta0 data photos`: what it says and draws, its exit codes, and nothing half-written."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from theta0.data.photos import RegisterConfig

from ..data.photos.photo_scene import cameras, photo


@pytest.fixture
def trip(tmp_path):
    """Three photos of a scene, one of something else, and a file that is no photo."""
    folder = tmp_path / "trip"
    folder.mkdir()
    for number, pixels in enumerate([*map(photo, cameras(3)), photo(cameras(1)[0], seed=4)]):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "x.jpg").write_text("no photo")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pycolmap") is None, reason="pycolmap is not installed")
def test_photos_are_registered_listed_and_drawn(theta0, trip, tmp_path):
    out = tmp_path / "place"
    done = theta0("data", "photos", trip, "--out", out, "--threads", 1, "--json")
    assert done.code == 0, done.err
    assert done.json["registered"] == 3 and done.json["out"] == str(out)
    assert set(done.json["unregistered"]) == {"3.png"} and set(done.json["skipped"]) == {"x.jpg"}
    assert "skipped x.jpg: is not a picture" in done.err and "left out 3.png: shows too" in done.err
    assert "3 of 4 photos registered" in done.err and "6/6 pairs matched" in done.err
    assert np.asarray(Image.open(out / "poses.png")).shape[2] == 4
    assert {path.name for path in tmp_path.iterdir()} == {"trip", "place"}
    again = theta0("data", "photos", trip, "--out", out)
    assert again.code == 2 and "exists already" in again.err


def test_bad_input_is_one_line(refused, trip, monkeypatch):
    refused("no such folder", "data", "photos", "nowhere", "--out", "out")
    refused("lies in the folder of the photos", "data", "photos", trip, "--out", trip / "out")
    refused("--matching", "data", "photos", trip, "--out", "out", "--matching", "all")
    refused("--max-size is 3", "data", "photos", trip, "--out", "out", "--max-size", 3)
    refused("--out", "data", "photos", trip)
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    refused(r"pip install 'theta0\[colmap\]'", "data", "photos", trip, "--out", "out")


def test_an_interrupt_leaves_nothing_half_written(theta0, trip, tmp_path, monkeypatch):
    module = sys.modules[RegisterConfig.__module__]

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "require_pycolmap", lambda: None)
    monkeypatch.setattr(module, "run_colmap", stopped)
    done = theta0("data", "photos", trip, "--out", tmp_path / "out", "--json")
    assert done.code == 1 and done.json == {"error": "interrupted"}
    assert {path.name for path in tmp_path.iterdir()} == {"trip", "out.work"}
    assert "the same command continues from here" in done.err
