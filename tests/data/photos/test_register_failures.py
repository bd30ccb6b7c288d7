"""Crashes and interrupts of the process that runs COLMAP, simulated by another process."""

import os
import sys

import pytest

from theta0.data.photos import register_photos
from theta0.errors import InputError, MissingExtra

SAY = 'print(json.dumps({"stage": "pairs", "done": 1, "total": 3}), flush=True)\n'


@pytest.mark.parametrize(
    "code, words",
    [
        (SAY + "os.abort()", r"comparing pairs of photos \(its process was ended by SIGABRT\)"),
        (SAY + "os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        (SAY + "os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("os._exit(3)", r"finding features \(its process ended with code 3\)"),
        (SAY + "print('{\"st', end='', flush=True); os.abort()", "pairs.* by SIGABRT"),
        ("print(json.dumps({'error': 'ValueError: a\\nb'})); sys.exit(1)", r"\(ValueError: a b\)"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX'")
def test_a_crash_is_an_error_in_one_line(three, tmp_path, process, code, words):
    process(code)
    with pytest.raises(InputError, match=words) as caught:
        register_photos(three, tmp_path / "out")
    assert "\n" not in str(caught.value) and "out.work/colmap.log" in str(caught.value)
    assert not (tmp_path / "out").exists() and (tmp_path / "out.work").is_dir()


def test_an_interrupt_ends_the_process(three, tmp_path, process):
    file = str(tmp_path / "pid")
    process(f"open({file!r}, 'w').write(str(os.getpid()))\n{SAY}time.sleep(60)")

    def stop(stage, count, total):
        if stage == "pairs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        register_photos(three, tmp_path / "out", on_progress=stop)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_missing_extra_is_named(three, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(MissingExtra, match=r"pip install 'theta0\[colmap\]'"):
        register_photos(three, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"photos"}
