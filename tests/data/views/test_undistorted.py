"""Views through a lens with distortion: undistorted, or read as they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from theta0.data._view_pixels import downscaled
from theta0.data.cameras import Distortion, project, rays, undistort, undistorted_camera
from theta0.data.views import ViewOptions, open_views, read_views, write_views
from theta0.errors import InputError

FOX = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "multiview" / "ngp_fox"


def test_pictures_are_undistorted_unless_distortion_is_ignored(tmp_path, scenes):
    """Pictures are undistorted before they are downscaled; depths are left out."""
    views = scenes.some_views(width=24, height=18)
    views = replace(views, depth=np.ones((3, 18, 24)))
    folder = write_views(views, tmp_path / "thing")
    lens = {"k1": -0.08, "k2": 0.001, "p1": 0.003}
    scenes.edit_json(folder / "transforms.json", lambda value: value.update(lens))
    distortion = Distortion(**lens)
    expected = np.stack([undistort(image, views.cameras[0], distortion) for image in views.images])
    found = read_views(folder)
    np.testing.assert_array_equal(found.images, expected)
    assert found.depth is None and found.images.shape != views.images.shape
    assert found.cameras[1].cx == undistorted_camera(views.cameras[1], distortion).cx
    small = read_views(folder, ViewOptions(downscale=3))
    np.testing.assert_array_equal(small.images[0], downscaled(expected[0], 3))
    ignored = read_views(folder, ViewOptions(ignore_distortion=True))
    scenes.assert_same(ignored, views)
    assert ignored.depth is not None


@pytest.mark.skipif(not FOX.is_dir(), reason="needs shared/data/multiview beside the checkout")
def test_real_photographs_are_undistorted_or_read_as_they_are():
    camera = open_views(FOX, ViewOptions(allow_missing=True)).cameras[0]
    assert (camera.width, camera.height, camera.fl_x) == (1066, 1898, 1375.52)
    assert camera.cx == pytest.approx(554.558 - 7) and camera.cy == pytest.approx(965.268 - 11)
    options = ViewOptions(downscale=40, ignore_distortion=True)
    with pytest.raises(InputError, match=r"0005.jpg: the picture is missing"):
        open_views(FOX, options)
    files = open_views(FOX, replace(options, allow_missing=True))
    assert len(files) == 50 and "images/0005" in files.missing and files.channels == 3
    camera = files.cameras[0]
    assert (camera.width, camera.height) == (27, 48)
    assert camera.fl_x == pytest.approx(1375.52 / 40) and camera.cy == pytest.approx(965.268 / 40)
    # All look at the fox: the point nearest to their axes is near the middle of every picture.
    axes = np.array([x.c2w[:, 2] for x in files.cameras])
    eyes = np.array([x.position for x in files.cameras])
    beside = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    fox = np.linalg.solve(beside.sum(axis=0), np.einsum("nij,nj->i", beside, eyes))
    pixels = np.array([project(fox, x).pixel for x in files.cameras])
    assert (np.abs(pixels - [13.5, 24]) < [10, 14]).all()
    assert (rays(camera).origin == camera.position).all()
