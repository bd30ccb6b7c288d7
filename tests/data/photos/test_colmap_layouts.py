"""Photographs posed by COLMAP: their world, ranges and lenses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data.cameras import Distortion, project
from theta0.data.cameras._lens import distort
from theta0.data.photos import PhotoOptions as Options
from theta0.data.photos import Photos, read_photos
from theta0.errors import InputError

from ..photo_files import colmap, make_scene, write_binary, write_images, write_text

LANDMARKS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "landmarks"
FEW = Options(test=1, validation=1)


def write(folder, scene, model=None, place_of_model="sparse/0", images="images"):
    write_images(folder / images, scene)
    write_binary(folder / place_of_model, model or colmap(scene))
    return folder


@pytest.mark.parametrize(
    ("model", "images"),
    [("sparse/0", "images"), ("sparse", "images"), ("dense/sparse", "dense/images"),
     ("colmap_text", "images"), ("colmap/sparse/0", "images"), (".", "images")],
)  # fmt: skip
def test_a_model_is_found_where_people_keep_it(tmp_path, scene, model, images):
    found = read_photos(write(tmp_path, scene, None, model, images), FEW)
    assert isinstance(found, Photos) and len(found.names) == 7
    for row, image in enumerate(scene.images):
        np.testing.assert_array_equal(found.load(row).image, image)
    direct = read_photos(tmp_path / model, FEW)  # the model's own folder
    assert direct.names == found.names
    np.testing.assert_array_equal(direct.load(3).image, found.load(3).image)


def test_pictures_may_lie_elsewhere(tmp_path, scene):
    write_images(tmp_path / "pictures", scene)
    write_binary(tmp_path / "model", colmap(scene))
    with pytest.raises(InputError, match=r"no folder of images beside it; give it"):
        read_photos(tmp_path / "model", FEW)
    found = read_photos(tmp_path / "model", replace(FEW, images=str(tmp_path / "pictures")))
    np.testing.assert_array_equal(found.load(2).image, scene.images[2])


@pytest.mark.parametrize("form", [write_binary, write_text])
def test_points_appear_where_they_did_in_the_world_that_is_made(tmp_path, scene, form):
    write_images(tmp_path / "images", scene)
    form(tmp_path / "sparse", colmap(scene))
    found = read_photos(tmp_path, FEW)
    world = found.world_from_file
    assert found.names == tuple(name.removesuffix(".png") for name in scene.names)
    xyz, rgb = found.points  # pyright: ignore[reportGeneralTypeIssues]
    np.testing.assert_allclose(xyz, world.points(scene.points[::-1]), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(rgb, scene.colours[::-1])
    np.testing.assert_allclose(np.median(xyz, axis=0), 0, atol=1e-12)
    for row, camera in enumerate(scene.cameras):
        photo = found.load(row)
        before = project(scene.points, camera)
        after = project(world.points(scene.points), photo.camera)
        np.testing.assert_allclose(after.pixel, before.pixel, rtol=0, atol=1e-9)
        np.testing.assert_allclose(world.inverse.pose(photo.camera.c2w), camera.c2w, atol=1e-12)
        # The nearest and the farthest of 40 points do not count.
        near, far = np.percentile(np.sort(after.depth)[1:-1], [0.1, 99.9])
        assert (photo.near, photo.far) == (pytest.approx(0.9 * near), pytest.approx(1.2 * far))


def test_points_of_two_photographs_say_nothing_of_depth(tmp_path, scene):
    model = colmap(scene)
    for point in model.points[:5]:
        point[1] = [1e5, 1e5, 1e5]
        point[4] = point[4][:2]
    found = read_photos(write(tmp_path, scene, model), FEW)
    assert len(found.points[0]) == 35 and np.abs(found.points[0]).max() < 5
    assert max(frame.far for frame in found.frames) < 20
    # But if there are hardly others, they are taken.
    for point in model.points[5:-9]:
        point[4] = point[4][:2]
    found = read_photos(write(tmp_path / "few", scene, model), FEW)
    assert len(found.points[0]) == 40


def test_a_photo_that_sees_no_points_has_the_range_of_the_unit_sphere(tmp_path, scene):
    model = colmap(scene)
    model.images[0][5] = []  # the last by name
    found = read_photos(write(tmp_path, scene, model), FEW)
    depth = float(project(np.zeros(3), found.load(6).camera).depth)
    photo = found.load(6)
    assert photo.near == pytest.approx(0.9 * (depth - 1)) and depth > 1.1
    assert photo.far == pytest.approx(1.2 * (depth + 1))


def test_depths_that_are_given_are_in_units_of_the_file(tmp_path, scene):
    found = read_photos(write(tmp_path, scene), replace(FEW, near=2.0, far=50.0))
    scale = found.world_from_file.scale
    assert {(frame.near, frame.far) for frame in found.frames} == {(2 * scale, 50 * scale)}
    with pytest.raises(InputError, match=r"photo_00.png: near is 60 and far .*give 0 < near < far"):
        read_photos(tmp_path, replace(FEW, near=60.0))


@pytest.mark.parametrize(
    ("model", "names"),
    [("OPENCV", "k1 k2 p1 p2"), ("FULL_OPENCV", "k1 k2 p1 p2 k3 k4 k5 k6")],
)
def test_pictures_are_undistorted_with_their_cameras(tmp_path, scene, model, names):
    values = [-0.15, 0.05, 0.01, -0.02, 0.02, 0.05, -0.03, 0.01][: len(names.split())]
    distortion = Distortion(**dict(zip(names.split(), values, strict=True)))
    entries = colmap(scene, lambda points: distort(points, distortion), model, values)
    found = read_photos(write(tmp_path, scene, entries), FEW)
    for row, camera in enumerate(scene.cameras):
        photo = found.load(row)
        # The undistorted picture, cropped or extended by whole pixels on all sides.
        undistorted = project(scene.points, camera).pixel
        pixel = project(found.world_from_file.points(scene.points), photo.camera).pixel
        shift = np.array([photo.camera.width - camera.width, photo.camera.height - camera.height])
        assert (shift % 2 == 0).all()
        np.testing.assert_allclose(pixel, undistorted + shift / 2, rtol=0, atol=1e-9)


@pytest.mark.slow
@pytest.mark.own_process
@pytest.mark.skipif(
    not LANDMARKS.is_dir(), reason="needs shared/data/landmarks beside the checkout"
)
@pytest.mark.parametrize("name", ["british_museum", "statue"])
def test_real_points_lie_on_their_features_after_undistortion(name):
    """As near as in COLMAP's own model, with COLMAP's undistortion."""
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is not installed")
    theirs = pycolmap.Reconstruction(LANDMARKS / name / "colmap_text")
    found = read_photos(LANDMARKS / name, FEW)
    images = {Path(image.name).stem: image for image in theirs.images.values()}
    for row in (0, 3):
        image, camera = images[found.names[row]], found.camera(row)
        lens = theirs.cameras[image.camera_id]
        seen = [point for point in image.points2D if point.has_point3D()]
        features = np.array([point.xy for point in seen])
        world = np.array([theirs.points3D[point.point3D_id].xyz for point in seen])
        distorted = lens.img_from_cam(image.cam_from_world() * world)
        before = np.linalg.norm(distorted - features, axis=1)
        undistorted = lens.cam_from_img(features) * [camera.fl_x, camera.fl_y] + [
            camera.cx,
            camera.cy,
        ]
        pixel = project(found.world_from_file.points(world), camera).pixel
        after = np.linalg.norm(pixel - undistorted, axis=1)
        # Undistortion stretches by a few per cent.
        np.testing.assert_allclose(after, before, rtol=0.05, atol=1e-6)
        assert np.median(after) < 0.6
        theirs_undistorted = pycolmap.undistort_camera(pycolmap.UndistortCameraOptions(), lens)
        assert (
            abs(camera.width - theirs_undistorted.width) <= 2
            and abs(camera.height - theirs_undistorted.height) <= 2
        )


def test_of_several_models_the_largest_is_read_and_the_others_are_named(tmp_path, scene):
    model = colmap(scene)
    small = colmap(make_scene(count=3, seed=1))
    write_binary(write(tmp_path, scene, small) / "sparse" / "1", model)
    write_text(tmp_path / "sparse" / "10", small)
    found = read_photos(tmp_path, FEW)
    assert len(found.names) == 7
    assert found.skipped == (
        ("sparse/0", "is another model, of 3 images; sparse/1 has 7"),
        ("sparse/10", "is another model, of 3 images; sparse/1 has 7"),
    )


def test_missing_pictures_are_named_or_left_out_as_asked(tmp_path, scene):
    write(tmp_path, scene)
    for number in (1, 4):
        (tmp_path / "images" / f"photo_{number:02d}.png").unlink()
    with pytest.raises(
        InputError, match=r"2 of 7 pictures are missing, such as .*photo_01.png, .*"
    ):
        read_photos(tmp_path, FEW)
    found = read_photos(tmp_path, replace(FEW, allow_missing=True))
    assert found.names == ("photo_00", "photo_02", "photo_03", "photo_05", "photo_06")
    missing = "the picture is missing"
    assert found.skipped == (("photo_01.png", missing), ("photo_04.png", missing))
    np.testing.assert_array_equal(found.load(1).image, scene.images[2])


def test_a_picture_listed_twice_is_refused(tmp_path, scene):
    model = colmap(scene)
    model.images[1][4] = model.images[0][4]
    with pytest.raises(InputError, match=r"photo_06.png: is the picture of two photographs"):
        read_photos(write(tmp_path, scene, model), FEW)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "a/../../x.png"])
def test_no_name_leads_out_of_the_folder(tmp_path, scene, name):
    model = colmap(scene)
    model.images[1][4] = name
    with pytest.raises(InputError, match=r"leads out of its folder; make it relative"):
        read_photos(write(tmp_path, scene, model), FEW)


def test_pictures_are_those_of_the_model(tmp_path, scene):
    """Smaller copies are, others are not; and they are never turned."""
    write(tmp_path, scene)
    path = tmp_path / "images" / "photo_00.png"
    Image.fromarray(scene.images[0]).resize((12, 8)).save(path)
    camera = read_photos(tmp_path, FEW).load(0).camera
    assert (camera.width, camera.fl_x) == (12, pytest.approx(scene.cameras[0].fl_x / 2))
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned by a quarter
    Image.fromarray(scene.images[0]).save(path, exif=exif)
    np.testing.assert_array_equal(read_photos(tmp_path, FEW).load(0).image, scene.images[0])
    Image.fromarray(scene.images[0]).resize((16, 24)).save(path)
    with pytest.raises(InputError, match=r"photo_00.png: is 16 x 24, but .* described as 24 x 16"):
        read_photos(tmp_path, FEW)


def test_names_in_several_folders_are_told_apart(tmp_path, scene):
    model = colmap(scene)
    for number, image in enumerate(model.images):
        image[4] = f"camera{number % 2}/{number // 2}.png"
    write_binary(tmp_path / "sparse", model)
    for row, image in enumerate(model.images):
        path = tmp_path / "images" / image[4]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene.images[::-1][row]).save(path)
    found = read_photos(tmp_path, FEW)
    assert found.names[:2] == ("camera0_0.png", "camera0_1.png")
    assert len(set(found.names)) == 7
