"""Files that cannot be used: one line on stderr, exit code 2, nothing left behind."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load, save


def flipped(data: bytes) -> bytes:
    """The first float of the arrays made NaN by its exponent's bits."""
    start = 8 + int.from_bytes(data[:8], "little")
    return data[:start] + b"\xff\xff\xff\xff" + data[start + 4 :]


def with_facts(change):
    def transform(data: bytes) -> bytes:
        size = int.from_bytes(data[:8], "little")
        facts = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["theta0"])
        change(facts)
        return save(load(data), {"theta0": json.dumps(facts)})

    return transform


def reshaped(data: bytes) -> bytes:
    size = int.from_bytes(data[:8], "little")
    arrays = {name: array.ravel() for name, array in load(data).items()}
    return save(arrays, json.loads(data[8 : 8 + size])["__metadata__"])


def padded(data):
    """The same with a header whose length begins like a pickle, cut in its arrays."""
    size = int.from_bytes(data[:8], "little")
    length = (size // 256 + 1) * 256 + 0x80
    return length.to_bytes(8, "little") + data[8 : 8 + size].ljust(length) + data[8 + size : -1]


CHANGES = {
    "header that begins like a pickle": (padded, "not a whole"),
    "empty": (lambda data: b"", "not a whole"),
    "cut in its header": (lambda data: data[:100], "not a whole"),
    "cut in its arrays": (lambda data: data[:-1], "not a whole"),
    "header length 0": (lambda data: bytes(8) + data[8:], "not a whole"),
    "header length too large": (lambda data: b"\xff\xff" + data[2:], "not a whole"),
    "huge header": (lambda data: (2**62).to_bytes(8, "little") + data[8:], "not a whole"),
    "header bit": (lambda data: data[:8] + bytes([data[8] ^ 1]) + data[9:], "not a whole"),
    "array bits": (flipped, "not finite"),
    "shapes": (reshaped, "its description says"),
    "kind of network": (
        with_facts(lambda facts: facts["description"]["field"].update(kind="Oracle")), "field",
    ),
    "kind of file": (with_facts(lambda facts: facts.update(kind="letter")), "initialization"),
    "newer format": (with_facts(lambda facts: facts.update(format=99)), "upgrade theta0"),
    "unknown key": (with_facts(lambda facts: facts["description"].update(spell=1)), "spell"),
    "pickle": (lambda data: pickle.dumps({"weights": [1.0]}), "pickle"),
    "picture": (lambda data: b"\x89PNG\r\n\x1a\n" + data, "not a whole"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_an_initialization_that_was_changed(refused, ct_run, slice_file, tmp_path, name):
    change, words = CHANGES[name]
    path = tmp_path / "init.safetensors"
    path.write_bytes(change((ct_run / "init.safetensors").read_bytes()))
    refused(words, "info", path)
    refused(words, "fit", path, slice_file)


def test_an_initialization_that_is_not_there(refused, ct_run, slice_file, tmp_path):
    refused("neither a file, a run folder, nor a shipped", "fit", "nobody", slice_file)
    refused("no such file", "fit", "nobody.safetensors", slice_file)
    refused("a folder, but no run", "info", tmp_path)
    (tmp_path / "config.json").write_text("{}")
    refused("without init.safetensors", "info", tmp_path)
    refused("a folder; give a pickle", "import", tmp_path)
    refused("not an initialization", "info", ct_run / "checkpoints" / "last.safetensors")


def test_an_initialization_that_may_not_be_read(refused, ct_run, slice_file, monkeypatch):
    def forbidden(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    refused("cannot be read .Permission denied", "info", ct_run / "init.safetensors")


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("missing.png", None, "no such file"),
        ("empty.png", b"", "cannot|not a picture"),
        ("torn.jpg", b"\xff\xd8\xff\xe0", "cannot|not a picture"),
        ("text.png", b"dear reader", "cannot|not a picture"),
        ("slice.npy", b"\x93NUMPY", "CT data"),
    ],
)
def test_a_picture_that_cannot_be_read(refused, images_run, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(words, "fit", images_run, tmp_path / name)


def test_a_picture_of_one_pixel(refused, images_run, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    refused("dot.png", "fit", images_run, tmp_path / "dot.png")


def test_a_folder_instead_of_a_picture(refused, images_run, pictures):
    refused("a folder; give one picture", "fit", images_run, pictures)


def nan_slice(values):
    values[3, 4] = np.nan
    return values


@pytest.mark.parametrize(
    "values, words",
    [
        (nan_slice(np.zeros((8, 8), np.float32)), "NaN"),
        (np.full((8, 8), np.inf, np.float32), "NaN or infinite"),
        (np.full((8, 8), 7.0, np.float32), "not in"),
        (np.zeros((0, 8), np.float32), "slices are"),
        (np.zeros((1, 1), np.float32), "at least 2 pixels"),
        (np.zeros(8, np.float32), "slices are"),
        (np.array([["a", "b"]]), "slices are"),
        (np.array([[{}]], dtype=object), "refused"),
    ],
)
def test_a_slice_that_cannot_be_used(refused, ct_run, tmp_path, values, words):
    np.save(tmp_path / "slice.npy", values, allow_pickle=True)
    refused(words, "fit", ct_run, tmp_path / "slice.npy")


@pytest.mark.slow
def test_an_initialization_for_another_kind_of_signal(
    refused, ct_run, images_run, photo, slice_file
):
    refused("colour picture.*CT", "fit", ct_run, photo)
    refused("CT data.*pictures", "fit", images_run, slice_file)
    refused("views", "fit", images_run, photo, "--views", "3")


@pytest.mark.slow
def test_a_mask_that_cannot_be_used(refused, images_run, photo, tmp_path):
    for name, size, level in (("small", (20, 20), 255), ("black", (24, 20), 0)):
        Image.new("L", size, level).save(tmp_path / f"{name}.png")
    (tmp_path / "text.png").write_bytes(b"dear reader")
    for name, words in {
        "small": "small.png: a mask of 20 x 20 pixels for a picture of 24 x 20",
        "black": "black.png: leaves nothing to fit",
        "text": "text.png: is not a picture",
        "missing": "missing.png: no such file",
    }.items():
        refused(words, "fit", images_run, photo, "--mask", tmp_path / f"{name}.png")


def test_a_folder_without_a_picture_that_can_be_read(refused, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    arguments = ["train", "images", "--scale", "smoke", "--data", folder]
    refused("holds no picture", *arguments)
    for name in ("a.png", "b.jpg"):
        (folder / name).write_bytes(b"no picture")
    refused("none of its 2 pictures can be read", *arguments)


def test_too_few_pictures(refused, pictures, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    for path in sorted(pictures.iterdir())[:6]:
        shutil.copy(path, folder)
    arguments = ["train", "images", "--scale", "smoke", "--data", folder]
    refused("leave none for training", *arguments, "--data.source.test", "6")
    refused("only 1", *arguments, "--outer.tasks", "2")
    refused("no validation signals", *arguments, "--data.source.validation", "0")
    refused("go together", *arguments, "--data.inner-points", "20")
    refused(
        "only 144 pixels", *arguments, "--data.inner-points", "100", "--data.outer-points", "99"
    )
