"""Collections of photographs that theta0 wrote are read back exactly; invalid ones are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from theta0.data import Split
from theta0.data.photos import PhotoOptions as Options
from theta0.data.photos import Photos, read_photos, write_photos
from theta0.data.views import read_views
from theta0.errors import InputError, InputWarning

from ..photo_files import (
    assert_same_scenes,
    photos,
    write_transforms,
)

FEW = Options(test=1, validation=1)
SPLIT = ("train", "train", "test", None, "val", "train", "test")


@pytest.fixture
def own(tmp_path, scene):
    pairs = zip(photos(scene), SPLIT, strict=True)
    return write_photos(pairs, tmp_path / "own", points=(scene.points, scene.colours))


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
    message = (
        "leave none for training after test=20 and validation=5; .* ask theta0 train for fewer:"
    )
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


def test_a_scene_written_again_is_the_same_scene(tmp_path, scene):
    found = read_photos(write_transforms(tmp_path / "foreign", scene), FEW)
    pairs = [(found.load(row), None) for row in range(len(found.names))]
    assert_same_scenes(read_photos(write_photos(pairs, tmp_path / "own"), FEW), found)


@pytest.mark.parametrize("white", [1, 255])
def test_a_mask_is_black_where_it_is_dark_or_zero_of_zero_and_one(own, white):
    plain = read_photos(own, FEW)
    shape = plain.load(0).image.shape[:2]
    mask = np.zeros(shape, np.uint8)
    mask[:, :5] = white
    Image.fromarray(mask).save(own / "mask.png")
    np.testing.assert_array_equal(plain.with_mask(0, own / "mask.png").load(0).hidden, mask == 0)
    clear = np.dstack([mask, mask, mask, mask])
    Image.fromarray(clear).save(own / "mask.png")
    with pytest.raises(InputError, match=r"mask.png: is transparent"):
        plain.with_mask(0, own / "mask.png").load(0)


def test_pictures_and_masks_are_undistorted_alike(tmp_path, scene):
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


def first(**values):
    return lambda whole: whole["frames"][0].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(frames=v["frames"][:2]), "holds 2 photographs; a scene needs at least"),
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
@pytest.mark.filterwarnings("ignore:.*scaled to the pictures")
def test_what_is_wrong_is_said_in_one_line(tmp_path, scene, change, message):
    folder = write_transforms(tmp_path, scene)
    whole = json.loads((folder / "transforms.json").read_text())
    change(whole)
    (folder / "transforms.json").write_text(json.dumps(whole))
    with pytest.raises(InputError, match=message):
        read_photos(folder, FEW)


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
    with pytest.raises(InputError, match=r"defines the paths of its pictures; leave out images="):
        read_photos(folder, replace(FEW, images=str(tmp_path)))


def test_an_own_folder_is_read_as_views_too(own, scene):
    same = [row for row in range(7) if row % 3 == 0 and row % 2 == 0]
    whole = json.loads((own / "transforms.json").read_text())
    whole["frames"] = [whole["frames"][row] for row in same]
    (own / "transforms.json").write_text(json.dumps(whole))
    with pytest.warns(InputWarning, match="split into training and test views is not used"):
        views = read_views(own)
    np.testing.assert_array_equal(views.images[1], scene.images[same[1]])
