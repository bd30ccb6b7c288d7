"""Small sets of views that the tests of readers write and damage."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from theta0.data.cameras import Camera, orbit
from theta0.data.views import Views


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test marked ``own_process`` apart: importing pycolmap here would break Pillow."""
    if not pyfuncitem.get_closest_marker("own_process") or "THETA0_OWN_PROCESS" in os.environ:
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", ""]
    done = subprocess.run(
        [*command, pyfuncitem.nodeid], cwd=pyfuncitem.config.rootpath, capture_output=True,
        text=True, env={**os.environ, "THETA0_OWN_PROCESS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return True


@pytest.fixture(scope="session")
def scenes():
    """The functions of this module."""
    functions = (some_views, write_png, pose, write_json, edit_json, assert_same)
    return SimpleNamespace(**{function.__name__: function for function in functions})


def some_views(count=3, width=6, height=4, channels=4, seed=0, object_id="thing"):
    """Views of random bytes, from cameras whose numbers all differ."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, height, width, channels), np.uint8)
    cameras = tuple(
        Camera(width, height, 7.0, 8.0, 2.75, 2.25, orbit(40 * number, 25 - number, 3 + number))
        for number in range(count)
    )
    return Views(images, cameras, tuple(f"{n:03d}" for n in range(count)), object_id)


def write_png(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def pose(camera: Camera) -> list:
    return [*camera.c2w.tolist(), [0, 0, 0, 1]]


def write_json(path: Path, value) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path


def edit_json(path: Path, change) -> None:
    """Apply `change` to the object in a file."""
    value = json.loads(path.read_text("utf-8"))
    change(value)
    write_json(path, value)


def assert_same(found: Views, expected: Views) -> None:
    np.testing.assert_array_equal(found.images, expected.images)
    for one, two in zip(found.cameras, expected.cameras, strict=True):
        for name in ("width", "height", "fl_x", "fl_y", "cx", "cy", "c2w"):
            # angles and matrices written with all their digits
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=0, atol=1e-12)
