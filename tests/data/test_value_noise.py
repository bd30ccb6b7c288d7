"""Value noise: its values on the lattice, smoothness, and reproducibility."""

import numpy as np
import pytest

from theta0.data._value_noise import hashed, value_noise


def test_hashed_numbers_are_uniform_and_differ_between_neighbours_and_seeds():
    cells = np.stack(np.meshgrid(*[np.arange(-16, 16)] * 3), axis=-1).reshape(-1, 3)
    values = hashed(cells, 0)
    assert values.min() >= 0 and values.max() < 1
    # 32,768 uniform numbers: means of bins of 1/10 deviate by 0.0017; five of them.
    counts = np.histogram(values, 10, (0, 1))[0] / len(values)
    np.testing.assert_allclose(counts, 0.1, rtol=0, atol=0.0083)
    x, y, z = np.eye(3, dtype=int)
    others = [hashed(cells + z, 0), hashed(cells + x, 0), hashed(cells, 1)]
    for other in others:
        # Correlations of as many independent pairs deviate by 0.0055.
        assert abs(np.corrcoef(values, other)[0, 1]) < 0.03
    moved = hashed(cells + y, 0)
    np.testing.assert_array_equal(moved[cells[:, 1] == 3], values[cells[:, 1] == 4])


def test_numbers_are_those_of_whole_number_arithmetic():
    """Equal to Python's unbounded integers, so that they never change."""

    def expected(cell, seed):
        steps = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
        mix, word = 0xD6E8FEB86659FD93, sum(x * step for x, step in zip(cell, steps, strict=False))
        word = (word + seed * mix) % 2**64
        for _ in range(2):
            word = (word ^ (word >> 32)) * mix % 2**64
        return (word >> 11) / 2**53

    for cell in [(0, 0, 0), (1, 2, 3), (-7, 0, 1 << 40), (3, -4)]:
        for seed in (0, 5, 2**70 + 1):
            assert hashed(np.array([cell]), seed)[0] == expected(cell, seed)


def test_noise_is_the_hashed_numbers_on_the_lattice_and_their_mean_in_the_middle():
    rng = np.random.default_rng(0)
    cells = rng.integers(-1000, 1000, (200, 3))
    np.testing.assert_array_equal(value_noise(cells.astype(float), 3), hashed(cells, 3))
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3), axis=-1).reshape(8, 3)
    mean = np.mean([hashed(cells + corner, 3) for corner in corners], axis=0)
    np.testing.assert_allclose(value_noise(cells + 0.5, 3), mean, rtol=1e-12)


@pytest.mark.parametrize("octaves", [1, 3])
def test_noise_has_no_steps(octaves):
    """The slope is at most 3/2 per octave, that of smoothstep between values in [0, 1)."""
    along = np.linspace(-4, 4, 100_001)[:, None]
    noise = value_noise(along * [0.6, 0.64, 0.48] + [0.2, 0.3, 0.4], 0, octaves)
    slope = np.abs(np.diff(noise)) / np.diff(along[:, 0])
    total = sum(0.5**octave for octave in range(octaves))
    assert slope.max() < 1.5 * 3**0.5 * octaves / total
    assert 0 <= noise.min() < 0.4 and 0.6 < noise.max() < 1


def test_further_octaves_add_half_as_much_twice_as_fine():
    points = np.random.default_rng(1).uniform(-9, 9, (50, 3))
    expected = (value_noise(points, 4) + value_noise(2 * points, 5) / 2) / 1.5
    np.testing.assert_allclose(value_noise(points, 4, octaves=2), expected, rtol=1e-12)
