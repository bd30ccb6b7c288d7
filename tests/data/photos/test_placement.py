"""World coordinates of a collection do not depend on which of its photographs are read."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from theta0.data import Split
from theta0.data.photos import PhotoOptions as Options
from theta0.data.photos import Similarity, read_photos
from theta0.errors import InputError

from ..photo_files import (
    colmap,
    transforms,
    write_binary,
    write_images,
    write_strecha,
    write_transforms,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


FEW = Options(test=1, validation=1)


def write_colmap(folder, scene):
    write_images(folder / "images", scene)
    write_binary(folder / "sparse", colmap(scene))
    return folder


def write_with_points(folder, scene):
    write_transforms(folder, scene)
    np.savez(folder / "points.npz", xyz=scene.points, rgb=scene.colours)
    return folder


def write_parts(folder, scene):
    """Blender's parts."""
    write_images(folder / "images", scene)
    whole = transforms(scene)
    for part, numbers in (("train", range(4)), ("val", [4]), ("test", [5, 6])):
        frames = {"frames": [whole["frames"][number] for number in numbers]}
        (folder / f"transforms_{part}.json").write_text(json.dumps(frames))
    return folder


def write_without_sizes(folder, scene):
    """Parts without the sizes of their pictures, which are all equal."""
    cameras = tuple(replace(camera, width=24, height=16) for camera in scene.cameras)
    write_parts(folder, replace(scene, cameras=cameras, images=scene.images[:1] * 7))
    for file in folder.glob("*.json"):
        whole = json.loads(file.read_text())
        whole["frames"] = [
            {name: value for name, value in frame.items() if name not in ("w", "h")}
            for frame in whole["frames"]
        ]
        file.write_text(json.dumps(whole))
    return folder


LAYOUTS = [write_colmap, write_with_points, write_transforms, write_strecha]


@pytest.mark.parametrize("write", [*LAYOUTS, write_parts, write_without_sizes])
def test_a_deleted_picture_does_not_move_the_world(tmp_path, scene, write):
    """Exactly, as the mean direction of cameras all around is determined by rounding errors."""
    before = read_photos(write(tmp_path, scene), FEW)
    for number in (0, 4, 5, 6):
        (tmp_path / "images" / f"photo_{number:02d}.png").unlink()
    after = read_photos(tmp_path, replace(FEW, allow_missing=True))
    assert after.names == before.names[1:4]
    for one, two in zip(after.frames, before.frames[1:4], strict=True):
        np.testing.assert_array_equal(one.pose, two.pose)
        assert (one.near, one.far) == (two.near, two.far)


@pytest.mark.parametrize("write", [write_parts, write_without_sizes])
def test_a_part_is_in_the_world_of_all(tmp_path, scene, write):
    whole = read_photos(write(tmp_path, scene), FEW)
    part = read_photos(tmp_path / "transforms_train.json", FEW)
    assert part.names == whole.names[:4]
    for one, two in zip(part.frames, whole.frames[:4], strict=True):
        np.testing.assert_array_equal(one.pose, two.pose)


def test_blenders_parts_are_the_split(tmp_path, scene):
    write_parts(tmp_path, scene)
    assert read_photos(tmp_path).split == Split(tuple(range(4)), (4,), (5, 6))
    with pytest.raises(InputError, match="holds 2 photographs; a scene needs at least 3"):
        read_photos(tmp_path / "transforms_test.json")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs shared/data beside the checkout")
def test_real_photographs_without_points_are_put_around_the_origin():
    collections = {
        "multiview/ngp_fox": Options(allow_missing=True),
        "landmarks/strecha/fountain-P11": FEW,
        "landmarks/strecha/Herz-Jesus-P25": FEW,
    }
    for name, options in collections.items():
        found = read_photos(SHARED / name, options)
        cameras = [found.frames[row].pose for row in range(len(found.names))]
        up = np.mean([pose[:, 1] for pose in cameras], axis=0)
        assert up[2] > 0.9  # nearly upright, each of them
        position = np.array([pose[:, 3] for pose in cameras])
        assert (np.linalg.norm(position, axis=1) < 3).all() and (position[:, 1] < -0.5).all()
        assert all(0.3 < frame.near < frame.far < 5 for frame in found.frames)
    fox = read_photos(SHARED / "multiview/ngp_fox", Options(allow_missing=True))
    assert len(fox.names) == 50 and len(fox.skipped) == 17
    assert (fox.camera(0).width, fox.camera(0).height) == (1066, 1898)


def test_photographs_of_one_direction_need_depths(tmp_path, scene):
    straight = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    cameras = [
        replace(camera, c2w=np.column_stack([straight, [0.1 * row, 0, 0]]))
        for row, camera in enumerate(scene.cameras)
    ]
    folder = write_transforms(tmp_path, replace(scene, cameras=tuple(cameras)))
    with pytest.raises(InputError, match=rf"{folder}: the cameras do not look.*give near and far"):
        read_photos(folder, FEW)
    found = read_photos(folder, replace(FEW, near=2.0, far=8.0))
    middle = found.world_from_file.points(np.array([0.3, 0.0, -4.0]))
    np.testing.assert_allclose(middle, 0, atol=1e-12)
    assert isinstance(found.world_from_file, Similarity)
