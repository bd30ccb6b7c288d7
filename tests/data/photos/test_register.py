"""Photos of a known place get their cameras back; a run that is stopped or crashes goes on."""

import hashlib
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data.cameras import Camera, project
from theta0.data.colmap import read_colmap
from theta0.data.photos import RegisterConfig, register_photos
from theta0.data.photos._layouts import range_of, reliable_points
from theta0.data.photos._work import exif_focal
from theta0.errors import InputError, MissingExtra

from .photo_scene import FOCAL, SIZE, aligned, cameras, degrees_apart, photo

# Not imported: with its libraries in this process Pillow could write no PNG files.
needs_pycolmap = pytest.mark.skipif(
    find_spec("pycolmap") is None, reason="pycolmap is not installed"
)

ONE_THREAD = RegisterConfig(threads=1, keep_work=True)
"""The machine may have other things to do"""


@pytest.fixture(scope="module")
def pictures():
    """What six cameras see of the corner."""
    return [photo(camera) for camera in cameras()]


@pytest.fixture(scope="module")
def trip(tmp_path_factory, pictures):
    """Six photos of the corner, as people keep them."""
    folder = tmp_path_factory.mktemp("photos") / "trip"
    (folder / "day 2").mkdir(parents=True)
    for number, pixels in enumerate(pictures):
        image = Image.fromarray(pixels)
        if number == 2:  # lies on its side, as a camera held upright writes it; 42 mm
            exif = Image.Exif()
            exif[274] = 6
            exif.get_ifd(0x8769)[41989] = 42
            turned = image.transpose(Image.Transpose.ROTATE_90)
            turned.save(folder / "2 höhe.jpg", quality=95, exif=exif)
        elif number == 5:  # the name of another in another folder
            image.save(folder / "day 2/1.png")
        else:
            image.save(folder / f"{number}.png")
    Image.fromarray(pictures[0]).save(folder / "copy.bmp")
    (folder / "broken.jpg").write_bytes((folder / "2 höhe.jpg").read_bytes()[:3000])
    (folder / "notes.txt").write_text("no photo")
    (folder / "lost.jpg").symlink_to(folder / "nowhere.jpg")
    return folder


FILES = ("0.png", "1.png", "2 höhe.jpg", "3.png", "4.png", "day 2/1.png")


@pytest.fixture(scope="module")
def done(tmp_path_factory, trip):
    """The trip, registered: what is told of it, its folder and what went on."""
    out, told = tmp_path_factory.mktemp("done") / "out", []
    registered = register_photos(
        trip, out, ONE_THREAD, on_progress=lambda *progress: told.append(progress)
    )
    return registered, out, told


def poses(of):
    return np.stack([camera.c2w for camera in of])


def frames(out):
    return json.loads((out / "transforms.json").read_text("utf-8"))["frames"]


def contents(folder):
    """Digest of every file, by its name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def model(out):
    return read_colmap(Path(f"{out}.work/pinholes/sparse"))


@needs_pycolmap
def test_cameras_are_found_where_they_stood(done):
    registered, _, _ = done
    assert registered.files == FILES and registered.unregistered == ()
    found, truth = poses(registered.cameras), poses(cameras())
    similarity = aligned(found, truth)
    for camera, pose, true in zip(registered.cameras, found, truth, strict=True):
        moved = similarity.pose(pose)
        # They stand 2.5 from the corner, 0.32 from one another; features are found to 0.14 pixels.
        assert np.linalg.norm(moved[:, 3] - true[:, 3]) < 0.02
        assert degrees_apart(moved, true) < 0.2
        assert camera.fl_x == camera.fl_y == pytest.approx(FOCAL, rel=0.01)
    # All were held level, so z is up here as it is there. They look down by 10 degrees in the mean,
    # and almost in one direction: a part of that is taken for a slope.
    assert similarity.rotation[2, 2] > np.cos(np.deg2rad(2))


@needs_pycolmap
def test_points_are_seen_where_features_were_found(done):
    registered, out, _ = done
    found = model(out)
    with np.load(out / "points.npz") as points:
        np.testing.assert_allclose(points["xyz"], registered.xyz, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(points["rgb"], registered.rgb)
        xyz = points["xyz"].astype(float)
    # Those seen in three photos or more are kept, in their order.
    kept = reliable_points(found.photos)
    row, errors = np.cumsum(kept) - 1, []
    for image, frame in zip(found.images, frames(out), strict=True):
        lens = [frame[key] for key in ("w", "h", "fl_x", "fl_y", "cx", "cy")]
        camera = Camera(*lens, np.array(frame["transform_matrix"]))
        own = kept[image.seen]
        seen = project(xyz[row[image.seen[own]]], camera)
        errors.append(np.linalg.norm(seen.pixel - image.pixels[own], axis=1))
        assert (frame["near"], frame["far"]) == pytest.approx(range_of(seen.depth))
    # COLMAP's is in pixels before they are undistorted, which are a few percent larger or smaller.
    assert np.concatenate(errors).mean() == pytest.approx(registered.reprojection_error, rel=0.1)
    assert 0.02 < registered.reprojection_error < 0.3


@needs_pycolmap
def test_pictures_are_those_of_pinholes_all_over(done):
    registered, out, _ = done
    similarity = aligned(poses(registered.cameras), poses(cameras()))
    for camera, frame in zip(registered.cameras, frames(out), strict=True):
        pixels = np.asarray(Image.open(out / frame["file_path"]))
        assert pixels.shape == (camera.height, camera.width, 3)
        there = replace(camera, c2w=similarity.pose(camera.c2w))
        expected = photo(there, distortion=0.0)
        error = np.square(pixels / 255 - expected / 255).mean(axis=2)
        # Interpolation, JPEG, and poses off by a tenth of a pixel.
        assert -10 * np.log10(error.mean()) > 24
        for edge in (error[:2], error[-2:], error[:, :2], error[:, -2:]):
            assert -10 * np.log10(edge.mean()) > 20  # a blank one would have 6


@needs_pycolmap
def test_what_cannot_be_used_is_named(done):
    registered, out, _ = done
    (broken, why), (copy, same), (lost, nowhere) = registered.skipped
    assert broken == "broken.jpg" and "damaged or cut short" in why
    assert (copy, same) == ("copy.bmp", "is the same photo as 0.png")
    assert lost == "lost.jpg" and "no such file" in nowhere
    said = json.loads((out / "transforms.json").read_text("utf-8"))
    assert said["skipped"] == dict(registered.skipped) and said["unregistered"] == {}
    assert said["registered"] == 6 and said["points"] == len(registered.xyz)
    assert said["pycolmap"].startswith("4") and said["settings"]["max_size"] == 1000
    names = [frame["file_path"] for frame in frames(out)]
    assert names == [f"images/{name}.jpg" for name in ("0", "1", "2 höhe", "3", "4", "1-2")]
    assert not {"split", "mask_path"} & frames(out)[0].keys()


@needs_pycolmap
def test_the_world_is_a_similarity_of_colmaps(done):
    registered, out, _ = done
    found = model(out)
    said = json.loads((out / "transforms.json").read_text("utf-8"))["world_from_colmap"]
    scale, rotation, translation = (np.array(said[key]) for key in
                                    ("scale", "rotation", "shift"))  # fmt: skip
    kept = reliable_points(found.photos)
    moved = scale * found.xyz[kept] @ rotation.T + translation
    np.testing.assert_allclose(moved, registered.xyz, rtol=0, atol=1e-12)
    for image, camera in zip(found.images, registered.cameras, strict=True):
        centre = scale * rotation @ (-image.w2c[:, :3].T @ image.w2c[:, 3]) + translation
        np.testing.assert_allclose(centre, camera.position, rtol=0, atol=1e-12)


@needs_pycolmap
def test_focal_lengths_begin_at_exif_or_at_colmaps_guess(done):
    _, out, _ = done
    database = sqlite3.connect(f"{out}.work/database.db")
    rows = database.execute(
        "SELECT width, height, params, prior_focal_length FROM cameras"
    ).fetchall()
    database.close()
    assert len(rows) == 6
    for number, (width, height, params, known) in enumerate(rows):
        focal = np.frombuffer(params)[0]
        assert (width, height) == SIZE  # upright
        assert known == (number == 2)
        assert focal == pytest.approx(42 / 43.27 * math.hypot(*SIZE) if known else 1.2 * 320)


@needs_pycolmap
def test_progress_is_told_by_stage(done):
    _, _, told = done
    totals = {"read": 9, "features": 6, "pairs": 15, "registered": 6, "undistorted": 6,
              "written": 6}  # fmt: skip
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == list(totals)
    for stage, total in totals.items():
        counts = [count for name, count, _ in told if name == stage]
        # Pairs are verified, and photos placed, once more through one lens.
        # It is told as it is noticed, so each time begins where it falls back.
        falls = [at for at in range(1, len(counts)) if counts[at] < counts[at - 1]]
        times = np.split(counts, falls)
        assert all(once[0] == 0 for once in times)
        assert len(times) == (2 if stage in ("pairs", "registered") else 1)
        assert {all_ for name, _, all_ in told if name == stage} == {total}
        assert counts[-1] == (0 if stage == "undistorted" else total)


@pytest.mark.slow
@needs_pycolmap
def test_a_run_that_is_stopped_at_every_stage_ends_as_one_that_is_not(done, trip, tmp_path):
    out, work = tmp_path / "out", tmp_path / "out.work"
    stages: set[str] = set()

    def stopping(at):
        def tell(stage, count, total):
            stages.add(stage)
            if stage == at:
                raise KeyboardInterrupt

        return tell

    for at in ("read", "features", "pairs", "registered", "undistorted", "written"):
        stages.clear()
        with pytest.raises(KeyboardInterrupt):
            register_photos(trip, out, RegisterConfig(threads=1), on_progress=stopping(at))
        assert not out.exists()
        assert {path.name for path in tmp_path.iterdir()} <= {"out.work"}
        assert "read" not in stages or at in ("read", "features")
    # What was finished was not done again.
    log = (work / "colmap.log").read_text()
    assert log.count("Features:") == 6
    assert stages == {"written"} or stages == {"undistorted", "written"}
    register_photos(trip, out, RegisterConfig(threads=1))
    assert not work.exists()
    assert contents(out) == contents(done[1])


@needs_pycolmap
@pytest.mark.slow
def test_two_threads_find_the_same_places(done, trip, tmp_path):
    one, two = done[0], register_photos(trip, tmp_path / "out", RegisterConfig(threads=2))
    assert two.files == one.files
    similarity = aligned(poses(two.cameras), poses(one.cameras))
    for camera, same in zip(two.cameras, one.cameras, strict=True):
        moved = similarity.pose(camera.c2w)
        # As far as each is from the truth.
        assert np.linalg.norm(moved[:, 3] - same.c2w[:, 3]) < 0.02
        assert degrees_apart(moved, same.c2w) < 0.2


def write(folder: Path, pictures) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@needs_pycolmap
@pytest.mark.slow
@pytest.mark.parametrize("lenses", ["one", "auto"])
def test_a_film_through_one_lens(lenses, pictures, tmp_path):
    told = []
    config = RegisterConfig(
        matching="sequential", overlap=1, lenses=lenses, threads=1, keep_work=True
    )
    registered = register_photos(
        write(tmp_path / "film", pictures), tmp_path / "out", config,
        on_progress=lambda *progress: told.append(progress),
    )  # fmt: skip
    assert len(registered.files) == 6
    lenses = {(one.fl_x, one.fl_y, one.cx, one.cy, one.width) for one in registered.cameras}
    ((focal, *_),) = lenses
    assert focal == pytest.approx(FOCAL, rel=0.01)
    assert ("pairs", 5, 5) in told
    database = sqlite3.connect(tmp_path / "out.work/database.db")
    assert database.execute("SELECT COUNT(*) FROM two_view_geometries").fetchone() == (5,)
    database.close()


@pytest.mark.slow
@needs_pycolmap
def test_of_two_places_the_one_with_more_photos_is_kept(pictures, tmp_path):
    elsewhere = [photo(camera, seed=1) for camera in cameras(3)]
    folder = write(tmp_path / "photos", [*elsewhere, *pictures[:4]])
    registered = register_photos(folder, tmp_path / "out", RegisterConfig(threads=1))
    assert registered.files == ("3.png", "4.png", "5.png", "6.png")
    assert [file for file, _ in registered.unregistered] == ["0.png", "1.png", "2.png"]
    assert "another model, of 3 photos" in registered.unregistered[0][1]
    assert not (tmp_path / "out.work").exists()


@needs_pycolmap
@pytest.mark.parametrize("count", [1, 4])
def test_a_focal_length_that_ran_away_is_no_place(done, trip, tmp_path, monkeypatch, count):
    module = sys.modules[RegisterConfig.__module__]
    shutil.copytree(f"{done[1]}.work", tmp_path / "out.work")
    whole = module.run_colmap(tmp_path / "out.work", 1, lambda *told: None)
    images, lenses = list(whole.model.images), dict(whole.model.lenses)
    for number in range(1, 1 + count):
        lens = lenses[images[number].camera]
        lenses[-number] = {**lens, "fl_x": 40 * lens["fl_x"], "fl_y": 40 * lens["fl_y"]}
        images[number] = replace(images[number], camera=-number)
    model = replace(whole.model, images=tuple(images), lenses=lenses)
    monkeypatch.setattr(module, "run_colmap", lambda *arguments: replace(whole, model=model))
    if count == 4:
        with pytest.raises(InputError, match=r"of 4 photos no focal length .* leaves 2"):
            register_photos(trip, tmp_path / "out", ONE_THREAD)
        return
    registered = register_photos(trip, tmp_path / "out", ONE_THREAD)
    assert registered.files == (FILES[0], *FILES[2:])
    assert registered.unregistered == ((FILES[1], "its focal length could not be found"),)
    assert len(frames(tmp_path / "out")) == len(frames(done[1])) - 1


@pytest.mark.slow
@needs_pycolmap
def test_photos_of_different_things_make_no_place(tmp_path):
    folder = write(tmp_path / "photos", [photo(cameras()[0], seed) for seed in range(3)])
    with pytest.raises(InputError, match="no 3 of its 3 photos could be placed together"):
        register_photos(folder, tmp_path / "out", RegisterConfig(threads=1))
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@needs_pycolmap
def test_the_process_ends_with_the_one_that_started_it(done):
    from theta0.data.colmap import _run as _colmap

    # Standard input that is at its end: nobody holds the other end of the pipe.
    ended = subprocess.run(
        [sys.executable, "-P", str(_colmap._PROCESS), f"{done[1]}.work", "1"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, b"")


# What follows needs no pycolmap: the process is another one.


@pytest.fixture
def three(tmp_path):
    """Three photos that are quickly read."""
    rng = np.random.default_rng(0)
    return write(tmp_path / "photos", rng.integers(0, 256, (3, 8, 8, 3), np.uint8))


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Have this done in place of COLMAP."""

    def put(code):
        from theta0.data.colmap import _run as _colmap

        module = sys.modules[RegisterConfig.__module__]
        monkeypatch.setattr(module, "require_pycolmap", lambda: None)
        script = tmp_path / "process.py"
        script.write_text(f"import json, os, sys, time, signal\n{code}")
        monkeypatch.setattr(_colmap, "_PROCESS", script)

    return put


SAY = 'print(json.dumps({"stage": "pairs", "done": 1, "total": 3}), flush=True)\n'


@pytest.mark.parametrize(
    "code, words",
    [
        (SAY + "os.abort()", r"comparing pairs of photos \(its process was ended by SIGABRT\)"),
        (SAY + "os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        (SAY + "os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("os._exit(3)", r"finding features \(its process ended with code 3\)"),
        (SAY + "print('{\"st', end='', flush=True); os.abort()", "pairs.* by SIGABRT"),
        ("print(json.dumps({'error': 'ValueError: a\\nb'})); sys.exit(1)", r"\(ValueError: a b\)"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX'")
def test_a_crash_is_an_error_in_one_line(three, tmp_path, process, code, words):
    process(code)
    with pytest.raises(InputError, match=words) as caught:
        register_photos(three, tmp_path / "out")
    assert "\n" not in str(caught.value) and "out.work/colmap.log" in str(caught.value)
    assert not (tmp_path / "out").exists() and (tmp_path / "out.work").is_dir()


def test_an_interrupt_ends_the_process(three, tmp_path, process):
    file = str(tmp_path / "pid")
    process(f"open({file!r}, 'w').write(str(os.getpid()))\n{SAY}time.sleep(60)")

    def stop(stage, count, total):
        if stage == "pairs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        register_photos(three, tmp_path / "out", on_progress=stop)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_missing_extra_is_named(three, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(MissingExtra, match=r"pip install 'theta0\[colmap\]'"):
        register_photos(three, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"photos"}


def test_fewer_than_three_photos_are_refused(three, tmp_path, process):
    process("")
    (three / "2.png").write_bytes((three / "1.png").read_bytes())
    with pytest.raises(
        InputError, match=r"holds 2 photos .* 3 that show the same place \(2.png: is"
    ):
        register_photos(three, tmp_path / "out")
    assert not list(tmp_path.glob("*out*")) and not list(tmp_path.glob(".*"))


def test_places_for_the_result_that_cannot_be(three, tmp_path, process):
    process("")
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="exists already; remove it, or write elsewhere"):
        register_photos(three, tmp_path / "there")
    with pytest.raises(InputError, match="lies in the folder of the photos"):
        register_photos(three, three / "out")
    (tmp_path / "out.work").mkdir()
    with pytest.raises(InputError, match=r"out\.work: .* holds something else; move it"):
        register_photos(three, tmp_path / "out")
    for folder, words in [
        (tmp_path / "none", "no such folder"),
        (tmp_path / "there", "no picture"),
    ]:
        with pytest.raises(InputError, match=words):
            register_photos(folder, tmp_path / "out")


def test_a_run_is_not_gone_on_with_in_another_way(three, tmp_path, process):
    process("os._exit(1)")
    with pytest.raises(InputError, match="COLMAP failed"):
        register_photos(three, tmp_path / "out")
    for config in (RegisterConfig(max_size=800), RegisterConfig(seed=1)):
        with pytest.raises(InputError, match="was begun with other photos or settings"):
            register_photos(three, tmp_path / "out", config)
    # These change nothing of the result.
    with pytest.raises(InputError, match="COLMAP failed"):
        register_photos(three, tmp_path / "out", RegisterConfig(threads=1, keep_work=True))
    shutil.copy(three / "1.png", three / "7.png")
    with pytest.raises(InputError, match="was begun with other photos or settings"):
        register_photos(three, tmp_path / "out")


def test_one_lens_has_one_size(three, tmp_path, process):
    process("")
    Image.new("RGB", (9, 8)).save(three / "wide.png")
    with pytest.raises(InputError, match=r"0\.png is 8 x 8 and wide\.png is 9 x 8"):
        register_photos(three, tmp_path / "out", RegisterConfig(lenses="one"))


def test_large_photos_are_made_smaller_and_small_ones_left(tmp_path, process):
    process("os._exit(1)")
    for width, height in ((300, 200), (100, 200), (20, 30)):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (width, height), (width % 256, 0, 0)).save(
            tmp_path / f"photos/{width}.png"
        )
    with pytest.raises(InputError, match="COLMAP failed"):
        register_photos(tmp_path / "photos", tmp_path / "out", RegisterConfig(max_size=100))
    written = sorted((tmp_path / "out.work/images").iterdir())
    shapes = [np.asarray(Image.open(path)).shape for path in written]
    assert shapes == [(100, 50, 3), (30, 20, 3), (67, 100, 3)]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"max_size": 10}, "max_size is 10"),
        ({"features": 0}, "features is 0"),
        ({"overlap": 0}, "overlap is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_settings_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        RegisterConfig(**change)


FILM, LENS, RESOLUTION, UNIT, WIDTH, HEIGHT = 41989, 37386, 41486, 41488, 40962, 40963


@pytest.mark.parametrize(
    "tags, focal",
    [
        ({}, None),
        ({FILM: 43}, 43 / 43.27),
        ({FILM: 0, LENS: 8.0}, None),
        # 8 mm before a sensor of 100 pixels a mm, 6 x 4.5 mm.
        ({LENS: 8.0, RESOLUTION: 1000.0, UNIT: 3, WIDTH: 600, HEIGHT: 450}, 8 / 7.5),
        ({LENS: 8.0, RESOLUTION: 2540.0, UNIT: 2, WIDTH: 600, HEIGHT: 450}, 8 / 7.5),
        # The size of the picture itself: 60 x 45 pixels of 0.1 mm.
        ({LENS: 8.0, RESOLUTION: 100.0, UNIT: 3}, 8 / 7.5),
        ({LENS: 8.0, RESOLUTION: 1000.0, UNIT: 1}, None),
        ({LENS: 8.0, RESOLUTION: 0.0, UNIT: 3}, None),
        ({FILM: 60000}, None),
        ({FILM: 1}, None),
    ],
)
def test_focal_lengths_in_exif(tmp_path, tags, focal):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(tags)
    Image.new("RGB", (60, 45)).save(tmp_path / "photo.jpg", exif=exif)
    assert exif_focal(tmp_path / "photo.jpg") == (focal and pytest.approx(focal))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_tells_nothing(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[FILM] = 43
    Image.new("RGB", (60, 45)).save(tmp_path / "photo.jpg", exif=exif)
    whole = (tmp_path / "photo.jpg").read_bytes()
    start = whole.index(b"Exif\0\0") + 6
    for cut in range(start, start + 40):
        (tmp_path / "photo.jpg").write_bytes(whole[:cut] + b"\xff" * 3 + whole[cut + 3 :])
        found = exif_focal(tmp_path / "photo.jpg")
        assert found is None or 0.1 < found < 50
