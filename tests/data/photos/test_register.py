"""Photos of a known scene get their cameras back; interrupted runs are continued."""

import hashlib
import json
import math
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
from theta0.errors import InputError

from .photo_scene import FOCAL, SIZE, aligned, cameras, degrees_apart, photo

# Not imported: with its libraries in this process Pillow could write no PNG files.
needs_pycolmap = pytest.mark.skipif(
    find_spec("pycolmap") is None, reason="pycolmap is not installed"
)

ONE_THREAD = RegisterConfig(threads=1, keep_work=True)
"""The machine may have other things to do"""


@pytest.fixture(scope="module")
def trip(tmp_path_factory, pictures):
    """Six photos of the corner, and other files, in a folder."""
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
    """The registered trip: the result, its folder and the progress."""
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


@pytest.mark.slow
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
    # All are level, so z is up in both. They look down by 10 degrees on average and almost in one
    # direction, a part of which is attributed to the up direction.
    assert similarity.rotation[2, 2] > np.cos(np.deg2rad(2))


@pytest.mark.slow
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
        camera = Camera(*lens, np.array(frame["transform_matrix"]))  # pyright: ignore[reportCallIssue]
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
    assert broken == "broken.jpg" and "damaged or truncated" in why
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
        # Pairs are verified and photos registered a second time, with one lens.
        # A count that decreases starts a new pass.
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
    # Finished stages were not repeated.
    log = (work / "colmap.log").read_text()
    assert log.count("Features:") == 6
    assert stages == {"written"} or stages == {"undistorted", "written"}
    register_photos(trip, out, RegisterConfig(threads=1))
    assert not work.exists()
    assert contents(out) == contents(done[1])


@needs_pycolmap
@pytest.mark.slow
def test_two_threads_find_the_same_cameras(done, trip, tmp_path):
    one, two = done[0], register_photos(trip, tmp_path / "out", RegisterConfig(threads=2))
    assert two.files == one.files
    similarity = aligned(poses(two.cameras), poses(one.cameras))
    for camera, same in zip(two.cameras, one.cameras, strict=True):
        moved = similarity.pose(camera.c2w)
        # As far as each is from the truth.
        assert np.linalg.norm(moved[:, 3] - same.c2w[:, 3]) < 0.02
        assert degrees_apart(moved, same.c2w) < 0.2


@needs_pycolmap
@pytest.mark.parametrize("count", [1, 4])
def test_photos_with_diverged_focal_lengths_are_left_out(done, trip, tmp_path, monkeypatch, count):
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
        with pytest.raises(InputError, match="focal lengths of 4 photos diverged, which leaves 2"):
            register_photos(trip, tmp_path / "out", ONE_THREAD)
        return
    registered = register_photos(trip, tmp_path / "out", ONE_THREAD)
    assert registered.files == (FILES[0], *FILES[2:])
    assert registered.unregistered == ((FILES[1], "its focal length diverged"),)
    assert len(frames(tmp_path / "out")) == len(frames(done[1])) - 1


@needs_pycolmap
def test_the_process_ends_with_the_one_that_started_it(done):
    from theta0.data.colmap import _run as _colmap

    # Standard input at its end, as if the parent had exited.
    ended = subprocess.run(
        [sys.executable, "-P", str(_colmap._PROCESS), f"{done[1]}.work", "1"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, b"")
