"""Views in SRN's folders: OpenCV poses, a focal length in a text file."""

import numpy as np
import pytest

from theta0.data.cameras import swap_opencv_opengl
from theta0.data.views import open_views, read_views
from theta0.errors import InputError

INTRINSICS = "7.0 2.75 2.25 0.\n0. 0. 0.\n1.\n1.\n4 6\n"


def world_to_camera(matrix):
    rotation = matrix[:3, :3].T
    return np.vstack([np.hstack([rotation, -rotation @ matrix[:3, 3:]]), [0, 0, 0, 1]])


@pytest.fixture
def folder(tmp_path, scenes):
    for number, (image, camera) in enumerate(zip(*parts(scenes), strict=True)):
        scenes.write_png(tmp_path / "rgb" / f"{number:06d}.png", image)
        write_pose(tmp_path, number, opencv(camera))
    (tmp_path / "intrinsics.txt").write_text(INTRINSICS)
    return tmp_path


def parts(scenes):
    views = scenes.some_views()
    return views.images, views.cameras


def opencv(camera):
    return np.vstack([swap_opencv_opengl(camera.c2w), [0, 0, 0, 1]])


def write_pose(folder, number, matrix):
    (folder / "pose").mkdir(exist_ok=True)
    text = " ".join(repr(float(x)) for x in matrix.ravel())
    (folder / "pose" / f"{number:06d}.txt").write_text(text)


def check(found, scenes):
    images, cameras = parts(scenes)
    np.testing.assert_array_equal(found.images, images)
    assert found.names == ("000000", "000001", "000002")
    for camera, other in zip(found.cameras, cameras, strict=True):
        np.testing.assert_allclose(camera.c2w, other.c2w, rtol=0, atol=1e-12)
        lens = [camera.fl_x, camera.fl_y, camera.cx, camera.cy]
        np.testing.assert_allclose(lens, [7, 7, 2.75, 2.25], rtol=1e-12)


def test_poses_are_turned_from_opencv_axes(folder, scenes):
    check(read_views(folder), scenes)


@pytest.mark.parametrize("last", ["0\n", "\n", ""])
def test_the_last_line_may_be_left_out(folder, scenes, last):
    (folder / "intrinsics.txt").write_text(INTRINSICS + last)
    check(read_views(folder), scenes)


def test_poses_may_be_world_to_camera(folder, scenes):
    (folder / "intrinsics.txt").write_text(INTRINSICS + "1\n")
    for number, camera in enumerate(scenes.some_views().cameras):
        write_pose(folder, number, world_to_camera(opencv(camera)))
    check(read_views(folder), scenes)


def test_intrinsics_of_another_resolution_are_scaled(folder, scenes):
    (folder / "intrinsics.txt").write_text("70 27.5 22.5\n0 0 0\n1\n1\n40 60\n")
    check(read_views(folder), scenes)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("intrinsics.txt", "7 2 2 0\n", r"intrinsics.txt: has lines of \[4\] numbers"),
        ("intrinsics.txt", "7 x 2 0\n" + INTRINSICS, "are not numbers"),
        ("intrinsics.txt", "nan" + INTRINSICS[3:], "fl_x is nan"),
        ("intrinsics.txt", INTRINSICS.replace("4 6", "4 60"), "is described as 60 x 4"),
        ("intrinsics.txt", "0" * 70_000, "needs .* it is not a file of SRN"),
        ("pose/000001.txt", "1 2 3", "holds 3 numbers; a pose has 16"),
        ("pose/000001.txt", "1 0 0 0 0 1 0 0 0 0 -1 0 0 0 0 1", "000001.png: c2w is left-handed"),
        ("pose/000001.txt", "", "holds 0 numbers"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, file, text, message):
    (folder / file).write_text(text)
    with pytest.raises(InputError, match=message):
        open_views(folder)


def test_missing_files_are_named(folder):
    (folder / "pose" / "000001.txt").unlink()
    with pytest.raises(InputError, match=r"000001.txt: no such file"):
        open_views(folder)
    for picture in (folder / "rgb").iterdir():
        picture.unlink()
    with pytest.raises(InputError, match="rgb: holds no picture"):
        open_views(folder)


def test_a_singular_pose_to_invert_is_refused(folder):
    (folder / "intrinsics.txt").write_text(INTRINSICS + "1\n")
    write_pose(folder, 1, np.diag([1.0, 1, 0, 1]))
    with pytest.raises(InputError, match=r"000001.txt: c2w is singular"):
        open_views(folder)
