"""A small scene, and photos that are quickly read."""

import sys

import numpy as np
import pytest

from theta0.data.photos import RegisterConfig

from ..photo_files import make_scene
from .photo_scene import cameras, photo, write_pngs


@pytest.fixture
def scene():
    return make_scene()


@pytest.fixture(scope="module")
def pictures():
    """What six cameras see of the corner."""
    return [photo(camera) for camera in cameras()]


@pytest.fixture
def three(tmp_path):
    """Three photos that are quickly read."""
    rng = np.random.default_rng(0)
    return write_pngs(tmp_path / "photos", rng.integers(0, 256, (3, 8, 8, 3), np.uint8))


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Replace COLMAP by this code."""

    def put(code):
        from theta0.data.colmap import _run as _colmap

        module = sys.modules[RegisterConfig.__module__]
        monkeypatch.setattr(module, "require_pycolmap", lambda: None)
        script = tmp_path / "process.py"
        script.write_text(f"import json, os, sys, time, signal\n{code}")
        monkeypatch.setattr(_colmap, "_PROCESS", script)

    return put
