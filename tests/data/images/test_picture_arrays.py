"""Pictures in an .npz file: order, resizing, and files that are refused."""

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import Arrays, read_image
from theta0.errors import InputError

SIDE = 12
RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 256, (9, SIDE, SIDE, 3), dtype=np.uint8)
TEST = RNG.integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture
def path(tmp_path):
    np.savez(tmp_path / "data_2d_text.npz", train_data=TRAIN, test_data=TEST)
    return tmp_path / "data_2d_text.npz"


def part(pictures, name):
    return np.stack([pictures.load(row) for row in getattr(pictures.split, name)])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_validation_is_the_end_of_the_training_array(tmp_path, save):
    save(tmp_path / "x.npz", train_data=TRAIN, test_data=TEST)
    pictures = Arrays(str(tmp_path / "x.npz"), validation=2, test=3).read(SIDE)
    for name, expected in (("train", TRAIN[:7]), ("validation", TRAIN[7:]), ("test", TEST[:3])):
        np.testing.assert_array_equal(part(pictures, name), expected / np.float32(255))
    assert pictures.names[6:9] == ("train_data/6", "train_data/7", "train_data/8")
    assert pictures.names[-1] == "test_data/2" and pictures.skipped == ()


def test_a_limit_takes_the_first_and_leaves_validation_alone(path):
    pictures = Arrays(str(path), validation=2, limit=3).read(SIDE)
    np.testing.assert_array_equal(part(pictures, "train"), TRAIN[:3] / np.float32(255))
    np.testing.assert_array_equal(part(pictures, "validation"), TRAIN[7:] / np.float32(255))
    assert len(part(Arrays(str(path), validation=2, limit=99).read(SIDE), "train")) == 7


def test_another_size_is_what_a_file_of_the_same_pixels_gives(tmp_path):
    wide = RNG.integers(0, 256, (3, 10, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", train_data=wide, test_data=TEST)
    pictures = Arrays(str(tmp_path / "x.npz"), validation=1).read(7)
    for row in range(3):
        Image.fromarray(wide[row]).save(tmp_path / "x.png")
        np.testing.assert_array_equal(pictures.load(row), read_image(tmp_path / "x.png", 7))


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"train_data": TRAIN}, "holds the arrays train_data; pictures are read from"),
        ({"data_train": TRAIN, "data_test": TEST}, "holds the arrays data_train, data_test"),
        ({"train_data": TRAIN / 255, "test_data": TEST}, "train_data is float64"),
        ({"train_data": TRAIN[..., 0], "test_data": TEST}, r"shape \(9, 12, 12\)"),
        ({"train_data": TRAIN, "test_data": TEST[..., :1]}, r"test_data .* \(4, 12, 12, 1\)"),
        ({"train_data": TRAIN[:, :1], "test_data": TEST}, r"shape \(9, 1, 12, 3\)"),
        ({"train_data": TRAIN[:0], "test_data": TEST}, "holds 0 pictures, which leaves none"),
        ({"train_data": TRAIN[:2], "test_data": TEST}, "holds 2 pictures, which leaves none"),
        ({"train_data": np.array([None]), "test_data": TEST}, "refused"),
    ],
)
def test_arrays_that_are_no_pictures(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=words) as caught:
        Arrays(str(tmp_path / "x.npz"), validation=2).read(8)
    assert "\n" not in str(caught.value) and str(tmp_path / "x.npz") in str(caught.value)


def test_a_file_that_is_no_npz(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"no zip")
    np.save(tmp_path / "one.npy", np.zeros((4, 8, 8, 3), np.uint8))
    found = {
        "x.npz": "cannot be read",
        "y.npz": "no such file",
        ".": "a folder",
        "one.npy": "contains a single array",
    }
    for name, words in found.items():
        with pytest.raises(InputError, match=words):
            Arrays(str(tmp_path / name)).read(8)


def test_memory_is_checked_before_it_is_taken(path):
    with pytest.raises(InputError, match=r"13 pictures at size=50000: needs .* GiB"):
        Arrays(str(path), validation=2).read(50_000)
