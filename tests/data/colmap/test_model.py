"""COLMAP's binary and text files: compared with COLMAP itself, and with many kinds of damage."""

import struct
from pathlib import Path

import numpy as np
import pytest

from theta0.data.cameras import project, swap_opencv_opengl
from theta0.data.colmap import count_images, read_colmap
from theta0.data.colmap._records import MODELS, PARAMETERS
from theta0.errors import InputError

from ..photo_files import colmap, make_scene, write_binary, write_text

LANDMARKS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "landmarks"
WRITERS = {"binary": write_binary, "text": write_text}


@pytest.fixture
def scene():
    return make_scene(count=4, points=12)


@pytest.fixture
def model(scene):
    return colmap(scene)


def assert_same_models(one, two):
    assert one.lenses == two.lenses
    for name in ("xyz", "rgb", "photos"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert [image.name for image in one.images] == [image.name for image in two.images]
    for first, second in zip(one.images, two.images, strict=True):
        assert first.camera == second.camera
        for name in ("w2c", "seen", "pixels"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_what_is_written_is_read(tmp_path, scene, model, write):
    found = read_colmap(write(tmp_path / "0", model))
    assert count_images(tmp_path / "0") == 4
    # Points are sorted by number; the files of the test are in reverse order.
    np.testing.assert_array_equal(found.xyz, scene.points[::-1])
    np.testing.assert_array_equal(found.rgb, scene.colours[::-1])
    assert (found.photos == 4).all()
    assert [image.name for image in found.images] == scene.names
    for image, camera in zip(found.images, scene.cameras, strict=True):
        lens = found.lenses[image.camera]
        for name, key in (("width", "w"), ("height", "h"), ("fl_x", "fl_x"), ("cy", "cy")):
            assert lens[key] == getattr(camera, name)
        rotation, shift = image.w2c[:, :3], image.w2c[:, 3]
        c2w = swap_opencv_opengl(np.column_stack([rotation.T, -rotation.T @ shift]))
        np.testing.assert_allclose(c2w, camera.c2w, rtol=0, atol=1e-14)
        pixels = project(found.xyz[image.seen], camera).pixel
        np.testing.assert_allclose(image.pixels, pixels, rtol=0, atol=1e-9)


def test_both_forms_of_a_model_say_the_same_and_the_binary_one_is_taken(tmp_path, model):
    text = read_colmap(write_text(tmp_path / "text", model))
    assert_same_models(text, read_colmap(write_binary(tmp_path / "binary", model)))
    model.images.pop()
    write_text(tmp_path / "binary", model)
    assert_same_models(text, read_colmap(tmp_path / "binary"))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_model_may_lack_points_and_names_may_have_spaces(tmp_path, model, write):
    model.images[0][4] = "one day/in Rome é.png"
    folder = write(tmp_path / "0", model)
    for file in folder.glob("points3D.*"):
        file.unlink()
    found = read_colmap(folder)
    assert found.xyz.shape == (0, 3) and not any(len(image.seen) for image in found.images)
    assert found.images[0].name == "one day/in Rome é.png"


def test_an_image_that_saw_nothing_is_read(tmp_path, model):
    model.images[0][5] = []
    model.images[-1][5] = []
    text = write_text(tmp_path / "text", model)
    found = read_colmap(text)
    assert_same_models(found, read_colmap(write_binary(tmp_path / "binary", model)))
    assert sorted(len(image.seen) for image in found.images) == [0, 0, 12, 12]
    images = text / "images.txt"
    images.write_text(images.read_text().rstrip() + "\n")  # as editors do
    assert_same_models(read_colmap(text), found)


@pytest.mark.slow
@pytest.mark.own_process
def test_colmap_reads_the_same(tmp_path, model):
    """COLMAP reads the files that the test writes, with the same result."""
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is not installed")
    for write in WRITERS.values():
        folder = write(tmp_path / write.__name__, model)
        assert_same_as_colmap(read_colmap(folder), pycolmap.Reconstruction(folder))


@pytest.mark.slow
@pytest.mark.own_process
@pytest.mark.skipif(
    not LANDMARKS.is_dir(), reason="needs shared/data/landmarks beside the checkout"
)
@pytest.mark.parametrize("name", ["british_museum", "statue"])
def test_real_models_are_read_as_colmap_does_in_both_forms(tmp_path, name):
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is not installed")
    theirs = pycolmap.Reconstruction(LANDMARKS / name / "colmap_text")
    theirs.write_binary(tmp_path)
    found = read_colmap(LANDMARKS / name / "colmap_text")
    assert_same_as_colmap(found, theirs)
    assert_same_as_colmap(read_colmap(tmp_path), theirs)


def assert_same_as_colmap(found, theirs):
    by_name = {image.name: image for image in theirs.images.values()}
    assert [image.name for image in found.images] == sorted(by_name)
    numbers = sorted(theirs.points3D)
    points = [theirs.points3D[number] for number in numbers]
    np.testing.assert_array_equal(found.xyz, [point.xyz for point in points])
    np.testing.assert_array_equal(found.rgb, [point.color for point in points])
    photos = [len({element.image_id for element in point.track.elements}) for point in points]
    np.testing.assert_array_equal(found.photos, photos)
    for image in found.images:
        other = by_name[image.name]
        np.testing.assert_allclose(image.w2c, other.cam_from_world().matrix(), rtol=0, atol=1e-12)
        seen = [point for point in other.points2D if point.has_point3D()]
        np.testing.assert_array_equal(
            np.array(numbers)[image.seen], [point.point3D_id for point in seen]
        )
        np.testing.assert_array_equal(image.pixels, [point.xy for point in seen])
        camera, lens = theirs.cameras[other.camera_id], found.lenses[image.camera]
        assert (camera.width, camera.height) == (lens["w"], lens["h"])
        names = PARAMETERS[camera.model.name].split()
        values = [lens["fl_x"] if name == "f" else lens[name] for name in names]
        assert values == camera.params.tolist()


@pytest.mark.slow
@pytest.mark.own_process
def test_models_of_lenses_have_colmaps_numbers():
    pycolmap = pytest.importorskip("pycolmap", reason="pycolmap is not installed")
    theirs = {int(kind): name for name, kind in pycolmap.CameraModelId.__members__.items()}
    assert all(theirs[number] == name for number, name in enumerate(MODELS))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("name", ["OPENCV_FISHEYE", "FOV"])
def test_unsupported_camera_models_are_refused_by_name(tmp_path, model, write, name):
    model.cameras[0][1] = name
    with pytest.raises(InputError, match=f"the camera model {name} is not supported"):
        read_colmap(write(tmp_path, model))


def test_a_model_of_a_later_colmap_is_refused_by_its_number(tmp_path, model):
    model.cameras[0][1] = 99
    with pytest.raises(InputError, match=r"cameras.bin: the camera model number 99 is not"):
        read_colmap(write_binary(tmp_path, model))


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin", "points3D.bin"])
def test_a_binary_file_cut_anywhere_or_with_more_behind_is_refused(tmp_path, file):
    path = write_binary(tmp_path, colmap(make_scene(count=2, points=2))) / file
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(
            InputError, match=f"{file}: (is truncated|is truncated or damaged: declares|has a name)"
        ):
            read_colmap(tmp_path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(InputError, match=f"{file}: continues after its last entry"):
        read_colmap(tmp_path)


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin", "points3D.bin"])
def test_damaged_binary_files_are_read_or_refused(tmp_path, model, file):
    """Changed bytes raise nothing but an InputError."""
    path = write_binary(tmp_path, model) / file
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(100):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 2):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        refused += is_refused(tmp_path)
    assert refused > 2


@pytest.mark.parametrize("file", ["cameras.txt", "images.txt", "points3D.txt"])
def test_damaged_text_files_are_read_or_refused(tmp_path, model, file):
    path = write_text(tmp_path, model) / file
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    words = [b"nan", b"1e999", b"-1", b"9" * 400, b"", b"x", b"\n", b"\xff"]
    for _ in range(100):
        at, length = rng.integers(0, len(whole)), rng.integers(1, 9)
        path.write_bytes(whole[:at] + words[rng.integers(len(words))] + whole[at + length :])
        refused += is_refused(tmp_path)
    assert refused > 2


def is_refused(folder):
    try:
        read_colmap(folder)
    except InputError:
        return True
    return False


@pytest.mark.parametrize("file", ["cameras.txt", "images.txt", "points3D.txt"])
def test_a_text_file_that_lacks_lines_is_refused(tmp_path, model, file):
    path = write_text(tmp_path, model) / file
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-2]))
    with pytest.raises(InputError, match=rf"{file}: declares \d+ lines and has \d+"):
        read_colmap(tmp_path)


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin", "points3D.bin"])
def test_counts_are_checked_before_memory_is_taken(tmp_path, model, file):
    path = write_binary(tmp_path, model) / file
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])
    with pytest.raises(
        InputError,
        match=f"{file}: is truncated or damaged: declares {1 << 60} [a-z]+ .*copy it again",
    ):
        read_colmap(tmp_path)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda m: m.images[0].__setitem__(1, [0.0, 0.0, 0.0, 0.0]), "has no pose"),
        (lambda m: m.images[0].__setitem__(2, [0.0, float("nan"), 0.0]), "has no pose"),
        (lambda m: m.images[0].__setitem__(3, 999), "has camera 999, which is missing"),
        (lambda m: m.cameras[0][4].__setitem__(0, float("inf")), "give 4 finite numbers"),
        (lambda m: m.points[0].__setitem__(1, [float("inf"), 0.0, 0.0]), "that are not finite"),
    ],
)
def test_entries_that_make_no_sense_are_refused(tmp_path, model, write, spoil, message):
    spoil(model)
    with pytest.raises(InputError, match=message):
        read_colmap(write(tmp_path, model))
