"""What the user gives and cannot be used: one line on stderr, exit code 2, nothing left behind."""

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
    "unknown preset": (
        with_facts(lambda facts: facts["description"].update(preset="cta")), "did you mean ct",
    ),
    "pickle": (lambda data: pickle.dumps({"weights": [1.0]}), "pickle"),
    "picture": (lambda data: b"\x89PNG\r\n\x1a\n" + data, "not a whole"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_start_that_was_changed(refused, ct_run, slice_file, tmp_path, name):
    change, words = CHANGES[name]
    path = tmp_path / "start.safetensors"
    path.write_bytes(change((ct_run / "init.safetensors").read_bytes()))
    if name == "unknown preset":  # only an evaluation asks for it
        refused(words, "eval", path)
    else:
        refused(words, "info", path)
        refused(words, "fit", path, slice_file)


def test_a_start_that_is_not_there(refused, ct_run, slice_file, tmp_path):
    refused("neither a file, a run folder, nor a shipped", "fit", "nobody", slice_file)
    refused("no such file", "fit", "nobody.safetensors", slice_file)
    refused("a folder, but no run", "info", tmp_path)
    (tmp_path / "config.json").write_text("{}")
    refused("without init.safetensors", "info", tmp_path)
    refused("a folder; give a pickle", "import", tmp_path)
    refused("not an initialization", "info", ct_run / "checkpoints" / "last.safetensors")


def test_a_start_that_may_not_be_read(refused, ct_run, slice_file, monkeypatch):
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


def test_a_start_for_another_kind_of_signal(refused, ct_run, images_run, photo, slice_file):
    refused("colour picture.*CT", "fit", ct_run, photo)
    refused("CT data.*pictures", "fit", images_run, slice_file)
    refused("views", "fit", images_run, photo, "--views", "3")


@pytest.mark.parametrize(
    "options, words",
    [
        (["--steps", "0"], "steps is 0"),
        (["--steps", "-3"], "steps is -3"),
        (["--steps", "many"], "--steps.*many"),
        (["--steps", "1.5"], "--steps.*1.5"),
        (["--views", "0"], "views=0"),
        (["--views", "-1"], "views=-1"),
        (["--index", "1"], "index"),
        (["--index", "-1"], "index"),
        (["--lr", "0"], "lr is 0"),
        (["--lr", "-1"], "lr is -1"),
        (["--lr", "nan"], "lr is nan"),
        (["--lr", "inf"], "lr is inf"),
        (["--lr", "fast"], "--lr.*fast"),
        (["--batch", "0"], "batch is 0"),
        (["--seconds", "0"], "--seconds"),
        (["--seconds", "9", "--hold-out", "10%"], "--seconds.*--hold-out"),
        (["--size", "1"], "--size 1"),
        (["--size", "100000"], "--size 100000"),
        (["--keep", "10%"], "rays.*--views"),
        (["--mask", "mask.png"], "rays.*--views"),
        (["--keep", "0"], "--keep 0: give a share"),
        (["--keep", "-10%"], "--keep -10%: give a share|--keep"),
        (["--keep", "0%"], "--keep 0%: give a share"),
        (["--keep", "101%"], "--keep 101%: give a share"),
        (["--keep", "1600"], "--keep 1600: give a share.*10% or 0.1"),
        (["--keep", "nan"], "--keep nan: give a share"),
        (["--keep", "%"], "--keep %: give a share"),
        (["--keep", "some"], "--keep some: give a share"),
        (["--region", "0", "0", "1"], "--region"),
        (["--region", "0", "0", "1", "x"], "--region.*x"),
        (["--region", "0", "0", "0", "1"], "region 0 0 0 1: give TOP LEFT BOTTOM RIGHT"),
        (["--region", "0", "0", "1", "nan"], "region 0 0 1 nan: give"),
        (["--region", "-2", "0", "1", "1"], "beyond -1 to 2"),
        (["--region", "0", "0", "1", "1", "--size", "100000"], "--size 100000"),
        (["--views", "1000000"], "memory.*fewer views"),
        (["--starts", "best"], "best.*--starts"),
        (["--starts"], "--starts: name at least one"),
        (["--data", "photos"], "--data photos: only --starts mean"),
        (["--seed", "-1"], "--seed -1: give 0"),
        (["--seed", "4294967296"], "--seed 4294967296: give 0"),
        (["--optimizer", "adam"], "give --lr"),
        (["--optimizer", "magic"], "magic"),
        (["--colour", "red"], "--colour"),
        (["one-too-many"], "one-too-many"),
    ],
)
def test_options_that_cannot_be_used(refused, ct_run, slice_file, options, words):
    refused(words, "fit", ct_run, slice_file, *options)


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


def test_a_region_too_large_at_the_scale_of_the_file(refused, images_run, photo, monkeypatch):
    monkeypatch.setattr("theta0.reconstruct.rendering.LARGEST_SIZE", 50)
    region = ["--region", -1, -1, 2, 2]
    refused("60 pixels.*choose a size of at most 50", "fit", images_run, photo, *region)


def test_results_below_a_file(refused, ct_run, slice_file, tmp_path):
    before = slice_file.read_bytes()
    for out in (slice_file, slice_file / "below"):
        refused("is a file", "fit", ct_run, slice_file, "--out", out)
        refused("is a file", "train", "ct-phantoms", "--scale", "smoke", "--out", out)
        refused("is a file", "demo", "--out", out)
    assert slice_file.read_bytes() == before


@pytest.mark.parametrize(
    "argv, words",
    [
        (["trian"], "did you mean train"),
        (["frobnicate"], "choose from demo, train, fit, render, export, eval, reproduce, data"),
        (["train"], "name a preset: theta0 train ct"),
        (["train", "image"], "did you mean images"),
        (["train", "zzz"], "choose from ct-phantoms, ct-scans, images"),
        (["train", "ct-scans", "--scale", "smoke"], "slices from: give --data PATH"),
        (["train", "ct-phantoms", "--scale", "huge"], "choose from smoke, cpu, paper"),
        (["train", "ct-phantoms", "--outer.step", "3"], "--outer.step"),
        (["train", "ct-phantoms", "--meta", "magic"], "maml.*fomaml.*reptile"),
        (["train", "ct-phantoms", "--outer.steps", "0"], "outer.steps is 0"),
        (["train", "ct-phantoms", "--outer.steps", "-2"], "outer.steps is -2"),
        (["train", "ct-phantoms", "--outer.lr", "-1"], "outer.lr is -1"),
        (["train", "ct-phantoms", "--inner.steps", "0"], "inner.steps is 0"),
        (["train", "ct-phantoms", "--inner.lr", "nan"], "inner.lr is nan"),
        (["train", "ct-phantoms", "--baseline.steps", "0"], "baseline.steps is 0"),
        (["train", "ct-phantoms", "--seed", "-1"], "seed is -1"),
        (["train", "ct-phantoms", "--seed", "x"], "--seed.*'x'"),
        (["train", "ct-phantoms", "--data.training-views", "0"], "--data.training-views is 0"),
        (["train", "ct-phantoms", "--data.rays", "0"], "rays is 0"),
        (["train", "ct-phantoms", "--data.size", "0"], "size is 0"),
        (
            ["train", "ct-phantoms", "--data.size", "4", "--data.query-pixels", "17"],
            "only 16 pixels",
        ),
        (["train", "ct-phantoms", "--field.layers", "0"], "layers is 0"),
        (["train", "ct-phantoms", "--field.width", "-8"], "width is -8"),
        (["train", "ct-phantoms", "--forward.samples", "0"], "error: --forward.samples is 0"),
        (
            ["train", "ct-phantoms", "--begin", "sdf"],
            "sdf was learned with .*width 256 instead of 64",
        ),
        (["train", "ct-phantoms", "--protocol.steps", "0"], "at least one above 0"),
        (["train", "images"], "give --data FOLDER"),
        (["train", "images", "--data", "nowhere"], "no such folder"),
        (["train", "images", "--data.source.limit", "0"], "limit is 0"),
        (["train", "image-celeba"], "give --data FOLDER"),
        (["train", "image-celeba", "--data", "."], "holds no folder img_align_celeba"),
        (["train", "image-celeba", "--data.source.group", "x"], "--data.source.group"),
        (["train", "image-imagenette", "--data", "."], "holds no folder 'train'"),
        (["train", "image-arrays"], "give --data FILE.npz"),
        (["fit"], "INIT.*SIGNAL"),
        (["info"], "INIT"),
        (["inits", "extra"], "extra"),
    ],
)
def test_command_lines_that_cannot_be_used(refused, argv, words):
    refused(words, *argv)


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
