"""Partial observations: exactly the pixels that are seen, the same ones for the same seed."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from theta0.errors import InputError
from theta0.forward import Observation
from theta0.signals import CTConfig, ImageConfig, pixel_coordinates, random_share, seen_only

SIZE = 8


@pytest.fixture
def path(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.fixture
def half(tmp_path):
    """A mask whose left half is seen."""
    seen = np.zeros((SIZE, SIZE), np.uint8)
    seen[:, : SIZE // 2] = 255
    Image.fromarray(seen).save(tmp_path / "half.png")
    return tmp_path / "half.png"


def test_what_is_seen_keeps_its_values_and_places():
    observation = Observation(pixel_coordinates(2, 2), np.arange(4.0, dtype=np.float32)[:, None])
    part = seen_only(observation, np.array([False, True, False, True]))
    np.testing.assert_array_equal(part.p, np.array([[0.25, 0.75], [0.75, 0.75]], np.float32))
    np.testing.assert_array_equal(part.y, [[1], [3]])


@pytest.mark.parametrize("share, count", [(1.0, 50), (0.5, 25), (0.13, 6), (1e-9, 1)])
def test_a_share_has_its_size_and_is_of_what_is_seen(share, count):
    seen = np.arange(100) % 2 == 0
    kept = random_share(seen, share, 3)
    assert kept.sum() == count and not (kept & ~seen).any()
    np.testing.assert_array_equal(kept, random_share(seen, share, 3))


def test_every_pixel_is_kept_as_often_as_any_other():
    kept = np.mean([random_share(np.ones(20, bool), 0.25, seed) for seed in range(2000)], axis=0)
    # The mean of 2000 draws of probability 1/4 has standard deviation 0.0097; five of them.
    np.testing.assert_allclose(kept, 0.25, atol=0.049)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan"), float("inf")])
def test_a_share_that_cannot_be_is_refused(share):
    with pytest.raises(InputError, match="share is"):
        random_share(np.ones(4, bool), share, 0)


def test_the_pixels_under_the_mask_are_those_observed(path, half):
    whole = ImageConfig(size=SIZE).read(path)
    signal: Any = whole.observe_part(half, 1.0, 0)
    values = np.asarray(Image.open(path), np.float32) / np.float32(255)
    np.testing.assert_array_equal(
        signal.task.support.y.reshape(SIZE, SIZE // 2, 3), values[:, : SIZE // 2]
    )
    assert (signal.task.support.p[:, 1] < 0.5).all() and len(signal.task.support.p) == 32
    # It is judged by the whole picture as before.
    assert signal.task.query is whole.task.query
    np.testing.assert_array_equal(signal.seen, whole.task.query.p[:, 1] < 0.5)


def test_a_share_is_taken_of_what_the_mask_shows(path, half):
    signal: Any = ImageConfig(size=SIZE).read(path)
    one, again, other = (signal.observe_part(half, 0.25, seed) for seed in (1, 1, 2))
    assert one.seen.sum() == 8 and (one.task.support.p[:, 1] < 0.5).all()
    np.testing.assert_array_equal(one.seen, again.seen)
    assert (one.seen != other.seen).any()


def test_what_is_left_out_already_cannot_be_masked_again(path, half):
    whole = ImageConfig(size=SIZE).read(path)
    once = whole.observe_part(half, 1.0, 0)
    with pytest.raises(InputError, match=r"left out of the fit already, by a mask.*--keep"):
        once.observe_part(half, 1.0, 0)


def test_a_slice_has_no_pixels_to_choose_among(tmp_path, half):
    np.save(tmp_path / "slice.npy", np.eye(SIZE, dtype=np.float32))
    signal = CTConfig(size=SIZE, rays=4).read(tmp_path / "slice.npy", views=2)
    with pytest.raises(InputError, match=r"rays.*leave both out.*number of views"):
        signal.observe_part(half, 1.0, 0)
