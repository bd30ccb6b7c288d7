"""The work folder of a collection of photos: errors before COLMAP runs, and EXIF."""

import shutil

import numpy as np
import pytest
from PIL import Image

from theta0.data.photos import RegisterConfig, register_photos
from theta0.data.photos._work import exif_focal
from theta0.errors import InputError


def test_fewer_than_three_photos_are_refused(three, tmp_path, process):
    process("")
    (three / "2.png").write_bytes((three / "1.png").read_bytes())
    with pytest.raises(
        InputError, match=r"holds 2 photos .* 3 that show the same scene \(2.png: is"
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
        with pytest.raises(InputError, match="was started with other photos or settings"):
            register_photos(three, tmp_path / "out", config)
    # These do not change the result.
    with pytest.raises(InputError, match="COLMAP failed"):
        register_photos(three, tmp_path / "out", RegisterConfig(threads=1, keep_work=True))
    shutil.copy(three / "1.png", three / "7.png")
    with pytest.raises(InputError, match="was started with other photos or settings"):
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
        # 8 mm before a sensor of 100 pixels per mm, 6 x 4.5 mm.
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
