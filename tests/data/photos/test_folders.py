"""Collections of photographs: theta0's own come back exactly, others' alike from every layout."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data import Split
from theta0.data.cameras import project
from theta0.data.photos import PhotoOptions as Options
from theta0.data.photos import Photos, Similarity, read_photos, write_photos
from theta0.data.views import read_views
from theta0.errors import InputError

from ..photo_files import (
    colmap,
    photos,
    place,
    transforms,
    write_authors,
    write_binary,
    write_images,
    write_strecha,
    write_transforms,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
FEW = Options(test=1, validation=1)
SPLIT = ("train", "train", "test", None, "val", "train", "test")


@pytest.fixture
def scene():
    return place()


@pytest.fixture
def own(tmp_path, scene):
    pairs = zip(photos(scene), SPLIT, strict=True)
    return write_photos(pairs, tmp_path / "own", points=(scene.points, scene.colours))


def assert_same_places(one, two):
    """The same photographs in the same world, whatever files they came from."""
    assert (one.names, one.split) == (two.names, two.split)
    for row in range(len(one.names)):
        first, second = one.load(row), two.load(row)
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_allclose(first.camera.c2w, second.camera.c2w, rtol=0, atol=1e-9)
        for name in ("width", "height", "fl_x", "fl_y", "cx", "cy"):
            assert getattr(first.camera, name) == pytest.approx(getattr(second.camera, name))


def test_what_was_written_comes_back_exactly(own, scene):
    found = read_photos(own)
    assert isinstance(found, Photos) and found.skipped == ()
    assert found.split == Split(train=(0, 1, 3, 5), validation=(4,), test=(2, 6))
    np.testing.assert_array_equal(found.points[0], scene.points.astype(np.float32))
    np.testing.assert_array_equal(found.points[1], scene.colours)
    assert (found.world_from_file.scale, found.world_from_file.shift.tolist()) == (1, [0, 0, 0])
    for row, photo in enumerate(photos(scene)):
        same = found.load(row)
        np.testing.assert_array_equal(same.image, photo.image)
        np.testing.assert_array_equal(same.camera.c2w, photo.camera.c2w)
        for name in ("width", "height", "fl_x", "fl_y", "cx", "cy"):
            assert getattr(same.camera, name) == getattr(photo.camera, name)
        assert (same.name, same.near, same.far) == (photo.name, photo.near, photo.far)
        assert (same.hidden is None) == (row != 1)
    np.testing.assert_array_equal(found.load(1).hidden, photos(scene)[1].hidden)


def test_without_a_split_the_first_names_are_for_test_then_validation(tmp_path, scene):
    pairs = [(photo, None) for photo in photos(scene)[::-1]]  # the file's order is another
    folder = write_photos(pairs, tmp_path / "own")
    found = read_photos(folder, Options(test=2, validation=3))
    part = lambda numbers: [found.names[number] for number in numbers]
    assert part(found.split.test) == ["photo_00", "photo_01"]
    assert part(found.split.validation) == ["photo_02", "photo_03", "photo_04"]
    assert part(found.split.train) == ["photo_05", "photo_06"]
    turned = read_photos(folder, Options(test=2, validation=3, rotation=6)).split
    assert part(turned.test) == ["photo_06", "photo_00"]
    assert part(turned.validation) == ["photo_01", "photo_02", "photo_03"]
    assert part(turned.train) == ["photo_04", "photo_05"]
    message = "leave none for training after test=20 and validation=5; ask for fewer, such as"
    options = "--data.source.test 1 --data.source.validation 0"
    with pytest.raises(InputError, match=f"7 photographs {message} {options}"):
        read_photos(folder)
    with pytest.raises(InputError, match="test is -1; give a number of photographs"):
        read_photos(folder, Options(test=-1))


def test_nothing_is_decoded_before_it_is_loaded(own, scene, monkeypatch):
    decoded, convert = [], Image.Image.convert
    monkeypatch.setattr(Image.Image, "convert", lambda *given: decoded.append(1) or convert(*given))
    found = read_photos(own)
    assert found.camera(2).fl_x == scene.cameras[2].fl_x and not decoded
    assert found.load(0) and len(decoded) == 1


@pytest.mark.parametrize("write", [write_transforms, write_strecha, write_authors])
def test_every_layout_without_points_gives_the_same_place(tmp_path, scene, write):
    expected = read_photos(write_transforms(tmp_path / "expected", scene), FEW)
    found = read_photos(write(tmp_path / "found", scene), FEW)
    assert_same_places(found, expected)
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


def test_every_layout_with_points_gives_the_same_place(tmp_path, scene):
    write_images(tmp_path / "colmap" / "images", scene)
    write_binary(tmp_path / "colmap" / "sparse", colmap(scene))
    foreign = write_transforms(tmp_path / "foreign", scene)
    np.savez(foreign / "points.npz", xyz=scene.points, rgb=scene.colours)
    one, two = (read_photos(tmp_path / name, FEW) for name in ("colmap", "foreign"))
    assert_same_places(one, two)
    np.testing.assert_allclose(one.points[0][::-1], two.points[0], rtol=0, atol=1e-12)


def test_a_place_written_again_is_the_same_place(tmp_path, scene):
    found = read_photos(write_transforms(tmp_path / "foreign", scene), FEW)
    pairs = [(found.load(row), None) for row in range(len(found.names))]
    assert_same_places(read_photos(write_photos(pairs, tmp_path / "own"), FEW), found)


def test_it_is_found_out_which_way_the_authors_axes_point(tmp_path, scene):
    expected = read_photos(write_authors(tmp_path / "opencv", scene), FEW)
    opengl = write_authors(tmp_path / "opengl", scene, axes=(1, -1, -1), sizes="hw")
    assert_same_places(read_photos(opengl, FEW), expected)
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
    assert_same_places(read_photos(folder, FEW), expected)
    (folder / "dense" / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"holds no pictures; say in which folder they are"):
        read_photos(folder, FEW)
    elsewhere = replace(FEW, images=str(tmp_path / "elsewhere"))
    assert_same_places(read_photos(folder, elsewhere), expected)


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
        ("kinv_mats", lambda x: x + 0.01, r"pixels at right angles"),
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


def test_lenses_and_masks_are_straightened_alike(tmp_path, scene):
    """A mask of the pictures' bright pixels still covers them afterwards, and little more."""
    folder = write_transforms(tmp_path, scene, k1=-1.0, p1=0.01)
    whole = json.loads((folder / "transforms.json").read_text())
    image = np.zeros_like(scene.images[0])
    image[5:10, 7:15] = 255
    Image.fromarray(image).save(folder / "images" / "photo_00.png")
    Image.fromarray(255 - image).save(folder / "mask.png")
    whole["frames"][0]["mask_path"] = "mask.png"
    plain = read_photos(folder, FEW)
    (folder / "transforms.json").write_text(json.dumps(whole))
    photo = read_photos(folder, FEW).load(0)
    given = plain.with_mask(0, folder / "mask.png").load(0)
    np.testing.assert_array_equal(given.hidden, photo.hidden)
    assert photo.camera.width > 24 and photo.hidden is not None
    np.testing.assert_array_equal(photo.hidden, photo.image[..., 0] > 0)
    assert 40 < photo.hidden.sum() < 100
    Image.fromarray(image[:-1]).save(folder / "mask.png")
    with pytest.raises(InputError, match=r"mask.png: a mask of 24 x 15 for a picture of 24 x 16"):
        read_photos(folder, FEW)
    with pytest.raises(InputError, match=r"mask.png: a mask of 24 x 15 for a picture of 24 x 16"):
        plain.with_mask(0, folder / "mask.png")


def test_transparent_pictures_are_laid_over_white(tmp_path, scene):
    folder = write_transforms(tmp_path, scene)
    clear = np.concatenate([scene.images[0], np.zeros((16, 24, 1), np.uint8)], axis=-1)
    clear[:4, :, 3] = 255
    Image.fromarray(clear).save(folder / "images" / "photo_00.png")
    image = read_photos(folder, FEW).load(0).image
    np.testing.assert_array_equal(image[:4], scene.images[0][:4])
    assert (image[4:] == 255).all()


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
    """Parts that do not say how large their pictures are, which is all the same."""
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
    """Exactly, for the direction in front of cameras all around is one of rounding errors."""
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
    with pytest.raises(InputError, match="holds 2 photographs; a place needs at least 3"):
        read_photos(tmp_path / "transforms_test.json")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs shared/data beside the checkout")
def test_real_photographs_without_points_are_put_around_the_origin():
    places = {
        "multiview/ngp_fox": Options(allow_missing=True),
        "landmarks/strecha/fountain-P11": FEW,
        "landmarks/strecha/Herz-Jesus-P25": FEW,
    }
    for name, options in places.items():
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


def first(**values):
    return lambda whole: whole["frames"][0].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(frames=v["frames"][:2]), "holds 2 photographs; a place needs at least"),
        (first(file_path="images/photo_01.png"), "photo_01.png: is the picture of two photographs"),
        (first(file_path="images/x.png"), r"1 of 7 pictures are missing, such as .*x.png; copy"),
        (
            first(mask_path="images/photo_01.png"),
            "photo_01.png: a mask of 26 x 17 for a picture of",
        ),
        (first(mask_path="nothing.png"), "nothing.png: no such file"),
        (first(mask_path="../mask.png"), "'../mask.png' leads out of its folder"),
        (first(split="dev"), r"split is 'dev'; choose from train, val, test"),
        (first(near="close"), "near is 'close'; give a number"),
        (first(near=0.0), "photo_00.png: near is 0 and far .*; give 0 < near < far"),
        (first(far=1e-9), "photo_00.png: near is .* and far 1e-09; give 0 < near < far"),
        (first(transform_matrix=np.zeros((4, 4)).tolist()), "photo_00.png: c2w has the last row"),
        (first(transform_matrix=np.diag([1, 1, 0, 1]).tolist()), "photo_00.png: c2w is singular"),
        (lambda v: v.update(normalised="yes"), r"normalised is {'yes'}; give true or false"),
        (lambda v: v.update(camera_model="OPENCV_FISHEYE"), "camera_model 'OPENCV_FISHEYE'"),
        (lambda v: [f.update(split="test") for f in v["frames"]], "none of 7 .* is for training"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, scene, change, message):
    folder = write_transforms(tmp_path, scene)
    whole = json.loads((folder / "transforms.json").read_text())
    change(whole)
    (folder / "transforms.json").write_text(json.dumps(whole))
    with pytest.raises(InputError, match=message):
        read_photos(folder, FEW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: {"cameras": v}, "is no list of cameras"),
        (lambda v: [*v, 5], "is no list of cameras"),
        (
            lambda v: [v[0] | {"K": [[1, 2], [3, 4]]}, *v[1:]],
            r"K of 'images/photo_00.png' is \[\[1",
        ),
        (lambda v: [v[0] | {"centre": [0, None, 1]}, *v[1:]], r"centre of .*shape \(3,\)"),
        (lambda v: [v[0] | {"width": "wide"}, *v[1:]], "width of 'images/photo_00.png' is wide"),
        (lambda v: [v[0] | {"file": "../x.jpg"}, *v[1:]], "'../x.jpg' leads out of its folder"),
        (lambda v: [{}, *v[1:]], "None is no name of a file"),
    ],
)
def test_strechas_cameras_that_make_no_sense_are_refused(tmp_path, scene, change, message):
    file = write_strecha(tmp_path, scene) / "cameras_gt.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    with pytest.raises(InputError, match=message):
        read_photos(file, FEW)


@pytest.mark.parametrize(
    "arrays",
    [
        {"xyz": np.zeros((4, 2)), "rgb": np.zeros((4, 2), np.uint8)},
        {"xyz": np.zeros((4, 3)), "rgb": np.zeros((5, 3), np.uint8)},
        {"xyz": np.zeros((4, 3)), "rgb": np.zeros((4, 3))},
        {"xyz": np.full((4, 3), np.inf), "rgb": np.zeros((4, 3), np.uint8)},
    ],
)
def test_points_that_are_none_are_refused(own, arrays):
    np.savez(own / "points.npz", **arrays)
    with pytest.raises(InputError, match=r"points.npz: xyz is float64 .* give finite floats and"):
        read_photos(own)


def test_folders_without_photographs_are_refused(tmp_path, scene):
    with pytest.raises(InputError, match="no such folder; check the path"):
        read_photos(tmp_path / "absent")
    with pytest.raises(InputError, match=r"holds no photographs with cameras; give a folder with"):
        read_photos(tmp_path)
    folder = write_transforms(tmp_path, scene)
    with pytest.raises(InputError, match=r"names its pictures itself; leave out images="):
        read_photos(folder, replace(FEW, images=str(tmp_path)))


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


def test_an_own_folder_is_read_as_views_too(own, scene):
    same = [row for row in range(7) if row % 3 == 0 and row % 2 == 0]
    whole = json.loads((own / "transforms.json").read_text())
    whole["frames"] = [whole["frames"][row] for row in same]
    (own / "transforms.json").write_text(json.dumps(whole))
    np.testing.assert_array_equal(read_views(own).images[1], scene.images[same[1]])
