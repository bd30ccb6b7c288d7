"""Views described by transforms.json in every dialect, and malformed files."""

import numpy as np
import pytest
from PIL import Image

from theta0.data.views import ViewOptions, open_views, read_views, write_views
from theta0.errors import InputError, InputWarning


@pytest.fixture
def blender(tmp_path, scenes):
    """Blender's: square pixels, principal point in the middle, no suffix, './train/r_0'."""
    views = scenes.some_views()
    frames = []
    for number, camera in enumerate(views.cameras):
        scenes.write_png(tmp_path / "train" / f"r_{number}.png", views.images[number])
        matrix = scenes.pose(camera)
        frames.append({"file_path": f"./train/r_{number}", "transform_matrix": matrix})
    angle = 2 * np.arctan(6 / 2 / 7.5)
    head = {"camera_angle_x": angle}
    scenes.write_json(tmp_path / "transforms.json", head | {"frames": frames})
    return tmp_path


def test_blenders_angle_is_the_focal_length_and_suffixes_are_added(blender, scenes):
    expected = scenes.some_views()
    found = read_views(blender)
    np.testing.assert_array_equal(found.images, expected.images)
    assert found.names == ("train/r_0", "train/r_1", "train/r_2")
    assert found.object_id == blender.name
    for camera, other in zip(found.cameras, expected.cameras, strict=True):
        np.testing.assert_allclose([camera.fl_x, camera.fl_y], 7.5, rtol=1e-12)
        assert (camera.cx, camera.cy) == (3, 2)
        np.testing.assert_allclose(camera.c2w, other.c2w, rtol=0, atol=1e-12)


def test_a_description_in_parts_is_read_by_part_or_whole(blender, scenes):
    whole = blender / "transforms.json"
    for number, part in enumerate(("train", "val", "test")):
        only = lambda value, number=number: value.update(frames=[value["frames"][number]])
        target = blender / f"transforms_{part}.json"
        target.write_bytes(whole.read_bytes())
        scenes.edit_json(target, only)
    everything = read_views(blender)
    whole.unlink()
    np.testing.assert_array_equal(read_views(blender).images, everything.images)
    assert read_views(blender, part="val").names == ("train/r_1",)
    (blender / "transforms_test.json").unlink()
    assert len(open_views(blender)) == 2
    assert len(open_views(blender / "transforms_val.json")) == 1
    with pytest.raises(InputError, match=r"no transforms_test.json; leave the part out"):
        open_views(blender, part="test")
    with pytest.raises(InputError, match="part is 'validation'; choose from train, val, test"):
        open_views(blender, part="validation")


@pytest.mark.parametrize("each", [False, True])
def test_nerfstudios_intrinsics_are_read_shared_or_by_frame(blender, scenes, each):
    lens = {"fl_x": 7, "fl_y": 8.0, "cx": 2.75, "cy": 2.25, "w": 6.0, "h": 4, "k1": 0.0, "p2": 0}

    def change(value):
        del value["camera_angle_x"]
        for target in value["frames"] if each else [value]:
            target.update(lens)
        for frame in value["frames"]:
            frame["file_path"] = frame["file_path"][2:] + ".png"

    scenes.edit_json(blender / "transforms.json", change)
    scenes.assert_same(read_views(blender), scenes.some_views())


def test_both_angles_make_two_focal_lengths_and_given_ones_win(blender, scenes):
    angle = 2 * np.arctan(4 / 2 / 9)
    scenes.edit_json(blender / "transforms.json", lambda v: v.update(camera_angle_y=angle))
    camera = open_views(blender).cameras[0]
    np.testing.assert_allclose([camera.fl_x, camera.fl_y], [7.5, 9])
    scenes.edit_json(blender / "transforms.json", lambda v: v.update(fl_x=5.0, w=6, h=4))
    words = r"view of 1.08 radians, but camera_angle_x is 0.761, such as of r_0.png; the focal"
    with pytest.warns(InputWarning, match=words):
        camera = open_views(blender).cameras[0]
    assert (camera.fl_x, camera.fl_y) == (5, 5)


def test_intrinsics_of_a_larger_picture_are_scaled(blender, scenes):
    lens = {"fl_x": 70, "fl_y": 80, "cx": 27.5, "cy": 22.5, "w": 60, "h": 40}
    lens["camera_angle_x"] = 2 * np.arctan(60 / 2 / 70)
    scenes.edit_json(blender / "transforms.json", lambda value: value.update(lens))
    words = "lenses are of pictures of 60 x 40, but r_0.png is 6 x 4; they are scaled"
    with pytest.warns(InputWarning, match=words):
        scenes.assert_same(read_views(blender), scenes.some_views())
    # Downscaling rounded the height.
    scenes.edit_json(blender / "transforms.json", lambda value: value.update(h=41))
    with pytest.warns(InputWarning, match="pictures of 60 x 41"):
        camera = open_views(blender).cameras[0]
    np.testing.assert_allclose([camera.cx, camera.cy], [2.75, 22.5 * 4 / 41])
    np.testing.assert_allclose([camera.fl_x, camera.fl_y], [7, 80 * 4 / 41])
    scenes.edit_json(blender / "transforms.json", lambda value: value.update(h=60))
    with pytest.raises(InputError, match="is 6 x 4, but its view is described as 60 x 60"):
        open_views(blender)


def test_the_authors_paths_name_pictures_that_lie_beside_the_file(blender, scenes):
    """Their files contain paths of another machine; only the file names count."""
    for picture in (blender / "train").iterdir():
        picture.rename(blender / picture.name)

    def change(value):
        for number, frame in enumerate(value["frames"]):
            frame["file_path"] = f"{['/home/x/renders', '../else', 'C:'][number]}/r_{number}"

    scenes.edit_json(blender / "transforms.json", change)
    found = read_views(blender)
    np.testing.assert_array_equal(found.images, scenes.some_views().images)
    assert found.names == ("r_0", "r_1", "r_2")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "C:\\secret", "a/../../secret"])
def test_no_path_leads_out_of_the_folder(blender, scenes, name):
    scenes.write_png(blender.parent / "secret.png", np.zeros((4, 6, 4), np.uint8))
    scenes.edit_json(
        blender / "transforms.json", lambda value: value["frames"][0].update(file_path=name)
    )
    with pytest.raises(InputError, match=r"leads out of its folder; make it relative"):
        open_views(blender)


def test_a_camera_that_never_moves_is_noted(blender, scenes):
    scenes.edit_json(
        blender / "transforms.json",
        lambda v: [f.update(transform_matrix=np.eye(4).tolist()) for f in v["frames"]],
    )
    with pytest.warns(InputWarning, match=r"transforms.json: its 3 frames have one pose"):
        open_views(blender)


def first(**values):
    return lambda whole: whole["frames"][0].update(values)


def spoilt(row, column, value):
    def change(whole):
        whole["frames"][0]["transform_matrix"][row][column] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("frames"), "has no list of frames"),
        (lambda v: v.update(frames=[]), "describes no views"),
        (lambda v: v.update(frames={"0": 1}), "has no list of frames"),
        (lambda v: v["frames"].insert(1, 5), "frame 1 lacks file_path"),
        (lambda v: v["frames"][2].pop("transform_matrix"), "frame 2 lacks .*transform_matrix"),
        (first(file_path="train/r_9"), "r_9: the picture is missing, as are 0 others of 3"),
        (first(file_path=3), "3 is not the name"),
        (first(file_path=".."), "'..' is not the name"),
        (first(file_path="a\0b"), "is not the name"),
        (first(file_path="train/r_1"), "is the picture of two views"),
        (first(transform_matrix="eye"), "r_0.png: c2w is not a matrix"),
        (first(transform_matrix=None), "r_0.png: c2w"),
        (first(transform_matrix={}), "r_0.png: c2w"),
        (spoilt(0, 3, float("nan")), "r_0.png: c2w contains values that are not finite"),
        (spoilt(0, 3, None), "r_0.png: c2w"),
        (first(transform_matrix=np.diag([1, 1, -1, 1]).tolist()), "r_0.png: c2w is left-handed"),
        (first(transform_matrix=np.diag([1, 1, 0, 1]).tolist()), "r_0.png: c2w is singular"),
        (lambda v: v.pop("camera_angle_x"), "focal length is missing; add fl_x or"),
        (lambda v: v.update(camera_angle_x=40), "camera_angle_x is 40; give radians"),
        (lambda v: v.update(camera_angle_x="wide"), "camera_angle_x is 'wide'; give a number"),
        (lambda v: v.update(fl_x=float("inf")), "fl_x is inf; give a number"),
        (lambda v: v.update(fl_x=10**400), "fl_x is 1000.*; give a number"),
        (spoilt(0, 3, 10**400), "r_0.png: c2w is not a matrix"),
        (lambda v: v.update(fl_x=-4), "fl_x is -4"),
        (lambda v: v.update(w=0, h=0), "described as 0 x 0"),
        (lambda v: v.update(k4=0.01, k6=-1e-5), r"is not supported \(k4, k6; .*undistort the"),
        (
            first(k1=9.0),
            r"train: the views have different lens distortions.*undistort.*ignore",
        ),
        (lambda v: v.update(k1="a lot"), "k1 is 'a lot'"),
        (lambda v: v.update(camera_model="OPENCV_FISHEYE"), "camera_model 'OPENCV_FISHEYE'"),
        (lambda v: v.update(is_fisheye=True), "is_fisheye"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(blender, scenes, change, message):
    scenes.edit_json(blender / "transforms.json", change)
    with pytest.raises(InputError, match=message) as caught:
        open_views(blender)
    assert str(blender) in str(caught.value)


@pytest.mark.filterwarnings("ignore::theta0.errors.InputWarning")
def test_any_value_in_any_place_is_read_or_refused(blender, scenes):
    """Unexpected values anywhere in a file raise nothing but an InputError."""
    file = blender / "transforms.json"
    lens = {"fl_x": 7, "cy": 2, "w": 6, "h": 4, "k1": 0, "depth_scale": 1, "camera_model": "OPENCV"}
    scenes.edit_json(file, lambda value: value.update(lens))
    original = file.read_bytes()
    strange = [None, True, [], {}, [[]], "", "x", -1, 0, 1e308, 10**400, float("nan"), {"a": [1]}]
    refused = 0
    for name in ("frames", *lens):
        for value in strange:
            scenes.edit_json(file, lambda whole, n=name, v=value: whole.update({n: v}))
            refused += _refused(blender)
            file.write_bytes(original)
    for name in ("file_path", "transform_matrix", "depth_file_path", "fl_y", "p1"):
        for value in strange:
            scenes.edit_json(file, first(**{name: value}))
            refused += _refused(blender)
            file.write_bytes(original)
    assert not _refused(blender) and refused > 100


def _refused(folder):
    try:
        open_views(folder)
    except InputError:
        return True
    return False


@pytest.mark.parametrize("text", ["{", "[]", '"text"', "[" * 100_000, "\xff", ""])
def test_a_file_that_is_no_json_object_is_refused(blender, text):
    (blender / "transforms.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"transforms.json: (is not JSON|contains a)"):
        open_views(blender)


def test_pictures_of_an_object_have_one_size_and_one_kind(blender, scenes):
    picture = blender / "train" / "r_2.png"
    scenes.write_png(picture, np.zeros((4, 5, 4), np.uint8))
    with pytest.raises(InputError, match=r"r_2.png: is 5 x 4 with alpha, but r_0.png is 6 x 4"):
        open_views(blender)
    scenes.write_png(picture, np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(InputError, match=r"is 6 x 4 without alpha, but r_0.png is 6 x 4 with"):
        open_views(blender)
    with pytest.raises(InputError, match=r"r_2.png: has no alpha channel.*cut the object out"):
        open_views(blender, ViewOptions(need_alpha=True))
    scenes.write_png(picture, np.zeros((4, 6), np.uint16))
    with pytest.raises(InputError, match=r"r_2.png: has I;16 pixels; save it as 8-bit"):
        open_views(blender)
    picture.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"r_2.png: is not a picture"):
        open_views(blender)


def test_huge_pictures_are_refused_by_their_headers(blender, monkeypatch):
    decoded = []
    monkeypatch.setattr(Image.Image, "convert", lambda *_: decoded.append(1))
    monkeypatch.setattr("theta0.data._pillow.MAX_PIXELS", 23)
    with pytest.raises(InputError, match=r"r_0.png: has 6 x 4 pixels, more than the limit of 23"):
        read_views(blender)
    assert not decoded


def test_memory_is_counted_before_anything_is_decoded(blender, monkeypatch):
    files = open_views(blender)
    assert files.size_bytes == 3 * 4 * 6 * 4
    monkeypatch.setattr(Image.Image, "convert", None)
    with pytest.raises(InputError, match=r"3 views: needs .* downscale them"):
        files.load(max_bytes=287)


def test_a_damaged_picture_is_named(blender):
    path = blender / "train" / "r_1.png"
    path.write_bytes(path.read_bytes()[:-30])
    files = open_views(blender)
    with pytest.raises(InputError, match=r"r_1.png: is damaged or truncated"):
        files.load()


def test_written_views_are_read_by_both_layouts_of_names(tmp_path, scenes):
    views = scenes.some_views()
    folder = write_views(views, tmp_path / "a")
    scenes.edit_json(
        folder / "transforms.json",
        lambda value: [
            frame.update(file_path=frame["file_path"] + ".png") for frame in value["frames"]
        ],
    )
    scenes.assert_same(read_views(folder), views)
