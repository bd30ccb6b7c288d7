"""Runs COLMAP in a process of its own, whose crash is an error like any other, and reads its model.

`_process` is what it runs, and says what lies where in the work folder.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from theta0.data._files import reason
from theta0.errors import InputError, MissingExtra

Progress = Callable[[str, int, int], None]

_PROCESS = Path(__file__).with_name("_process.py")

_DOING = {
    "features": "finding features",
    "pairs": "comparing pairs of photos",
    "registered": "placing the photos",
    "undistorted": "undistorting the photos",
}


@dataclass(frozen=True, eq=False)
class Model:
    """A place by structure from motion, in COLMAP's world, seen by pinhole cameras.

    Attributes:
        images: Names of the photos, sorted; their pictures are in `pinholes/images`.
        size: Width and height of each.
        lens: fx, fy, cx and cy of each, in pixels.
        w2c: World to camera, OpenCV axes.
        xyz: Points of the place.
        rgb: Their colours.
        seen_by: Row of the photo of each observation,
        point: of the point,
        pixel: and where it was found in the pinhole's picture.
        others: Names of the photos in each smaller model.
        reprojection_error: Mean over the observations, in pixels of the photo, by COLMAP.
        pycolmap: Version.
    """

    images: tuple[str, ...]
    size: Int[np.ndarray, "photos 2"]
    lens: Float[np.ndarray, "photos 4"]
    w2c: Float[np.ndarray, "photos 3 4"]
    xyz: Float[np.ndarray, "points 3"]
    rgb: UInt8[np.ndarray, "points 3"]
    seen_by: Int[np.ndarray, " observations"]
    point: Int[np.ndarray, " observations"]
    pixel: Float[np.ndarray, "observations 2"]
    others: tuple[tuple[str, ...], ...]
    reprojection_error: float
    pycolmap: str


def require_pycolmap() -> None:
    """Say how to install it where it is not.

    Raises:
        MissingExtra: pycolmap is not installed.
    """
    if find_spec("pycolmap") is None:  # importing it here would bring its libraries in
        raise MissingExtra("structure from motion needs pycolmap: pip install 'theta0[colmap]'")


def run_colmap(work: Path, threads: int | None, on_progress: Progress) -> Model | None:
    """Do what is not done yet in a work folder, in another process, and read the model.

    Args:
        work: The folder, with photos and `job.json`.
        threads: To use; None for one a core.
        on_progress: Told stage ('features', 'pairs', 'registered', 'undistorted'), how much of it
            is done, and how much there is.

    Returns:
        The largest model; None if no three photos could be placed together.

    Raises:
        InputError: COLMAP failed or crashed. What it had finished is kept.
    """
    if not (work / "pinholes").is_dir():
        _run(work, threads, on_progress)
    if not (work / "pinholes").is_dir():
        return None
    facts = json.loads((work / "pinholes/model.json").read_text("utf-8"))
    with np.load(work / "pinholes/model.npz", allow_pickle=False) as arrays:
        values: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    return Model(
        images=tuple(values.pop("names").tolist()),
        others=tuple(map(tuple, facts["models"][1:])),
        reprojection_error=facts["reprojection_error"],
        pycolmap=facts["pycolmap"],
        **values,
    )


def _run(work: Path, threads: int | None, on_progress: Progress) -> None:
    """Run the process to its end.

    Raises:
        InputError: It failed.
    """
    command = [sys.executable, "-P", str(_PROCESS), str(work), str(threads or -1)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)
    }
    environment["OMP_NUM_THREADS"] = "1"  # COLMAP has threads of its own; OpenMP's add in any order
    stage, failure, last = "features", None, None
    with (
        open(work / "colmap.log", "ab") as log,
        # A session of its own: Ctrl-C reaches this process alone, which ends the other.
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
            start_new_session=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if not line.endswith(b"\n"):  # torn by a crash
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
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code:
        raise InputError(
            f"COLMAP failed while {_DOING[stage]} ({_short(failure, code)}); what was finished is "
            f"kept: give the command again to go on, or remove {work} to begin again; "
            f"{work / 'colmap.log'} tells more"
        )


def _rows(database: str, rows: str, **_: Any) -> int | None:
    """Rows of a table of the database that the process is writing; None if they cannot be told."""
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
