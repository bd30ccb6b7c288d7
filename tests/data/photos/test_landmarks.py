"""Photos of real scenes, which cannot be distributed: all are registered, and correctly."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from theta0.data.cameras import swap_opencv_opengl
from theta0.data.photos import RegisterConfig, register_photos

from .photo_scene import degrees_apart

LANDMARKS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "landmarks"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("pycolmap") is None, reason="pycolmap is not installed"),
    pytest.mark.skipif(
        not LANDMARKS.is_dir(), reason="needs shared/data/landmarks beside the checkout"
    ),
]


@pytest.mark.parametrize("scene, count", [("british_museum", 10), ("statue", 9)])
def test_all_photos_are_registered_around_the_scene(scene, count, tmp_path):
    registered = register_photos(LANDMARKS / scene / "images", tmp_path / "out")
    assert len(registered.files) == count and not registered.unregistered
    # Features are found to a third of a pixel or so.
    assert registered.reprojection_error < 0.6
    assert len(registered.xyz) > 1000
    for camera in registered.cameras:
        assert camera.c2w[2, 1] > np.cos(np.deg2rad(45))  # held upright, more or less


@pytest.mark.parametrize(
    "lenses, centimetres, degrees", [("auto", 1.0, 0.25), ("each", 2.5, 0.5), ("one", 1.0, 0.25)]
)
def test_cameras_stand_where_a_laser_scan_puts_them(lenses, centimetres, degrees, tmp_path):
    """Strecha et al., CVPR 2008: fountain-P11, at a quarter of its size."""
    folder = LANDMARKS / "strecha/fountain-P11"
    truth = [
        swap_opencv_opengl(np.column_stack([camera["cam_to_world_R"], camera["centre"]]))
        for camera in json.loads((folder / "cameras_gt.json").read_text("utf-8"))
    ]
    registered = register_photos(folder / "images", tmp_path / "out", RegisterConfig(lenses=lenses))
    found = [camera.c2w for camera in registered.cameras]
    assert len(found) == len(truth) == 11
    rotation, places = umeyama(*(np.stack([pose[:, 3] for pose in of]) for of in (found, truth)))
    for pose, place, true in zip(found, places, truth, strict=True):
        assert 100 * np.linalg.norm(place - true[:, 3]) < centimetres
        assert degrees_apart(rotation @ pose, true) < degrees


def umeyama(found, truth):
    """Points moved nearest to others by a similarity (Umeyama 1991), and its rotation."""
    one, two = found - found.mean(0), truth - truth.mean(0)
    u, stretch, vt = np.linalg.svd(two.T @ one)
    mirror = np.array([1, 1, np.linalg.det(u @ vt)])
    rotation = u * mirror @ vt
    scale = (stretch * mirror).sum() / np.square(one).sum()
    return rotation, scale * one @ rotation.T + truth.mean(0)
