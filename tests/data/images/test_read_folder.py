"""Folders of pictures: order, reading into memory, and files that are skipped."""

from pathlib import Path

import numpy as np
import pytest

from theta0.data import split
from theta0.data.images import _images as images
from theta0.data.images import image_paths, read_folder, read_image
from theta0.errors import InputError, InputWarning

from .picture_files import damaged, noise, save

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def test_paths_are_sorted_by_relative_name_and_hidden_files_left_out(tmp_path):
    for name in ["b/2.PNG", "b.png", "a/x.JPEG", "a/.x.png", ".git/x.png", "note.txt", "Z.webp"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)  # no endless walk
    with pytest.warns(InputWarning, match=r"1 file is left out \(.png\): hidden"):
        names = [path.relative_to(tmp_path).as_posix() for path in image_paths(tmp_path)]
    assert names == ["Z.webp", "a/x.JPEG", "b.png", "b/2.PNG"]


def test_linked_folders_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.png").touch()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train").symlink_to(tmp_path / "real", target_is_directory=True)
    (path,) = image_paths(tmp_path / "set")
    assert path.relative_to(tmp_path / "set").as_posix() == "train/x.png"


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent", "no such folder"), ("file", "is a file"), ("empty", "holds no picture")],
)
def test_unusable_folders_are_named(tmp_path, name, message):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"{name}: {message}"):
        image_paths(tmp_path / name)


def test_folder_in_memory_equals_files_read_one_by_one(tmp_path):
    for number in range(6):
        save(tmp_path / f"{number}.png", noise(20 + number, 30 - number, seed=number))
    save(tmp_path / "6.png", np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    paths = image_paths(tmp_path)
    loaded = read_folder(tmp_path, 12, workers=3)
    assert loaded.names == tuple(path.name for path in paths) and loaded.skipped == ()
    assert loaded.pixels.dtype == np.uint8 and len(loaded) == len(paths)
    for index, path in enumerate(paths):
        # Exact for 8 bits; the 16-bit picture is rounded to the nearest level.
        atol = 1e-7 if index < 6 else 0.5 / 255 + 1e-6
        np.testing.assert_allclose(loaded.pixels[index] / 255, read_image(path, 12), atol=atol)


def test_damaged_files_are_skipped_by_name_and_the_rest_stay_in_order(tmp_path):
    bad = damaged(tmp_path)
    for number in range(4):
        save(tmp_path / f"{'abtz'[number]}.png", noise(16, 16, seed=number))
    loaded = read_folder(tmp_path, 16)
    assert {name for name, _ in loaded.skipped} == set(bad)
    assert all(str(bad[name]) in reason for name, reason in loaded.skipped)
    assert loaded.names == ("a.png", "b.png", "t.png", "z.png")
    for number in range(4):
        np.testing.assert_array_equal(loaded.pixels[number], noise(16, 16, seed=number))


def test_limit_takes_the_first_names(tmp_path):
    for number in range(5):
        save(tmp_path / f"{number}.png", noise(4, 4))
    assert read_folder(tmp_path, 4, limit=2).names == ("0.png", "1.png")
    assert read_folder(tmp_path, 4, limit=99).pixels.shape == (5, 4, 4, 3)


def test_folder_without_a_good_file_is_an_error_with_the_first_reason(tmp_path):
    bad = damaged(tmp_path)
    with pytest.raises(InputError, match=rf"none of its {len(bad)} pictures.*bomb\.png"):
        read_folder(tmp_path, 16)


def test_memory_is_checked_before_anything_is_decoded(tmp_path, monkeypatch):
    for number in range(3):
        save(tmp_path / f"{number}.png", noise(4, 4))
    monkeypatch.setattr(images, "decode", None)
    with pytest.raises(InputError, match=r"3 pictures at size=100000: needs 83.8 GiB.*smaller"):
        read_folder(tmp_path, 100_000)
    with pytest.raises(InputError, match="limit of"):
        read_folder(tmp_path, 4, max_bytes=3 * 4 * 4 * 3 - 1)


@pytest.mark.parametrize(
    "arguments", [{"size": 1}, {"size": 8, "limit": 0}, {"size": 8, "workers": 0}]
)
def test_impossible_arguments_are_refused(tmp_path, arguments):
    save(tmp_path / "x.png", noise(4, 4))
    with pytest.raises(InputError, match="must be at least"):
        read_folder(tmp_path, **arguments)


def test_real_portraits_load_and_split_by_person():
    folder = SHARED / "faces" / "london_ccby_256"
    if not folder.is_dir():
        pytest.skip("the London portraits are not at hand")
    loaded = read_folder(folder, 32, limit=40)
    assert loaded.pixels.shape == (40, 32, 32, 3) and not loaded.skipped
    assert 0.2 < loaded.pixels.mean() / 255 < 0.9
    parts = split(loaded.names, 5, 0.1, r"^(\d+)_")
    people = [{loaded.names[i][:3] for i in part} for part in (parts.train, parts.test)]
    assert not people[0] & people[1]
