"""Augmentation: crops and mirrorings of the picture itself, drawn from the generator alone."""

import numpy as np
import pytest

from theta0.data import augmented

SIZE = 40
AT = (np.arange(SIZE) + 0.5) / SIZE
# Where each pixel lies: (row, column), so that the result tells what was cropped.
RAMP = np.stack(np.meshgrid(AT, AT, indexing="ij"), axis=-1).astype(np.float32)


def line_through(values):
    """Slope, and value at the edge where the index starts, of a cropped ramp."""
    inside = slice(5, -5)  # half a pixel from the picture's edge there is nothing to interpolate
    slope, start = np.polyfit(AT[inside], values[inside], 1)
    np.testing.assert_allclose(values[inside], start + slope * AT[inside], atol=1e-5)
    return slope, start


def test_a_ramp_stays_a_ramp_over_a_crop_of_85_to_100_percent_anywhere():
    sides, places, mirrored = [], [], []
    for seed in range(400):
        result = augmented(RAMP, np.random.default_rng(seed))
        assert result.shape == RAMP.shape and result.dtype == np.float32
        side, top = line_through(result[:, 20, 0])
        slope, left = line_through(result[20, :, 1])
        # Rows are never turned over, columns are for half the pictures; the crop is square.
        assert abs(slope) == pytest.approx(side, abs=1e-5)
        left += min(slope, 0)
        for start in (top, left):
            assert -1e-5 <= start <= 1 - side + 1e-5
        sides.append(side)
        mirrored.append(slope < 0)
        places += [start / (1 - side) for start in (top, left) if side < 0.98]
    assert 0.85 - 1e-5 <= min(sides) < 0.86 and 0.99 < max(sides) <= 1 + 1e-5
    # Uniform within three standard errors: sqrt(1 / 12 / n), and sqrt(1 / 4 / 400) for a coin.
    assert np.mean(sides) == pytest.approx(0.925, abs=3 * 0.15 * np.sqrt(1 / 12 / 400))
    assert np.mean(places) == pytest.approx(0.5, abs=3 * np.sqrt(1 / 12 / len(places)))
    assert np.mean(mirrored) == pytest.approx(0.5, abs=3 * 0.025)


def test_values_stay_within_those_of_the_picture_in_every_channel():
    rng = np.random.default_rng(0)
    low, high = np.array([0.1, 0.4, 0.7, 0.0]), np.array([0.3, 0.6, 1.0, 1.0])
    picture = rng.uniform(low, high, (SIZE, SIZE, 4)).astype(np.float32)
    for _ in range(20):
        result = augmented(picture, rng)
        assert (result >= low - 1e-6).all() and (result <= high + 1e-6).all()


def test_the_same_generator_gives_the_same_and_draws_four_numbers():
    one, other, plain = (np.random.default_rng((3, 5)) for _ in range(3))
    first = augmented(RAMP, one)
    np.testing.assert_array_equal(first, augmented(RAMP, other))
    assert not np.array_equal(first, augmented(RAMP, other))
    plain.random(4)
    assert one.random() == plain.random()


def test_a_grey_picture_and_the_original_are_left_as_they_are():
    grey = np.full((SIZE, SIZE, 1), 0.5, np.float32)
    np.testing.assert_allclose(augmented(grey, np.random.default_rng(0)), grey, atol=1e-6)
    before = RAMP.copy()
    augmented(RAMP, np.random.default_rng(1))
    np.testing.assert_array_equal(RAMP, before)
