"""A run that is killed at any moment and resumed equals an uninterrupted one, bit for bit."""

import errno
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import theta0.files
from theta0.files import read_jsonl
from theta0.store import Stored

from . import waves
from .waves import (
    FAMILY,
    assert_same_run,
    run,
    validate,
)


class Killed(BaseException):
    """Ends the process's work at once: no handler of the outer loop sees it coming."""


@pytest.mark.parametrize("at", [1, 4, 6, 10])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, Killed])
def test_killed_and_resumed_equals_uninterrupted(whole, tmp_path, kind, at):
    def kill(progress):
        if progress.step == at:
            raise kind

    with pytest.raises(kind):
        run(tmp_path, validate=validate, on_step=kill)
    checkpoint = tmp_path / "checkpoints" / "last.safetensors"
    # An interrupt saves the last step; a kill leaves the last periodic checkpoint, if any.
    expected = at if kind is KeyboardInterrupt else at // 4 * 4
    assert (Stored(checkpoint).facts["step"] if checkpoint.exists() else 0) == expected
    resumed = run(tmp_path, validate=validate)
    assert_same_run(resumed, whole[0], tmp_path)
    timeless = lambda lines: [{**line, "seconds": 0} for line in lines]
    assert timeless(read_jsonl(tmp_path / "metrics.jsonl")) == timeless(whole[1])


@pytest.mark.parametrize("where", ["validate", "on_best", "training_tasks"])
def test_an_interrupt_inside_a_step_leaves_the_step_before(whole, tmp_path, where, monkeypatch):
    calls = []

    def interrupting(function):
        def inner(*args):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return function(*args)

        return inner

    hooks: dict[str, Any] = {"validate": validate}
    if where == "validate":
        hooks["validate"] = interrupting(validate)
    elif where == "on_best":
        hooks["on_best"] = interrupting(lambda learned, progress: None)
    else:
        monkeypatch.setattr(FAMILY, "training_tasks", interrupting(FAMILY.training_tasks))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, **hooks)
    monkeypatch.undo()
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


@pytest.mark.parametrize("moment", range(1, 32, 3))
def test_killed_at_any_write_and_resumed_equals_uninterrupted(whole, tmp_path, monkeypatch, moment):
    """The run ends at the n-th time that it makes bytes durable, renames, or appends a line."""
    count = []

    def mortal(function):
        def inner(*args, **kwargs):
            count.append(1)
            if len(count) == moment:
                raise Killed
            return function(*args, **kwargs)

        return inner

    # 3 checkpoints of two fsyncs (the folder's too) and a rename, 11 lines of the log, and as
    # many checks of its end.
    monkeypatch.setattr(theta0.files.os, "fsync", mortal(theta0.files.os.fsync))
    monkeypatch.setattr(theta0.files.os, "replace", mortal(theta0.files.os.replace))
    monkeypatch.setattr(theta0.files, "_mend", mortal(theta0.files._mend))
    monkeypatch.setattr(theta0.files, "json_line", mortal(theta0.files.json_line))
    with pytest.raises(Killed):
        run(tmp_path, validate=validate)
    monkeypatch.undo()
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


KILLED_PROCESS = """
import importlib.util, os, pathlib, signal, sys, threading

spec = importlib.util.spec_from_file_location("waves", sys.argv[1])
waves = importlib.util.module_from_spec(spec)
spec.loader.exec_module(waves)
seconds = float(sys.argv[3])
timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL))

def on_step(progress):
    # The clock starts when everything is compiled.
    if seconds and not timer.is_alive():
        timer.start()

outer = waves.OuterConfig(lr=1e-3, steps=300, tasks=2, validate_every=7, checkpoint_every=2)
waves.run(pathlib.Path(sys.argv[2]), outer, validate=waves.validate, on_step=on_step)
"""


@pytest.mark.slow
def test_a_process_killed_again_and_again_equals_an_uninterrupted_one(tmp_path):
    def train(folder, seconds):
        arguments = [waves.__file__, str(tmp_path / folder), str(seconds)]
        done = subprocess.run([sys.executable, "-c", KILLED_PROCESS, *arguments], timeout=120)
        assert done.returncode in (0, -signal.SIGKILL)
        return done.returncode == 0

    assert train("whole", 0)
    finished = [train("killed", seconds) for seconds in (0.11, 0.37, 0.23)]
    assert not all(finished), "the machine is too fast: raise the number of steps"
    assert train("killed", 0)
    whole, killed = (
        Stored(tmp_path / name / "checkpoints" / "last.safetensors") for name in ("whole", "killed")
    )
    assert {**killed.facts, "seconds": 0} == {**whole.facts, "seconds": 0}
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(killed.arrays[name], array)
    logs = [read_jsonl(tmp_path / name / "metrics.jsonl") for name in ("whole", "killed")]
    timeless = [[{**line, "seconds": 0} for line in log] for log in logs]
    assert timeless[0] == timeless[1] and len(logs[0]) == 300


def test_a_torn_last_line_of_the_log_is_mended(whole, tmp_path):
    def kill(progress):
        if progress.step == 6:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, validate=validate, on_step=kill)
    log = tmp_path / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


def test_a_finished_run_is_not_run_again(whole, tmp_path):
    first = run(tmp_path, validate=validate)
    steps = []
    again = run(tmp_path, validate=validate, on_step=steps.append)
    assert steps == []
    assert_same_run(again, first, tmp_path)


def test_a_full_disk_leaves_the_previous_checkpoint(whole, tmp_path, monkeypatch):
    replace, written = theta0.files.os.replace, []

    def full(source, target):
        if str(target).endswith("last.safetensors"):
            written.append(target)
            if len(written) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
        return replace(source, target)

    monkeypatch.setattr(theta0.files.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, validate=validate)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["last.safetensors"]
    assert Stored(tmp_path / "checkpoints" / "last.safetensors").facts["step"] == 4
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)
