"""`theta0 data tourist-town`: a collection as files, what it says, and its exit codes."""

import json

import numpy as np
import pytest
from PIL import Image

from theta0 import __version__
from theta0.data.town import TouristTown

TINY = ["--photos", 3, "--validation", 1, "--test", 2, "--size", 12]
SOURCE = TouristTown(photos=3, validation=1, test=2, size=12)


@pytest.mark.slow
def test_what_is_written_is_the_town(theta0, tmp_path):
    out = tmp_path / "below/town"
    done = theta0("data", "tourist-town", "--out", out, *TINY, "--json")
    assert done.code == 0, done.err
    assert done.json == {"out": str(out), "train": 3, "val": 1, "test": 2, "size": 12}
    assert "6/6 photographs" in done.err and f"{out}: 3 train, 1 val, 2 test" in done.err
    town, told = SOURCE.read(), json.loads((out / "transforms.json").read_text("utf-8"))
    assert (told["source"], told["version"]) == ("theta0 data tourist-town", __version__)
    assert TouristTown(**told["settings"]) == SOURCE
    assert [frame["split"] for frame in told["frames"]] == ["train"] * 3 + ["val"] + ["test"] * 2
    for number, frame in enumerate(told["frames"]):
        photo = town.load(number)
        np.testing.assert_array_equal(Image.open(out / frame["file_path"]), photo.image)
        mask = np.asarray(Image.open(out / frame["mask_path"]))
        np.testing.assert_array_equal(mask == 0, photo.hidden)
        assert (frame["near"], frame["far"]) == (photo.near, photo.far)
        assert frame["fl_x"] == photo.camera.fl_x
        np.testing.assert_array_equal(frame["transform_matrix"][:3], photo.camera.c2w)
    with np.load(out / "points.npz") as points:
        assert points["xyz"].shape == points["rgb"].shape and len(points["xyz"]) > 3000
        np.testing.assert_array_equal(points["xyz"], town.points()[0].astype(np.float32))


def test_a_folder_that_is_there_is_kept(theta0, tmp_path):
    out = tmp_path / "town"
    out.mkdir()
    done = theta0("data", "tourist-town", "--out", out, *TINY, "--json")
    assert done.code == 2 and "exists already" in done.json["error"]
    assert list(tmp_path.iterdir()) == [out] and list(out.iterdir()) == []


def test_an_interrupt_leaves_nothing_half_written(theta0, tmp_path, monkeypatch):
    from theta0.data.town import Town

    real = Town.load

    def stopping(town, index):
        if index == 2:
            raise KeyboardInterrupt
        return real(town, index)

    monkeypatch.setattr(Town, "load", stopping)
    done = theta0("data", "tourist-town", "--out", tmp_path / "town", *TINY, "--json")
    assert done.code == 1 and "interrupted" in done.json["error"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv, words",
    [
        ([], "--out"),
        (["--out", "town", "--photos", "0"], "photos is 0; give a number above 0"),
        (["--out", "town", "--seed", "-1"], "seed is -1; give 0 or more"),
        (["--out", "town", "--size", "100000"], "more than the limit"),
        (["--out", "town", "--sizes", "9"], "--size"),
    ],
)
def test_what_cannot_be_written(refused, argv, words):
    refused(words, "data", "tourist-town", *argv)


def test_help_shows_examples(theta0):
    done = theta0("data", "tourist-town", "--help")
    assert done.code == 0 and "theta0 data tourist-town --out town" in done.out
    assert "tourist-town" in theta0("data", "--help").out
    assert "tourist-town" in theta0("data", "--json").json["error"]
