"""One run at a time in a folder, and none that a process which died keeps out."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from theta0.errors import InputError, InputWarning
from theta0.locks import LOCK, one_at_a_time

HOLDER = """
import pathlib, sys, time
from theta0.locks import one_at_a_time

with one_at_a_time(pathlib.Path(sys.argv[1]), "wait"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_of_the_first(holder, tmp_path):
    with (
        pytest.raises(InputError, match=rf"another run \(process {holder.pid}\) writes there; wai"),
        one_at_a_time(tmp_path, "wait"),
    ):
        pass
    assert (tmp_path / LOCK).exists()


def test_the_lock_of_a_process_that_was_killed_is_free(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK).exists()
    with one_at_a_time(tmp_path, "wait"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_in_the_same_process_is_refused(tmp_path):
    folder = tmp_path / "new" / "run"
    with one_at_a_time(folder, ""), pytest.raises(InputError), one_at_a_time(folder, ""):
        pass
    # The first was not disturbed, and leaves the folder free.
    with one_at_a_time(folder, ""):
        pass


def test_a_file_that_its_holder_removed_meanwhile_is_not_taken(tmp_path, monkeypatch):
    """Whoever locks a file that has no name any more would keep nobody out."""
    import theta0.locks

    real, calls = theta0.locks.lock, []

    def removed_first(descriptor):
        calls.append(1)
        if len(calls) == 1:
            (tmp_path / LOCK).unlink()
        return real(descriptor)

    monkeypatch.setattr(theta0.locks, "lock", removed_first)
    with one_at_a_time(tmp_path, ""):
        assert len(calls) == 2 and (tmp_path / LOCK).exists()


def test_where_files_cannot_be_locked_a_run_goes_on_with_a_note(tmp_path, monkeypatch):
    def unsupported(descriptor):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("theta0.locks.lock", unsupported)
    with (
        pytest.warns(InputWarning, match="cannot be locked .No locks available"),
        one_at_a_time(Path(tmp_path), ""),
    ):
        pass
