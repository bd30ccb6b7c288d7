"""Streams that are closed, full or of few letters, and signals: the command itself, as started."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from theta0.presets import read_experiment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell"),
]


def shell(words: str, **environment) -> subprocess.CompletedProcess:
    """Run a command line of a shell in which $T is theta0."""
    everything = {**os.environ, "T": f"{sys.executable} -m theta0", **environment}
    return subprocess.run(
        ["sh", "-c", words], capture_output=True, text=True, env=everything, encoding="utf-8"
    )


@pytest.mark.parametrize("command", ["--version", "--help", "inits --json"])
@pytest.mark.parametrize(
    "where, words", [(">&-", "closed"), (">/dev/full", "No space left on device")]
)
def test_a_stdout_that_takes_nothing_is_an_error(command, where, words):
    if where == ">/dev/full" and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    done = shell(f"$T {command} {where}")
    errors = [line for line in done.stderr.splitlines() if "theta0: error: " in line]
    assert done.returncode == 1 and len(errors) == 1 and words in errors[0]
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_changes_no_result(where):
    done = shell(f"$T info faces --json {where}")
    assert done.returncode == 0 and json.loads(done.stdout)["name"]
    assert shell(f"$T info nothing {where}").returncode == 2


def test_without_any_stream_the_exit_code_is_left():
    assert shell("$T info nothing <&- >&- 2>&-").returncode == 2


@pytest.mark.parametrize("command", ["fit --help", "info nothing", "inits"])
def test_a_terminal_of_one_column(command):
    done = shell(f"$T {command}", COLUMNS="1")
    assert done.returncode == (2 if "nothing" in command else 0)
    assert len(done.stdout.splitlines()) < 1000


def test_a_terminal_that_knows_ascii_alone(tmp_path):
    settings = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = shell("$T info 写真.png --json; $T fit --help; $T --help", **settings)
    assert "Traceback" not in done.stderr and done.returncode == 0
    assert "no such file" in json.loads(done.stdout.splitlines()[0])["error"]


def test_a_missing_accelerator_is_named():
    done = shell("$T inits --json", JAX_PLATFORMS="nonsense")
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2
    assert re.match("theta0: error: JAX finds no device as JAX_PLATFORMS=nonsense", lines[-1])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_keeps_its_step_and_goes_on(tmp_path, number):
    out = tmp_path / "run"
    words = ["-m", "theta0", "train", "ct-phantoms", "--scale", "smoke", "--outer.steps", "2000"]
    small = ["--field.width", "8", "--outer.validation-signals", "1", "--out", str(out)]
    with subprocess.Popen(
        [sys.executable, *words, *small, "--outer.checkpoint-every", "2000"],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        log, last = out / "metrics.jsonl", time.monotonic() + 300
        while not (log.exists() and log.read_bytes().count(b"\n") > 3):
            assert process.poll() is None and time.monotonic() < last
            time.sleep(0.1)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "theta0: error: interrupted" in said
    assert "stopped; continue with: theta0 train ct-phantoms --resume" in said
    assert (out / "checkpoints" / "last.safetensors").exists()
    assert not (out / ".theta0.lock").exists()
    assert read_experiment(out).outer.steps == 2000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seconds", [0.5, 0.9, 1.4, 2.0, 3.0])
def test_an_interrupt_while_libraries_are_imported_ends_the_command(tmp_path, number, seconds):
    words = ["train", "ct-phantoms", "--scale", "smoke", "--outer.steps", "100000", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "theta0", *words, "--out", str(tmp_path / "run")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        time.sleep(seconds)
        process.send_signal(number)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 1 and json.loads(out) == {"error": "interrupted"}
    assert "Traceback" not in said and said.splitlines()[-1] == "theta0: error: interrupted"


def test_an_interrupt_that_python_ignores_is_raised_again():
    done = subprocess.run([sys.executable, "-c", _IGNORED], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "again\n" and not done.stderr


_IGNORED = """
import gc, time
from theta0.cli._streams import interrupts, work_begins

def at_collection(phase, info):
    gc.callbacks.clear()
    raise KeyboardInterrupt

with interrupts():
    work_begins()
    gc.callbacks.append(at_collection)
    gc.collect()
    try:
        time.sleep(10)
    except KeyboardInterrupt:
        print("again")
"""
