"""The log of a run: as durable as its checkpoint, rebuilt where it is lost, refused where wrong."""

import json
import shutil

import pytest

import theta0.files
from theta0.errors import InputError, InputWarning
from theta0.files import read_jsonl
from theta0.meta import read_log
from theta0.store import Stored, write

from .waves import assert_same_run, run, validate


@pytest.fixture
def folder(whole, tmp_path):
    """A finished run of 11 steps."""
    run(tmp_path / "run", validate=validate)
    return tmp_path / "run"


def relabelled(folder, **facts):
    """Change what the checkpoint says of its step."""
    path = folder / "checkpoints" / "last.safetensors"
    stored = Stored(path)
    kept = {name: of for name, of in {**stored.facts, **facts}.items() if of is not None}
    write(path, stored.arrays, {name: of for name, of in kept.items() if name != "format"})


def test_a_log_is_read_as_it_was_written(folder):
    assert read_log(folder, 11) == read_jsonl(folder / "metrics.jsonl")


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_a_lost_log_is_rebuilt_from_the_checkpoint(folder, whole, damage):
    last = read_jsonl(folder / "metrics.jsonl")[-1]
    damage(folder / "metrics.jsonl")
    with pytest.warns(InputWarning, match=r"metrics.jsonl: ends at step 0, .* of step 11"):
        assert read_log(folder, 11) == [last]
    with pytest.warns(InputWarning, match=r"metrics.jsonl"):
        run(folder, validate=validate)
    assert read_jsonl(folder / "metrics.jsonl") == [last]


def test_a_log_whose_beginning_is_lost_is_noted(folder, whole):
    log = folder / "metrics.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[3:]))
    with pytest.warns(InputWarning, match="metrics.jsonl: 3 of the first 11 steps are missing"):
        read_log(folder, 11)


def test_a_log_shorter_than_the_checkpoint_goes_on_from_it(folder, whole):
    log = folder / "metrics.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:5]))
    with pytest.warns(InputWarning, match="ends at step 5"):
        assert [line["step"] for line in read_log(folder, 11)] == [1, 2, 3, 4, 5, 11]


@pytest.mark.parametrize(
    "line, words",
    [
        ({"loss": 1}, "record 1: step is missing"),
        ({"step": "x"}, "step is 'x'"),
        ({"step": -1}, "step is -1"),
        ({"step": 0}, "step is 0"),
        ({"step": 12}, "step is 12, not a whole number from 1 to 11"),
        ({"step": 1.5}, "step is 1.5"),
        ({"step": True}, "step is True"),
        ({"step": 1, "loss": "low"}, "loss is 'low'"),
        ({"step": 1, "loss": float("nan")}, "loss is nan"),
        ({"step": 1, "loss": 1.0, "seconds": 10**400}, "seconds is 1000"),
        ({"step": 1, "loss": 1.0, "seconds": 1.0, "best_psnr": []}, "best_psnr is"),
        ({"step": 3, "loss": 1.0, "seconds": 1.0}, "record 2: step is 1 after 3"),
    ],
)
def test_a_log_that_no_run_writes_is_refused(folder, line, words):
    log = folder / "metrics.jsonl"
    log.write_text(json.dumps(line) + "\n" + log.read_text())
    for read in (lambda: read_log(folder, 11), lambda: run(folder, validate=validate)):
        with pytest.raises(InputError, match=rf"metrics.jsonl, {words}|metrics.jsonl.*{words}"):
            read()


@pytest.mark.parametrize("step", [10**18, 12, 0, -4, None, "4", 4.0])
def test_a_checkpoint_of_a_step_that_cannot_be_is_refused(folder, step):
    relabelled(folder, step=step)
    for read in (lambda: read_log(folder, 11), lambda: run(folder, validate=validate)):
        with pytest.raises(InputError, match=r"last.safetensors: step is .*start the run anew"):
            read()


def test_the_log_is_durable_before_the_checkpoint_counts_on_it(tmp_path, monkeypatch):
    """A power cut at any moment must not leave a checkpoint whose steps the log lacks."""
    done, real = [], theta0.files.os.fsync

    def fsync(descriptor):
        done.append(theta0.files.os.readlink(f"/proc/self/fd/{descriptor}"))
        return real(descriptor)

    monkeypatch.setattr(theta0.files.os, "fsync", fsync)
    run(tmp_path, validate=validate)
    log, checkpoints = str(tmp_path / "metrics.jsonl"), str(tmp_path / "checkpoints")
    assert done.count(log) == 3
    for place, path in enumerate(done):
        if path.startswith(checkpoints + "/"):
            assert done[:place].count(log) > done[:place].count(checkpoints)


def test_a_copied_run_goes_on_elsewhere(folder, whole, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert_same_run(run(moved, validate=validate), whole[0], moved)
