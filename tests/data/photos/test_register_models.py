"""Photos with one lens, of two scenes, and of unrelated things."""

import sqlite3
from importlib.util import find_spec

import pytest

from theta0.data.photos import RegisterConfig, register_photos
from theta0.errors import InputError

from .photo_scene import FOCAL, cameras, photo, write_pngs

# Not imported: with its libraries in this process Pillow could write no PNG files.
needs_pycolmap = pytest.mark.skipif(
    find_spec("pycolmap") is None, reason="pycolmap is not installed"
)


@needs_pycolmap
@pytest.mark.slow
@pytest.mark.parametrize("lenses", ["one", "auto"])
def test_a_film_through_one_lens(lenses, pictures, tmp_path):
    told = []
    config = RegisterConfig(
        matching="sequential", overlap=1, lenses=lenses, threads=1, keep_work=True
    )
    registered = register_photos(
        write_pngs(tmp_path / "film", pictures), tmp_path / "out", config,
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
def test_of_two_scenes_the_one_with_more_photos_is_kept(pictures, tmp_path):
    elsewhere = [photo(camera, seed=1) for camera in cameras(3)]
    folder = write_pngs(tmp_path / "photos", [*elsewhere, *pictures[:4]])
    registered = register_photos(folder, tmp_path / "out", RegisterConfig(threads=1))
    assert registered.files == ("3.png", "4.png", "5.png", "6.png")
    assert [file for file, _ in registered.unregistered] == ["0.png", "1.png", "2.png"]
    assert "another model, of 3 photos" in registered.unregistered[0][1]
    assert not (tmp_path / "out.work").exists()


@pytest.mark.slow
@needs_pycolmap
def test_photos_of_different_things_are_not_registered(tmp_path):
    folder = write_pngs(tmp_path / "photos", [photo(cameras()[0], seed) for seed in range(3)])
    with pytest.raises(InputError, match="no 3 of its 3 photos could be registered together"):
        register_photos(folder, tmp_path / "out", RegisterConfig(threads=1))
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
