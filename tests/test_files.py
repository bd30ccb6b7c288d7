"""Writes are whole or not at all, and a log outlives a kill in the middle of a line."""

import builtins
import io
import json
import os
import stat

import numpy as np
import pytest

from theta0 import files
from theta0.errors import InputError


class Killed(BaseException):
    """Stands for a signal: not an Exception, so no ordinary handler sees it."""


def test_write_bytes_replaces_the_whole_content(tmp_path):
    path = tmp_path / "new" / "folder" / "file.bin"
    assert files.write_bytes(path, b"a long first content") == path
    files.write_bytes(path, b"short")
    assert path.read_bytes() == b"short"
    assert os.listdir(path.parent) == ["file.bin"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), Killed()])
@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_failed_write_keeps_the_old_content_and_leaves_nothing(
    tmp_path, monkeypatch, failure, function
):
    path = files.write_text(tmp_path / "config.json", "old")

    def fail(*_):
        raise failure

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(failure)):
        files.write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["config.json"]


def test_disk_full_after_half_of_the_bytes(tmp_path, monkeypatch):
    path = files.write_bytes(tmp_path / "weights", b"old")
    genuine = builtins.open

    class HalfFull(io.FileIO):
        def write(self, data):
            super().write(memoryview(data)[: len(data) // 2])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        builtins, "open", lambda p, mode: HalfFull(p, "x") if mode == "xb" else genuine(p, mode)
    )
    with pytest.raises(OSError, match="No space"):
        files.write_bytes(path, b"x" * 1000)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["weights"]


def test_reader_sees_the_old_file_until_the_rename(tmp_path, monkeypatch):
    path = files.write_text(tmp_path / "page.html", "old")
    genuine, seen = os.replace, []

    def spy(source, target):
        seen.append((path.read_text(), os.path.dirname(source)))
        genuine(source, target)

    monkeypatch.setattr(os, "replace", spy)
    files.write_text(path, "new")
    assert seen == [("old", str(tmp_path))]  # the temporary file lies in the same folder
    assert path.read_text() == "new"


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        path = files.write_bytes(tmp_path / "shared", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_name_of_the_longest_legal_length(tmp_path):
    assert files.write_text(tmp_path / ("n" * 255), "x").read_text() == "x"


def test_json_holds_only_what_every_reader_understands(tmp_path):
    value = {
        "scalar": np.float32(0.5),
        "count": np.int64(3),
        "array": np.arange(4).reshape(2, 2),
        "bad": [float("nan"), float("inf"), np.array([1.0, np.nan])],
        "path": tmp_path,
        "pair": (True, None),
        "name": "θ₀ é",
    }
    path = files.write_json(tmp_path / "value.json", value)

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    back = json.loads(path.read_text(), parse_constant=refuse)
    assert back == {
        "scalar": 0.5,
        "count": 3,
        "array": [[0, 1], [2, 3]],
        "bad": [None, None, [1.0, None]],
        "path": str(tmp_path),
        "pair": [True, None],
        "name": "θ₀ é",
    }


def test_unknown_type_is_an_error_and_writes_nothing(tmp_path):
    with pytest.raises(TypeError):
        files.write_json(tmp_path / "value.json", {"f": object()})
    assert os.listdir(tmp_path) == []


def test_log_returns_what_was_appended(tmp_path):
    path = tmp_path / "run" / "metrics.jsonl"
    assert files.read_jsonl(path) == []
    records = [{"step": i, "loss": 1 / (i + 1), "note": "a\nb é"} for i in range(5)]
    for record in records:
        files.append_jsonl(path, record)
    assert files.read_jsonl(path) == records
    assert path.read_bytes().count(b"\n") == 5


def test_log_survives_a_kill_after_every_byte(tmp_path):
    path = tmp_path / "metrics.jsonl"
    files.append_jsonl(path, {"step": 1})
    first = path.read_bytes()
    files.append_jsonl(path, {"step": 2, "note": "é", "nested": {"a": 1}})
    whole = path.read_bytes()
    for length in range(len(first), len(whole) + 1):
        path.write_bytes(whole[:length])
        complete = length >= len(whole) - 1  # only the line end may be missing
        steps = [1, 2] if complete else [1]
        assert [record["step"] for record in files.read_jsonl(path)] == steps
        files.append_jsonl(path, {"step": 3})  # the resumed run goes on
        assert [record["step"] for record in files.read_jsonl(path)] == [*steps, 3]


def test_damage_before_the_last_line_is_an_error(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": \n{"step": 3}\n')
    with pytest.raises(ValueError, match="line 2"):
        files.read_jsonl(path)
    path.write_text('{"step": 1}\n[2]\n')
    with pytest.raises(ValueError, match="line 2"):
        files.read_jsonl(path)


def test_one_append_is_one_write(tmp_path, monkeypatch):
    writes, genuine = [], builtins.open

    class Counting(io.FileIO):
        def write(self, data):
            writes.append(bytes(data))
            return super().write(data)

    def opener(path, mode="r", buffering=-1):
        return Counting(path, "a") if mode == "ab" else genuine(path, mode, buffering)

    monkeypatch.setattr(builtins, "open", opener)
    files.append_jsonl(tmp_path / "log", {"step": 1, "loss": 0.5})
    assert writes == [b'{"step": 1, "loss": 0.5}\n']


def test_leftovers_of_killed_writes_are_removed_but_not_those_of_live_ones(tmp_path):
    (tmp_path / ".theta0-0123.tmp").write_bytes(b"half")
    (tmp_path / ".theta0-4567.tmp" / "below").mkdir(parents=True)
    (tmp_path / "mine.tmp").write_bytes(b"")
    with files.replacing(tmp_path / "a") as file, files.whole_folder(tmp_path / "b") as folder:
        file.write(b"whole")
        files.remove_leftovers(tmp_path)
        assert folder.is_dir()
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "mine.tmp"]
    assert (tmp_path / "a").read_bytes() == b"whole"
    files.remove_leftovers(tmp_path / "missing")


def test_a_file_that_was_taken_for_a_leftover_is_made_anew(tmp_path, monkeypatch):
    """Between being opened and being locked it looks like one."""
    real, calls = files.lock, []

    def removed_first(descriptor):
        calls.append(1)
        if len(calls) == 1:
            (found,) = tmp_path.glob(".theta0-*.tmp")
            found.unlink()
        return real(descriptor)

    monkeypatch.setattr(files, "lock", removed_first)
    files.write_text(tmp_path / "a", "whole")
    assert len(calls) == 2 and os.listdir(tmp_path) == ["a"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as told:
        files.write_text(tmp_path / "results.json", "{}")
    assert told.value.filename == str(tmp_path / "results.json") and told.value.errno == 28


@pytest.mark.parametrize(
    "content, words",
    [(b"[" * 100_000, "nested too deeply"), (b"{", "not JSON"), (b"\xff", "not JSON")],
)
def test_json_that_cannot_be_read_is_refused(tmp_path, content, words):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"config.json: .*{words}"):
        files.read_json(path)


def test_a_folder_in_the_place_of_json_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        files.read_json(tmp_path)


def test_a_log_of_deep_nesting_is_refused(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"[" * 100_000 + b"\n")
    with pytest.raises(InputError, match=r"metrics.jsonl, line 1, is not a JSON object"):
        files.read_jsonl(path)
