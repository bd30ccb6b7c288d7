"""theta0 train: what a run folder holds, and what may be done with one that exists."""

import errno
import json
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

import theta0.cli.train
import theta0.files
from theta0.data.images import CelebA
from theta0.files import read_jsonl
from theta0.inits import load
from theta0.presets import PRESETS, read_experiment
from theta0.store import Stored

FILES = {
    "checkpoints", "config.json", "environment.json", "init.safetensors", "last.safetensors",
    "metrics.jsonl", "training.png",
}  # fmt: skip


def arrays_of(path):
    return Stored(path).arrays


def assert_same_run(a, b):
    """Weights, checkpoint and log are equal bit for bit, but for the seconds."""
    for name in ("init.safetensors", "last.safetensors", "checkpoints/last.safetensors"):
        one, other = arrays_of(a / name), arrays_of(b / name)
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=f"{name}: {key}")
    timeless = lambda run: [{**line, "seconds": 0} for line in read_jsonl(run / "metrics.jsonl")]
    assert timeless(a) == timeless(b)


@pytest.fixture
def interrupted_at(monkeypatch):
    """Ctrl-C after an outer step."""

    def at(step: int):
        @contextmanager
        def bar(total, unit="steps"):
            def update(done, text):
                if done == step:
                    raise KeyboardInterrupt

            yield update

        monkeypatch.setattr(theta0.cli.train, "progress_bar", bar)

    yield at


@pytest.mark.parametrize("run", ["ct_run", "images_run"])
def test_a_run_folder_holds_a_training_completely(run, request):
    folder = request.getfixturevalue(run)
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["last.safetensors"]
    assert [line["step"] for line in read_jsonl(folder / "metrics.jsonl")] == [1, 2, 3, 4]
    environment = json.loads((folder / "environment.json").read_text())
    assert {"theta0", "commit", "python", "jax", "numpy", "machine", "devices"} <= set(environment)


def test_the_saved_initialization_is_the_best_validated(ct_run):
    lines = read_jsonl(ct_run / "metrics.jsonl")
    validated = {
        line["step"]: line["validation_psnr"] for line in lines if "validation_psnr" in line
    }
    assert sorted(validated) == [2, 4]
    facts = load(ct_run / "init.safetensors").description.provenance
    best = max(validated, key=validated.get)  # pyright: ignore[reportCallIssue]
    assert (facts["outer_steps"], facts["validation_psnr"]) == (best, validated[best])
    assert facts["seed"] == 0 and facts["meta"] == "maml" and facts["scale"] == "smoke"


@pytest.mark.slow
def test_the_result_says_where_it_lies(theta0, tmp_path):
    out = tmp_path / "with space"
    done = theta0(
        "train", "ct-phantoms", "--scale", "smoke", "--out", out, "--outer.steps", "1", "--json"
    )
    assert done.code == 0 and len(done.out.splitlines()) == 1
    result = done.json
    assert result["run"] == str(out) and result["init"] == str(out / "init.safetensors")
    assert result["steps"] == result["best_step"] == 1 and np.isfinite(result["validation_psnr"])
    assert f"theta0 eval '{out}'" in done.err and "nan" not in done.err


def test_a_folder_that_exists_is_refused_unless_told_what_to_do(refused, ct_run, copied):
    arguments = ["train", "ct-phantoms", "--scale", "smoke", "--out"]
    refused("--resume.*--overwrite", *arguments, copied)
    refused("give one of them", *arguments, copied, "--resume", "--overwrite")
    assert_same_run(copied, ct_run)


@pytest.mark.parametrize("flags", [[], ["--resume"], ["--overwrite"]])
def test_a_folder_of_something_else_is_never_touched(refused, tmp_path, flags):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    refused("not a run", "train", "ct-phantoms", "--scale", "smoke", "--out", folder, *flags)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


@pytest.mark.slow
def test_overwrite_deletes_the_run_only_when_the_new_one_can_start(refused, theta0, ct_run, copied):
    arguments = ["train", "ct-phantoms", "--scale", "smoke", "--out", copied, "--overwrite"]
    refused("no such file", *arguments, "--data", "nowhere.npz")
    refused("validation", *arguments, "--data.source.validation", "0")
    refused("out_size", *arguments, "--field.out-size", "2")
    assert_same_run(copied, ct_run)
    (copied / "old-figure.png").write_bytes(b"")
    assert theta0(*arguments).code == 0
    assert {path.name for path in copied.iterdir()} == FILES
    assert_same_run(copied, ct_run)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3])
def test_interrupted_and_resumed_equals_uninterrupted(
    theta0, ct_run, tmp_path, interrupted_at, monkeypatch, step
):
    out = tmp_path / "run"
    interrupted_at(step)
    done = theta0("train", "ct-phantoms", "--scale", "smoke", "--out", out, "--json")
    assert done.code == 1 and "interrupted" in done.json["error"]
    assert f"theta0 train ct-phantoms --resume --out {out}" in done.err
    monkeypatch.undo()
    assert Stored(out / "checkpoints" / "last.safetensors").facts["step"] == step
    if step == 3:  # the first validation was before it
        few = ["--inits", "learned", "--rules", "sgd:0.1", "--steps", 0, 1, "--signals", 1]
        done = theta0("eval", out, *few, "--out", tmp_path / "eval")
        assert done.code == 0 and "the run is unfinished, at step 3 of 4; its best" in done.err
    # The folder's own settings count, not those of the preset.
    done = theta0("train", "ct-phantoms", "--resume", "--out", out)
    assert done.code == 0
    assert_same_run(out, ct_run)


def test_a_run_that_is_not_there_is_not_resumed(refused):
    words = "nowhere holds no run to continue; leave --resume out"
    refused(words, "train", "ct-phantoms", "--scale", "smoke", "--out", "nowhere", "--resume")


def test_a_finished_run_resumed_is_the_same(theta0, ct_run, copied):
    assert theta0("train", "ct-phantoms", "--resume", "--out", copied).code == 0
    assert_same_run(copied, ct_run)


def test_resuming_under_other_settings_is_refused(refused, ct_run, copied):
    arguments = ["train", "ct-phantoms", "--resume", "--out", copied]
    refused(r"\(meta\)", *arguments, "--meta.rule", "sgd:3")
    refused(r"\(outer, seed\)", *arguments, "--outer.steps", "9", "--seed", "1")
    refused("run of ct-phantoms, not of images", "train", "images", *arguments[2:])
    assert_same_run(copied, ct_run)
    assert read_experiment(copied) == read_experiment(ct_run)


def test_a_damaged_run_folder_is_an_error_of_one_line(refused, copied):
    arguments = ["train", "ct-phantoms", "--resume", "--out", copied]
    checkpoint = copied / "checkpoints" / "last.safetensors"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    refused("last.safetensors", *arguments)
    checkpoint.write_bytes(whole)
    log = copied / "metrics.jsonl"
    log.write_text("garbage\n" + log.read_text())
    refused("metrics.jsonl, line 1", *arguments)
    (copied / "config.json").write_text('{"version": 1, ')
    refused("config.json: not JSON", *arguments)


@pytest.mark.slow
def test_divergence_is_a_failure_that_says_what_to_try(theta0, tmp_path):
    out = tmp_path / "run"
    done = theta0(
        "train", "ct-phantoms", "--scale", "smoke", "--outer.lr", "1e38", "--out", out, "--json"
    )
    assert done.code == 1 and "--outer.lr" in done.json["error"]
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_full_disk_is_a_failure_that_keeps_the_checkpoint(theta0, ct_run, tmp_path, monkeypatch):
    out, replace = tmp_path / "run", theta0_files_os().replace
    written = []

    def full(source, target):
        if str(target).endswith("last.safetensors"):
            written.append(target)
            if len(written) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
        return replace(source, target)

    monkeypatch.setattr(theta0_files_os(), "replace", full)
    done = theta0("train", "ct-phantoms", "--scale", "smoke", "--out", out, "--json")
    monkeypatch.undo()
    told = "checkpoints/last.safetensors: the disk is full; free some space"
    assert done.code == 1 and told in done.json["error"]
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["last.safetensors"]
    assert Stored(out / "checkpoints" / "last.safetensors").facts["step"] == 2
    assert theta0("train", "ct-phantoms", "--resume", "--out", out).code == 0
    assert_same_run(out, ct_run)


def theta0_files_os():
    return theta0.files.os


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_while_a_checkpoint_is_written_keeps_the_one_before(copied, moment):
    checkpoint = copied / "checkpoints" / "last.safetensors"
    before = checkpoint.read_bytes()
    program = f"""
import os, signal
from theta0 import files
os.{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.write_bytes({str(checkpoint)!r}, b"x" * 100000)
"""
    killed = subprocess.run([sys.executable, "-c", program])
    assert killed.returncode == -signal.SIGKILL
    assert checkpoint.read_bytes() == before
    assert Stored(checkpoint).facts["step"] == 4


@pytest.mark.slow
def test_unreadable_pictures_are_named_and_left_out(theta0, pictures, tmp_path):
    folder = tmp_path / "some"
    shutil.copytree(pictures, folder)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    done = theta0(
        "train", "images", "--scale", "smoke", "--data", folder, "--out", tmp_path / "run",
        "--outer.steps", "1",
    )  # fmt: skip
    assert done.code == 0 and "skipped broken.jpg" in done.err


@pytest.mark.slow
def test_a_class_of_pictures_in_its_own_layout(theta0, refused, pictures, tmp_path, monkeypatch):
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    lines = []
    for number, path in enumerate(sorted(pictures.iterdir())):
        (root / "img_align_celeba" / path.name).symlink_to(path)
        lines.append(f"{path.name} {0 if number < 7 else 1 if number < 9 else 2}\n")
    (root / "list_eval_partition.txt").write_text("".join([*lines, "absent.jpg 0\n"]))
    tiny = replace(PRESETS["images"]["smoke"], preset="image-celeba")
    tiny = replace(tiny, data=replace(tiny.data, source=CelebA(test=2)))
    monkeypatch.setitem(PRESETS["image-celeba"], "smoke", tiny)
    out = tmp_path / "run"
    command = (
        "train", "image-celeba", "--scale", "smoke", "--data", root, "--out", out,
        "--data.source.limit", 8, "--data.mirror", "--outer.steps", 2,
    )  # fmt: skip
    done = theta0(*command)
    assert done.code == 0, done.err
    assert theta0(*command, "--resume").code == 0  # by the same words
    assert "7 training signals" in done.err and "skipped absent.jpg: named in" in done.err
    source = CelebA(str(root), test=2, limit=8)
    assert read_experiment(out).data == replace(tiny.data, source=source, mirror=True)
    # What is handed on says which data, and not where they lay.
    told = load(out / "init.safetensors").description
    assert told.preset == "image-celeba" and told.data.source == replace(source, path="celeba")
    alone = shutil.copy(out / "init.safetensors", tmp_path / "alone.safetensors")
    refused("learned from celeba, which does not come with it", "eval", alone)
