"""Written views are read back exactly, and are written atomically."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from theta0.data.views import ProceduralObjects, ViewOptions, open_views, read_views, write_views
from theta0.errors import InputError


@pytest.mark.parametrize("channels", [3, 4])
def test_bytes_and_cameras_come_back_exactly(tmp_path, scenes, channels):
    views = scenes.some_views(channels=channels)
    assert write_views(views, tmp_path / "new" / "thing") == tmp_path / "new" / "thing"
    found = read_views(tmp_path / "new" / "thing")
    np.testing.assert_array_equal(found.images, views.images)
    for one, two in zip(found.cameras, views.cameras, strict=True):
        np.testing.assert_array_equal(one.c2w, two.c2w)
        assert (one.fl_x, one.fl_y, one.cx, one.cy) == (7, 8, 2.75, 2.25)
    assert found.object_id == "thing" and found.names == ("000", "001", "002")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["thing"]


def test_the_file_says_what_blender_and_nerfstudio_look_for(tmp_path, scenes):
    views = scenes.some_views()
    whole = json.loads((write_views(views, tmp_path / "x") / "transforms.json").read_text())
    assert whole["format_version"] == 1
    lens = {"fl_x": 7, "fl_y": 8, "cx": 2.75, "cy": 2.25, "w": 6, "h": 4}
    assert whole.items() >= lens.items()
    assert whole["camera_angle_x"] == pytest.approx(2 * np.arctan(3 / 7))
    assert [frame["file_path"] for frame in whole["frames"]] == ["./000", "./001", "./002"]
    assert np.array(whole["frames"][2]["transform_matrix"]).shape == (4, 4)
    with Image.open(tmp_path / "x" / "000.png") as image:
        assert image.mode == "RGBA"


def test_cameras_that_differ_are_written_by_frame(tmp_path, scenes):
    views = scenes.some_views()
    cameras = (replace(views.cameras[0], fl_x=5.0, cx=1.0), *views.cameras[1:])
    views = replace(views, cameras=cameras)
    scenes.assert_same(read_views(write_views(views, tmp_path / "x")), views)


def test_floats_are_rounded_to_bytes(tmp_path):
    views = ProceduralObjects(samples=1, size=12, views=2).read().load(0)
    found = read_views(write_views(views, tmp_path / "x"))
    np.testing.assert_array_equal(found.images, np.rint(views.images * 255).astype(np.uint8))


@pytest.mark.parametrize("depth", ["png", "npy"])
def test_depths_come_back_to_the_stated_precision(tmp_path, depth):
    views = ProceduralObjects(samples=1, size=24, views=3).read().load(0)
    folder = write_views(views, tmp_path / "x", depth)
    whole = json.loads((folder / "transforms.json").read_text())
    found = read_views(folder)
    np.testing.assert_array_equal(np.isinf(found.depth), np.isinf(views.depth))  # pyright: ignore[reportCallIssue]
    met = np.isfinite(views.depth)  # pyright: ignore[reportCallIssue]
    step = 0.0
    if depth == "png":
        step = whole["depth_scale"]
        assert step == pytest.approx(views.depth[met].max() / 65535) and step < 8e-5
        with Image.open(folder / whole["frames"][0]["depth_file_path"]) as image:
            assert image.mode == "I;16"
    # Half a step, and float32 of numbers around 4.
    np.testing.assert_allclose(found.depth[met], views.depth[met], rtol=0, atol=step / 2 + 5e-7)
    assert open_views(folder).size_bytes == found.images.nbytes + found.depth.nbytes
    assert read_views(folder, ViewOptions(downscale=2)).depth is None


def test_depths_may_be_left_out_or_empty(tmp_path, scenes):
    views = replace(scenes.some_views(), depth=np.full((3, 4, 6), np.inf))
    folder = write_views(views, tmp_path / "x", "none")
    assert read_views(folder).depth is None and len(list(folder.iterdir())) == 4
    assert np.isinf(read_views(write_views(views, tmp_path / "y")).depth).all()  # pyright: ignore[reportCallIssue]


def test_a_folder_that_exists_is_kept(tmp_path, scenes):
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match="x: exists already; remove it, or write elsewhere"):
        write_views(scenes.some_views(), tmp_path / "x")
    assert not list((tmp_path / "x").iterdir())


@pytest.mark.parametrize("after", [0, 2])
def test_a_failed_write_leaves_nothing(tmp_path, scenes, monkeypatch, after):
    save, calls = Image.Image.save, []

    def stop(*args):
        calls.append(args)
        if len(calls) > after:
            raise KeyboardInterrupt
        save(*args)

    monkeypatch.setattr(Image.Image, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        write_views(scenes.some_views(), tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_damaged_depths_are_named(tmp_path, scenes):
    views = replace(scenes.some_views(), depth=np.full((3, 4, 6), 2.0))
    folder = write_views(views, tmp_path / "x")
    file = folder / "transforms.json"
    scenes.write_png(folder / "001_depth.png", np.zeros((4, 5), np.uint16))
    with pytest.raises(InputError, match=r"001_depth.png: has shape \(4, 5\).*6 x 4 picture"):
        read_views(folder)
    scenes.write_png(folder / "001_depth.png", np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(InputError, match=r"001_depth.png: has shape \(4, 6, 3\)"):
        read_views(folder)
    (folder / "001_depth.png").unlink()
    with pytest.raises(InputError, match=r"001_depth.png: no such file"):
        read_views(folder)
    scenes.edit_json(file, lambda value: value.update(depth_scale=0))
    with pytest.raises(InputError, match="depth_scale is 0"):
        read_views(folder)
    path = "../000_depth.png"
    scenes.edit_json(file, lambda value: value["frames"][0].update(depth_file_path=path))
    with pytest.raises(InputError, match=r"'../000_depth.png' leads out of its folder"):
        read_views(folder)
