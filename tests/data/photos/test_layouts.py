"""Layouts of photographs: the same scene from each, and files that are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from theta0.data.cameras import project
from theta0.data.photos import PhotoOptions as Options
from theta0.data.photos import read_photos
from theta0.data.photos._layouts import range_of
from theta0.errors import InputError

from ..photo_files import (
    assert_same_scenes,
    colmap,
    write_authors,
    write_binary,
    write_images,
    write_strecha,
    write_transforms,
)

FEW = Options(test=1, validation=1)


@pytest.mark.parametrize("write", [write_transforms, write_strecha, write_authors])
def test_every_layout_without_points_gives_the_same_scene(tmp_path, scene, write):
    expected = read_photos(write_transforms(tmp_path / "expected", scene), FEW)
    found = read_photos(write(tmp_path / "found", scene), FEW)
    assert_same_scenes(found, expected)
    assert found.points is None
    world = found.world_from_file
    for row, camera in enumerate(scene.cameras):
        photo = found.load(row)
        moved = project(world.points(scene.points), photo.camera)
        np.testing.assert_allclose(moved.pixel, project(scene.points, camera).pixel, atol=1e-9)
        depth = float(project(np.zeros(3), photo.camera).depth)
        if write is write_authors:
            near, far = 0.9 * moved.depth.min(), 1.2 * moved.depth.max()
        else:
            near, far = 0.9 * (depth - 1), 1.2 * (depth + 1)
        assert (photo.near, photo.far) == (pytest.approx(near), pytest.approx(far))


def test_every_layout_with_points_gives_the_same_scene(tmp_path, scene):
    write_images(tmp_path / "colmap" / "images", scene)
    write_binary(tmp_path / "colmap" / "sparse", colmap(scene))
    foreign = write_transforms(tmp_path / "foreign", scene)
    np.savez(foreign / "points.npz", xyz=scene.points, rgb=scene.colours)
    one, two = (read_photos(tmp_path / name, FEW) for name in ("colmap", "foreign"))
    assert_same_scenes(one, two)
    np.testing.assert_allclose(one.points[0][::-1], two.points[0], rtol=0, atol=1e-12)


def test_it_is_found_out_which_way_the_authors_axes_point(tmp_path, scene):
    expected = read_photos(write_authors(tmp_path / "opencv", scene), FEW)
    opengl = write_authors(tmp_path / "opengl", scene, axes=(1, -1, -1), sizes="hw")
    assert_same_scenes(read_photos(opengl, FEW), expected)
    pixel = np.array([3.5, 2.5, 1.0])  # a ray goes along c2w kinv (column, row, 1)
    camera, world = expected.camera(0), expected.world_from_file
    for folder in (tmp_path / "opencv", opengl):
        c2w, inverse = np.load(folder / "c2w_mats.npy")[0], np.load(folder / "kinv_mats.npy")[0]
        point = c2w[:3, 3] + 2.0 * c2w[:3, :3] @ inverse @ pixel
        seen = project(world.points(point), camera)
        np.testing.assert_allclose(seen.pixel, pixel[:2], atol=1e-9)
        assert seen.depth == pytest.approx(2 * world.scale)


def test_the_authors_pictures_may_lie_beside_dense_or_elsewhere(tmp_path, scene):
    folder = write_authors(tmp_path / "a", scene)
    expected = read_photos(write_authors(tmp_path / "b", scene), FEW)
    (folder / "dense").mkdir()
    (folder / "images").rename(folder / "dense" / "images")
    assert_same_scenes(read_photos(folder, FEW), expected)
    (folder / "dense" / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"holds no pictures; copy them to its folder images"):
        read_photos(folder, FEW)
    elsewhere = replace(FEW, images=str(tmp_path / "elsewhere"))
    assert_same_scenes(read_photos(folder, elsewhere), expected)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "bds",
            lambda x: x[:-1],
            r"is float64 \(6, 2\); give numbers of shape \(7, 2\): one row f",
        ),
        ("c2w_mats", lambda x: x[:, :2], r"give numbers of shape \(7, 4, 4\)"),
        ("kinv_mats", lambda x: x.astype(str), r"give numbers of shape \(7, 3, 3\)"),
        ("kinv_mats", lambda x: x * 0, r"which has no inverse"),
        ("kinv_mats", lambda x: x + 0.01, r"without skew"),
        ("kinv_mats", lambda x: x * 2, r"the inverse of a matrix is .*; give \[\[fl_x, 0, cx\]"),
        ("c2w_mats", lambda x: x * 0, r"photo_00.png: c2w is singular"),
        ("c2w_mats", lambda x: x * [-1, 1, 1, 1], r"photo_00.png: c2w is left-handed"),
        ("bds", lambda x: x * 0, r"photo_00.png: near is 0 and far 0; give 0 < near < far"),
        ("bds", lambda x: x * np.nan, r"photo_00.png: near is nan and far nan"),
        ("res_mats", lambda x: x * [1, 3], r"photo_00.png: is 24 x 16, but its view is described"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(tmp_path, scene, name, change, message):
    folder = write_authors(tmp_path, scene)
    np.save(folder / f"{name}.npy", change(np.load(folder / f"{name}.npy")))
    with pytest.raises(InputError, match=message):
        read_photos(folder, FEW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: {"cameras": v}, "is not a list of cameras"),
        (lambda v: [*v, 5], "is not a list of cameras"),
        (
            lambda v: [v[0] | {"K": [[1, 2], [3, 4]]}, *v[1:]],
            r"K of 'images/photo_00.png' is \[\[1",
        ),
        (lambda v: [v[0] | {"centre": [0, None, 1]}, *v[1:]], r"centre of .*shape \(3,\)"),
        (lambda v: [v[0] | {"width": "wide"}, *v[1:]], "width of 'images/photo_00.png' is wide"),
        (lambda v: [v[0] | {"file": "../x.jpg"}, *v[1:]], "'../x.jpg' leads out of its folder"),
        (lambda v: [{}, *v[1:]], "None is not the name of a file"),
    ],
)
def test_strechas_cameras_that_make_no_sense_are_refused(tmp_path, scene, change, message):
    file = write_strecha(tmp_path, scene) / "cameras_gt.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    with pytest.raises(InputError, match=message):
        read_photos(file, FEW)


def test_near_and_far_are_those_of_the_paper():
    depth = np.concatenate([[0.5], np.linspace(2, 4, 1001), [9.0, -3.0]])
    assert range_of(depth) == (pytest.approx(0.9 * 2.002), pytest.approx(1.2 * 3.998))
    assert range_of(depth[-1:]) == (None, None)


def test_one_false_match_is_not_the_range_of_a_photograph():
    depth = np.linspace(2, 4, 300)
    with_one = np.append(depth[:-1], 100.0)
    assert range_of(with_one) == pytest.approx(range_of(depth), rel=0.01)
    # With few points, all count.
    assert range_of(np.array([1.0, 2.0, 3.0]))[1] == pytest.approx(1.2 * 2.998)
