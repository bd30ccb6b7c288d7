"""The .npz format of the authors: exact, atomic, and within the limits of readers."""

import io
import zipfile

import numpy as np
import pytest

from theta0.data._arrays import array_names, read_array
from theta0.data.images import SDF, Text, write_npz
from theta0.errors import InputError

SOURCES = [Text(5, 3, 2), SDF(5, 3, 2)]


KINDS = pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__)


@KINDS
def test_npz_holds_the_authors_arrays(source, tmp_path):
    seen = []
    path = tmp_path / "new" / "data_2d.npz"
    split = write_npz(source, path, 20, lambda done, total: seen.append((done, total)))
    assert split == source.read(20).split and array_names(path) == ("train_data", "test_data")
    pictures = source.read(20)
    with np.load(path, allow_pickle=False) as arrays:
        for name, numbers in (("train_data", range(5)), ("test_data", (8, 9))):
            array = arrays[name]
            assert array.dtype == np.uint8 and array.shape == (len(numbers), 20, 20, 3)
            np.testing.assert_array_equal(array, read_array(path, name))
            for row, number in zip(array, numbers, strict=True):
                # Rounded to the nearest level.
                np.testing.assert_allclose(row / 255, pictures.load(number), atol=0.501 / 255)
    assert seen == [(done, 7) for done in range(1, 8)]


def test_npz_is_the_same_byte_by_byte(tmp_path):
    one, two = (tmp_path / name for name in ("a.npz", "b.npz"))
    for path in (one, two):
        write_npz(SOURCES[1], path, 8)
    assert one.read_bytes() == two.read_bytes()
    assert zipfile.ZipFile(io.BytesIO(one.read_bytes())).testzip() is None


def test_npz_without_test_pictures_has_an_empty_array(tmp_path):
    path = tmp_path / "x.npz"
    write_npz(SDF(2, 0, 0), path, 8)
    assert read_array(path, "test_data").shape == (0, 8, 8, 3)


def test_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_npz(SOURCES[1], path, 8, stop)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["data.npy", "data", "folder.npz"])
def test_names_that_cannot_be_written_are_refused_at_once(tmp_path, name):
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match=f"{name}: give the name of a file ending in .npz"):
        write_npz(SOURCES[0], tmp_path / name, 8)


def test_arrays_no_reader_would_take_are_refused_before_any_is_drawn(tmp_path):
    with pytest.raises(InputError, match=r"train_data, 100000 pictures at size=178: needs 8.85"):
        write_npz(SDF(100_000), tmp_path / "x.npz", 178)
    with pytest.raises(InputError, match="fewer pictures"):
        write_npz(SOURCES[0], tmp_path / "x.npz", 8, max_bytes=5 * 8 * 8 * 3 - 1)
    assert not list(tmp_path.iterdir())
