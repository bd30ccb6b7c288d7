"""Views in memory: backgrounds, downscaling, a single photograph, and inconsistent views."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from theta0.data._view_pixels import downscaled
from theta0.data.cameras import orbit, project
from theta0.data.views import (
    ProceduralObjects,
    ViewOptions,
    open_views,
    read_photograph,
    read_views,
)
from theta0.data.views import write_views as write
from theta0.errors import InputError, InputWarning


@pytest.mark.parametrize(("background", "value"), [("white", 1.0), ("black", 0.0)])
@pytest.mark.parametrize("floats", [False, True])
def test_what_is_transparent_shows_the_background(scenes, background, value, floats):
    views = scenes.some_views()
    images = views.images / np.float32(255)
    if floats:
        views = replace(views, images=images)
    found = views.colours(background)
    alpha = images[..., 3:].astype(np.float64)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, images[..., :3] * alpha + value * (1 - alpha), atol=3e-7)


def test_pictures_without_alpha_are_their_own_colours(scenes):
    views = scenes.some_views(channels=3)
    np.testing.assert_array_equal(views.colours("black"), views.images / np.float32(255))


def test_downscaling_averages_what_is_seen_over_any_background(scenes):
    views = scenes.some_views(width=9, height=6)
    for background in ("white", "black"):
        blocks = views.colours(background)[0].reshape(2, 3, 3, 3, 3).mean(axis=(1, 3))
        small = replace(
            views.select([0]),
            images=downscaled(views.images[0], 3)[None],
            cameras=(views.cameras[0].downscaled(3),),
        )
        # Colour and alpha are each rounded to a byte: half a level of each.
        np.testing.assert_allclose(small.colours(background)[0], blocks, atol=1.01 / 255)


def test_downscaling_cuts_blocks_that_are_not_whole_and_keeps_full_size(scenes):
    image = scenes.some_views(width=7, height=5, channels=3).images[0]
    assert downscaled(image, 1) is image
    expected = image[:4, :6].reshape(2, 2, 3, 2, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(downscaled(image, 2), np.floor(expected + 0.5))


def test_invisible_pixels_have_no_say_in_the_colour():
    image = np.zeros((2, 2, 4), np.uint8)
    image[0, 0] = [200, 100, 50, 255]
    image[1, 1] = [255, 255, 255, 0]
    np.testing.assert_array_equal(downscaled(image, 2), [[[200, 100, 50, 64]]])
    np.testing.assert_array_equal(downscaled(image * 0, 2), [[[0, 0, 0, 0]]])


def test_views_are_read_downscaled_with_their_cameras(tmp_path, scenes):
    views = scenes.some_views(width=8, height=4)
    write(views, tmp_path / "thing")
    files = open_views(tmp_path / "thing", ViewOptions(downscale=2))
    found = files.load()
    assert files.size_bytes == found.images.nbytes and found.images.shape == (3, 2, 4, 4)
    np.testing.assert_array_equal(found.images[1], downscaled(views.images[1], 2))
    points = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    for small, whole in zip(found.cameras, views.cameras, strict=True):
        pixel = project(points, whole).pixel
        np.testing.assert_allclose(2 * project(points, small).pixel, pixel, rtol=1e-9)
    with pytest.raises(InputError, match="downscale is 5; give 1 to 4"):
        open_views(tmp_path / "thing", ViewOptions(downscale=5))


def test_views_are_selected_in_the_order_given(scenes):
    views = replace(scenes.some_views(), depth=np.arange(72.0).reshape(3, 4, 6))
    chosen = views.select([2, 0])
    np.testing.assert_array_equal(chosen.images, views.images[[2, 0]])
    np.testing.assert_array_equal(chosen.depth, views.depth[[2, 0]])
    assert chosen.names == ("002", "000") and chosen.cameras[0] is views.cameras[2]


def test_parts_that_do_not_fit_together_are_refused(scenes):
    views = scenes.some_views()
    with pytest.raises(InputError, match=r"thing: images of shape .* for 2 cameras and 3 names"):
        replace(views, cameras=views.cameras[:2])
    with pytest.raises(InputError, match=r"RGB or RGBA"):
        replace(views, images=views.images[..., :2])
    with pytest.raises(InputError, match=r"the size of a camera differs from its picture of 6 x 4"):
        replace(views, cameras=tuple(camera.downscaled(2) for camera in views.cameras))


def test_a_photograph_is_a_view_from_the_direction_given(tmp_path):
    """A drawn chair is read as a photograph, and points appear where they do in the drawing."""
    chair = ProceduralObjects(samples=1, size=32, views=1).read().load(0)
    write(chair, tmp_path / "chair")
    x, y, z = chair.cameras[0].position / 4
    azimuth, elevation = np.rad2deg(np.arctan2(y, x)), np.rad2deg(np.arcsin(z))
    views = read_photograph(
        tmp_path / "chair" / "000.png", float(azimuth), float(elevation), 4.0, 30.0
    )
    assert len(views) == 1 and views.object_id == "000"
    np.testing.assert_allclose(views.colours(), chair.colours(), atol=1.01 / 255)
    np.testing.assert_allclose(views.cameras[0].c2w, chair.cameras[0].c2w, rtol=0, atol=1e-12)
    assert views.cameras[0].fl_x == pytest.approx(chair.cameras[0].fl_x)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_a_photograph_is_turned_as_its_file_says_and_a_posed_view_is_not(tmp_path, suffix, scenes):
    pixels = scenes.some_views(width=6, height=4).images[0]
    exif = Image.Exif()
    exif[274] = 6
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    Image.fromarray(pixels).save(tmp_path / f"x.{suffix}", exif=exif, **options)
    upright = read_photograph(tmp_path / f"x.{suffix}", 0, 0, 4, 30)
    np.testing.assert_array_equal(upright.images[0], np.rot90(pixels, -1))
    assert (upright.cameras[0].width, upright.cameras[0].height) == (4, 6)
    frame = {"file_path": f"x.{suffix}", "transform_matrix": np.eye(4).tolist()}
    file = scenes.write_json(tmp_path / "transforms.json", {"camera_angle_x": 1, "frames": [frame]})
    posed = read_views(file)
    np.testing.assert_array_equal(posed.images[0], pixels)
    assert (posed.cameras[0].width, posed.cameras[0].height) == (6, 4)


def test_remarks_on_views_are_noted_once(tmp_path, scenes):
    frames = []
    for number in range(3):
        pages = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime")]
        pages[0].save(tmp_path / f"{number}.tif", save_all=True, append_images=pages[1:])
        pose = scenes.pose(scenes.some_views().cameras[number])
        frames.append({"file_path": f"{number}.tif", "transform_matrix": pose})
    file = scenes.write_json(tmp_path / "transforms.json", {"camera_angle_x": 1, "frames": frames})
    with pytest.warns(InputWarning, match=r"0 holds 2 frames .* \(like 3 of 3 pictures\)") as noted:
        read_views(file)
    assert len(noted) == 1


def test_a_photograph_that_says_too_little_is_refused(tmp_path, scenes):
    path = scenes.write_png(tmp_path / "photo.png", np.zeros((6, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"photo.png: has no alpha channel.*cut the object out"):
        read_photograph(path, 0, 0, 4, 30)
    assert len(read_photograph(path, 0, 0, 4, 30, ViewOptions(downscale=2))) == 1
    with pytest.raises(InputError, match="field of view: 0 degrees"):
        read_photograph(path, 0, 0, 4, 0)
    with pytest.raises(InputError, match="distance above 0"):
        read_photograph(path, 0, 0, -4, 30)
    with pytest.raises(InputError, match=r"absent.png: no such file"):
        read_photograph(tmp_path / "absent.png", 0, 0, 4, 30)


def test_a_photograph_may_be_wide(tmp_path, scenes):
    path = scenes.write_png(tmp_path / "wide.png", np.zeros((6, 12, 4), np.uint8))
    camera = read_photograph(path, 20, 10, 5, 90).cameras[0]
    assert (camera.fl_x, camera.fl_y) == (pytest.approx(6), pytest.approx(6))
    assert (camera.cx, camera.cy) == (6, 3)
    np.testing.assert_allclose(camera.c2w, orbit(20, 10, 5))


def test_folders_without_views_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_views(tmp_path / "absent")
    with pytest.raises(InputError, match=r"holds no views; give a folder with transforms.json"):
        read_views(tmp_path)
