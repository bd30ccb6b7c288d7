"""Splits that nerfstudio writes as lists of file names, and keys of other programs."""

import json
import re

import numpy as np
import pytest

from theta0.data.photos import PhotoOptions, read_photos
from theta0.data.views import ViewOptions, open_views, read_views
from theta0.errors import InputError, InputWarning

PARTS = {
    "train_filenames": ["./images/f3.png", "images/f1.png", "images/f5"],
    "val_filenames": ["images/f2.png"],
    "test_filenames": ["images/f0.png", "images//f4.png"],
}
SPLIT_IGNORED = "its split into training and test views is not used"


@pytest.fixture
def folder(tmp_path, scenes):
    """Six views around the origin in images/."""
    views = scenes.some_views()
    frames = []
    for number in range(6):
        pixels = views.images[0][..., :3]
        scenes.write_png(tmp_path / f"images/f{number}.png", pixels)
        turn = np.deg2rad(60 * number)
        turned = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
        pose = np.vstack([np.array(turned) @ views.cameras[0].c2w, [0, 0, 0, 1]])
        frames.append({"file_path": f"images/f{number}.png", "transform_matrix": pose.tolist()})
    scenes.write_json(tmp_path / "transforms.json", {"camera_angle_x": 0.7, "frames": frames})
    return tmp_path


def change(folder, **values):
    file = folder / "transforms.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def names(found, part):
    return [found.names[number] for number in getattr(found.split, part)]


def test_lists_of_file_names_are_the_split(folder):
    change(folder, **PARTS)
    found = read_photos(folder, PhotoOptions(test=1, validation=1))
    assert names(found, "train") == ["f1", "f3", "f5"]
    assert names(found, "validation") == ["f2"] and names(found, "test") == ["f0", "f4"]
    assert len(open_views(folder, part="test")) == 2
    with pytest.warns(InputWarning, match=SPLIT_IGNORED):
        assert len(open_views(folder)) == 6


def test_frames_in_no_list_are_left_out_and_counted(folder):
    change(folder, **(PARTS | {"train_filenames": ["images/f1.png"]}))
    with pytest.warns(InputWarning, match=r"2 of 6 frames are left out, as they are not in train_"):
        found = read_photos(folder)
    assert names(found, "train") == ["f1"] and len(found.names) == 4


def test_a_list_may_be_missing(folder):
    change(
        folder,
        train_filenames=[f"images/f{n}.png" for n in range(5)],
        test_filenames=["images/f5.png"],
    )
    found = read_photos(folder)
    assert found.split.validation == () and names(found, "test") == ["f5"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"val_filenames": ["images/f9.png"]}, "val_filenames has 'images/f9.png', which is the"),
        ({"val_filenames": ["images/f1.png"]}, "'images/f1.png' is in train_filenames and in val_"),
        ({"val_filenames": "images/f2.png"}, "val_filenames is not a list of file names"),
        ({"val_filenames": [2]}, "val_filenames is not a list of file names"),
        ({"val_filenames": ["../f2.png"]}, "leads out of its folder"),
    ],
)
def test_lists_that_cannot_be_are_refused(folder, changed, message):
    change(folder, **(PARTS | changed))
    with pytest.raises(InputError, match=re.escape(str(folder)) + f".*{message}"):
        read_photos(folder)


def test_lists_and_splits_of_frames_must_agree(folder, scenes):
    change(folder, **PARTS)
    split = lambda part: lambda whole: whole["frames"][2].update(split=part)
    scenes.edit_json(folder / "transforms.json", split("val"))
    assert names(read_photos(folder), "validation") == ["f2"]
    scenes.edit_json(folder / "transforms.json", split("test"))
    with pytest.raises(InputError, match=r"split of f2.png is test, but it is in val_filenames"):
        read_photos(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scale": 0.33, "offset": [0.5, 0.5, 0.5]}, "is read without scale, offset;"),
        ({"orientation_override": "up"}, "is read without orientation_override;"),
        ({"rolling_shutter": [0, 0, 0.1]}, "is read without rolling_shutter;"),
    ],
)
def test_keys_that_may_change_the_geometry_are_noted(folder, values, message):
    change(folder, **values)
    with pytest.warns(InputWarning, match=message):
        open_views(folder)


def test_keys_that_change_nothing_are_not_noted(folder, scenes):
    change(
        folder, aabb_scale=4, applied_transform=[[1, 0, 0, 0]], applied_scale=0.1, offset=[0, 0, 0],
        ply_file_path="points.ply", rolling_shutter=[0, 0, 0], orientation_override="none",
    )  # fmt: skip
    for key, value in (("sharpness", 3.5), ("colmap_im_id", 4), ("time", 0.0)):
        scenes.edit_json(
            folder / "transforms.json",
            lambda whole, k=key, v=value: [frame.update({k: v}) for frame in whole["frames"]],
        )
    open_views(folder)
    scenes.edit_json(folder / "transforms.json", lambda whole: whole["frames"][1].update(time=0.5))
    with pytest.warns(InputWarning, match="frames are of different times"):
        open_views(folder)


@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize(
    "values", [{"camera_model": "EQUIRECTANGULAR"}, {"camera_model": "ORTHOPHOTO"},
               {"camera_model": 3}, {"equirectangular": True}, {"orthographic": True}],
)  # fmt: skip
def test_panoramas_are_no_distortion(folder, values, ignore):
    change(folder, **values)
    with pytest.raises(InputError, match="its pictures are not perspective"):
        open_views(folder, ViewOptions(ignore_distortion=ignore))


def test_the_angle_of_a_frame_wins_over_a_shared_focal_length(folder, scenes):
    change(folder, fl_x=6.0, fl_y=6.0, w=6, h=4)
    angle = 2 * np.arctan(3 / 9)
    scenes.edit_json(
        folder / "transforms.json", lambda whole: whole["frames"][1].update(camera_angle_x=angle)
    )
    with pytest.warns(InputWarning, match="but camera_angle_x is 0.7, such as of f0.png"):
        focals = [(camera.fl_x, camera.fl_y) for camera in open_views(folder).cameras]
    np.testing.assert_allclose(focals[:3], [(6, 6), (9, 9), (6, 6)])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fl_x": 100.0}, "fl_x and camera_angle_x are of a picture 73 wide; add w and h"),
        ({"cx": 30.0, "cy": 20.0}, r"its principal point is \(30, 20\); add w and h"),
    ],
)
def test_numbers_of_pictures_of_another_size_need_that_size(folder, values, message):
    change(folder, **values)
    with pytest.raises(InputError, match=f"f0.png: is 6 x 4, but {message}"):
        open_views(folder)


def test_one_side_of_the_described_picture_is_enough(folder):
    change(folder, fl_x=60.0, w=60, camera_angle_x=2 * np.arctan(0.5))
    with pytest.warns(InputWarning, match="pictures of 60 x 40, but f0.png is 6 x 4"):
        assert open_views(folder).cameras[0].fl_x == pytest.approx(6)


@pytest.mark.parametrize("key", ["depth_scale", "depth_unit_scale_factor", "integer_depth_scale"])
def test_depths_have_the_unit_that_the_file_gives(folder, scenes, key):
    scenes.write_png(folder / "d.png", np.full((4, 6), 500, np.uint16))
    change(folder, **{key: 0.01})
    for file in ("depth_file_path", "depth_path"):
        scenes.edit_json(
            folder / "transforms.json",
            lambda whole, f=file: [frame.update({f: "d.png"}) for frame in whole["frames"]],
        )
    depth = read_views(folder).depth
    assert depth is not None
    np.testing.assert_allclose(depth, 5.0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_json_is_read_in_every_encoding_of_unicode(folder, encoding):
    text = (folder / "transforms.json").read_text()
    (folder / "transforms.json").write_bytes(text.encode(encoding))
    assert len(open_views(folder)) == 6


def test_other_encodings_and_keys_that_are_twice_are_called_that(folder):
    text = (folder / "transforms.json").read_text()
    (folder / "transforms.json").write_bytes(text.replace("f0.png", "Straße.png").encode("cp1252"))
    with pytest.raises(InputError, match="is not JSON in UTF-8, but perhaps in another encoding"):
        open_views(folder)
    (folder / "transforms.json").write_text(text.replace("{", '{"camera_angle_x": 1.2, ', 1))
    with pytest.raises(InputError, match=r"is not JSON \(the key 'camera_angle_x' is twice\)"):
        open_views(folder)


def test_masks_of_views_are_called_unused(folder, scenes):
    change_first = lambda whole: whole["frames"][0].update(mask_path="images/f0.png")
    scenes.edit_json(folder / "transforms.json", change_first)
    with pytest.warns(InputWarning, match=r"masks of the views \(mask_path\) are not used"):
        open_views(folder)
