"""Runs COLMAP in a separate process, so that a crash becomes an error, and reads its model.

The process is `_process`, which describes the files in the work folder.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from theta0.data._files import reason
from theta0.data.colmap._model import ColmapModel, read_colmap
from theta0.errors import InputError, MissingExtra

Progress = Callable[[str, int, int], None]

_PROCESS = Path(__file__).with_name("_process.py")

_DOING = {
    "features": "finding features",
    "pairs": "comparing pairs of photos",
    "registered": "registering the photos",
    "undistorted": "undistorting the photos",
}


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The largest model that COLMAP reconstructed from some photos.

    Attributes:
        model: Its undistorted photos, with pinhole cameras; the pictures are in `pinholes/images`
            of the work folder.
        others: Names of the photos in each smaller model.
        reprojection_error: Mean over the observations, in pixels of the original photos.
        pycolmap: Version.
    """

    model: ColmapModel
    others: tuple[tuple[str, ...], ...]
    reprojection_error: float
    pycolmap: str


def require_pycolmap() -> None:
    """Check that pycolmap is installed, without importing it.

    Raises:
        MissingExtra: It is not.
    """
    if find_spec("pycolmap") is None:  # importing it would load its libraries into this process
        raise MissingExtra("structure from motion needs pycolmap: pip install 'theta0[colmap]'")


def run_colmap(work: Path, threads: int | None, on_progress: Progress) -> Reconstruction | None:
    """Complete the reconstruction in a work folder, in another process, and read the model.

    Args:
        work: The folder, with photos and `job.json`.
        threads: Number of threads; None for one per core.
        on_progress: Called with the stage ('features', 'pairs', 'registered', 'undistorted'), the
            count that is done, and the total.

    Returns:
        The largest model; None if no three photos could be registered together.

    Raises:
        InputError: COLMAP failed or crashed. Finished stages are kept.
    """
    if not (work / "pinholes").is_dir():
        _run(work, threads, on_progress)
    if not (work / "pinholes").is_dir():
        return None
    facts = json.loads((work / "pinholes/model.json").read_text("utf-8"))
    return Reconstruction(
        model=read_colmap(work / "pinholes/sparse"),
        others=tuple(map(tuple, facts["models"][1:])),
        reprojection_error=facts["reprojection_error"],
        pycolmap=facts["pycolmap"],
    )


def _run(work: Path, threads: int | None, on_progress: Progress) -> None:
    """Run the process to completion.

    Raises:
        InputError: It failed.
    """
    command = [sys.executable, "-P", str(_PROCESS), str(work), str(threads or -1)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)
    }
    environment["OMP_NUM_THREADS"] = "1"  # COLMAP has its own threads; OpenMP's sum in any order
    with (
        open(work / "colmap.log", "ab") as log,
        # A separate session: Ctrl-C only reaches this process, which ends the other.
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
            start_new_session=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            stage, failure = _follow(process.stdout, on_progress)
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code:
        raise InputError(
            f"COLMAP failed while {_DOING[stage]} ({_short(failure, code)}); finished stages are "
            f"kept: repeat the command to continue, or remove {work} to start over; see "
            f"{work / 'colmap.log'} for details"
        )


def _follow(lines: Iterable[bytes], on_progress: Progress) -> tuple[str, str | None]:
    """Report the progress of the process; returns its last stage, and its error if there is one."""
    stage, failure, last = "features", None, None
    for line in lines:
        if not line.endswith(b"\n"):  # incomplete after a crash
            break
        message = json.loads(line)
        if "error" in message:
            failure = message["error"]
            continue
        stage, total = message["stage"], message["total"]
        done = message["done"] if "done" in message else _rows(**message)
        if done is not None and (stage, done) != last:
            last = stage, done
            on_progress(stage, min(done, total), total)
    return stage, failure


def _rows(database: str, rows: str, **_: Any) -> int | None:
    """Number of rows of a table that the process is writing; None if it cannot be read."""
    uri = f"{Path(database).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(f"SELECT COUNT(*) FROM {rows}").fetchone()[0]
    except sqlite3.Error:
        return None


def _short(failure: str | None, code: int) -> str:
    if failure is not None:
        return reason(RuntimeError(failure))
    if code < 0:
        names = {one.value: one.name for one in signal.Signals}
        return f"its process was ended by {names.get(-code, f'signal {-code}')}"
    return f"its process ended with code {code}"
