"""`theta0 data`: a class of pictures as one file, in the layout of the paper's authors."""

import numpy as np
import pytest

from theta0.data.images import SDF, Arrays, Text


@pytest.mark.parametrize(
    "name, source", [("image-text", Text(6, 2, 3)), ("image-sdf", SDF(6, 2, 3))]
)
def test_a_procedural_class_is_written_and_read_again(theta0, tmp_path, name, source):
    out = tmp_path / "class.npz"
    options = ["--samples", 6, "--validation", 2, "--test", 3, "--size", 20]
    done = theta0("data", name, "--out", out, *options, "--json")
    assert done.code == 0, done.err
    assert done.json == {
        "file": str(out), "train": 6, "test": 3, "size": 20, "bytes": out.stat().st_size
    }  # fmt: skip
    pictures = source.read(20)
    with np.load(out) as arrays:
        assert arrays["train_data"].shape == (6, 20, 20, 3)
        expected = np.rint(255 * pictures.load(pictures.split.test[1]))
        np.testing.assert_array_equal(arrays["test_data"][1], expected)
    read = Arrays(str(out), validation=1).read(20)
    assert [len(part) for part in (read.split.train, read.split.validation, read.split.test)] == [
        5, 1, 3
    ]  # fmt: skip


def test_a_class_of_files_is_written(theta0, tmp_path, pictures):
    out = tmp_path / "class.npz"
    done = theta0("data", "images", "--data", pictures, "--out", out, "--size", 8,
                  "--validation", 2, "--test", 3, "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert (done.json["train"], done.json["test"]) == (7, 3)


@pytest.mark.parametrize(
    "argv, words",
    [
        ([], "name a class of pictures"),
        (["image-txt"], "did you mean image-text"),
        (["photo"], "did you mean photos.*render-views, photos, tourist-town"),
        (["ct-phantoms"], "ct-phantoms is no class of pictures; choose from images"),
        (["images"], "--data"),
        (["image-text", "--size", "1"], "size=1"),
        (["image-text", "--data", "here"], "leave --data out"),
        (["image-text", "--samples", "0"], "samples is 0"),
        (["image-text", "--fonts", "nowhere"], "nowhere"),
        (["image-text", "--out", "text.txt"], r"ending in .npz"),
        (["image-text", "--size", "5000"], "more than the limit"),
    ],
)
def test_what_cannot_be_written(refused, argv, words):
    refused(words, "data", *argv)


def test_a_file_is_replaced_only_when_told(theta0, tmp_path):
    out = tmp_path / "class.npz"
    call = ["data", "image-sdf", "--out", out, "--samples", 2, "--validation", 0, "--test", 1,
            "--size", 8]  # fmt: skip
    assert theta0(*call).code == 0
    before = out.read_bytes()
    assert theta0(*call, "--seed", 1).code == 2 and out.read_bytes() == before
    assert theta0(*call, "--seed", 1, "--overwrite").code == 0 and out.read_bytes() != before
