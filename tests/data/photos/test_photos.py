"""A photograph, its middle square, and a collection in a folder."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from theta0.data.cameras import Camera, look_at, project
from theta0.data.photos import Photo, write_photos
from theta0.errors import InputError

POSE = look_at((3, 1, 2), (0, 0, 0))


def photo(width=30, height=20, hidden=True, name="one", seed=0):
    rng = np.random.default_rng(seed)
    camera = Camera(width, height, 40.0, 41.0, 14.0, 11.0, POSE)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = rng.random((height, width)) < 0.02
    return Photo(image, camera, name, 0.5, 9.0, mask if hidden else None)


@pytest.mark.parametrize("size", [20, 10, 7])
def test_points_appear_at_the_same_place_of_the_square(size):
    whole = photo()
    square = whole.square(size)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3))
    before, after = (project(points, one.camera) for one in (whole, square))
    np.testing.assert_allclose(after.pixel, (before.pixel - [5, 0]) * size / 20, atol=1e-9)
    np.testing.assert_array_equal(before.depth, after.depth)


def test_pixels_of_the_square_are_means_over_what_they_cover():
    whole = photo()
    square = whole.square(10)
    middle = whole.image[:, 5:25].astype(float).reshape(10, 2, 10, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(
        square.image, middle, atol=1.01
    )  # rounded twice, by rows and by columns
    blocks = whole.hidden[:, 5:25].reshape(10, 2, 10, 2).any(axis=(1, 3))
    np.testing.assert_array_equal(square.hidden, blocks)
    assert (square.near, square.far, square.name) == (0.5, 9.0, "one")
    assert photo(hidden=False).square(10).hidden is None
    np.testing.assert_array_equal(whole.square(20).image, whole.image[:, 5:25])


@pytest.mark.parametrize("size", [0, 21])
def test_a_square_larger_than_the_picture_is_refused(size):
    with pytest.raises(InputError, match=f"one: is 30 x 20, but .* read at {size} x {size}"):
        photo().square(size)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"near": 0.0}, "0 < near < far"),
        ({"near": 9.0}, "0 < near < far"),
        ({"far": float("inf")}, "0 < near < far"),
        ({"hidden": np.zeros((20, 29), bool)}, "a mask of shape"),
        ({"image": np.zeros((20, 29, 3), np.uint8)}, "for a camera of 30 x 20"),
        ({"image": np.zeros((20, 30, 4), np.uint8)}, "for a camera of 30 x 20"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(photo(), **change)


def test_a_collection_is_written_as_a_whole(tmp_path):
    one, other = photo(), photo(24, 24, hidden=False, name="other", seed=1)
    points = np.ones((5, 3)), np.full((5, 3), 7, np.uint8)
    folder = write_photos(
        [(one, "train"), (other, None)], tmp_path / "a" / "town", points=points, facts={"seed": 3}
    )
    told = json.loads((folder / "transforms.json").read_text())
    assert (told["format_version"], told["seed"]) == (1, 3)
    first, second = told["frames"]
    assert (first["near"], first["far"], first["split"]) == (0.5, 9.0, "train")
    assert (first["w"], first["h"], first["fl_y"], first["cx"]) == (30, 20, 41.0, 14.0)
    assert "split" not in second and "mask_path" not in second
    np.testing.assert_array_equal(np.array(first["transform_matrix"])[:3], one.camera.c2w)
    np.testing.assert_array_equal(Image.open(folder / first["file_path"]), one.image)
    mask = np.asarray(Image.open(folder / first["mask_path"]))
    np.testing.assert_array_equal(mask == 0, one.hidden)
    with np.load(folder / "points.npz", allow_pickle=False) as stored:
        assert stored["xyz"].dtype == np.float32 and (stored["rgb"] == 7).all()
    with pytest.raises(InputError, match="exists already"):
        write_photos([(one, None)], folder)


@pytest.mark.parametrize(
    "photos, message",
    [
        ([photo(), photo(seed=1)], "name of two photographs"),
        ([photo(name="../one")], "is not a file name"),
    ],
)
def test_nothing_is_left_of_a_collection_that_cannot_be_written(tmp_path, photos, message):
    with pytest.raises(InputError, match=message):
        write_photos(((one, None) for one in photos), tmp_path / "town")
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_collection_that_was_interrupted(tmp_path):
    def stopped():
        yield photo(), None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_photos(stopped(), tmp_path / "town")
    assert not list(tmp_path.iterdir())
