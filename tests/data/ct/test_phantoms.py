"""Phantoms: line integrals against closed forms, quadrature and another library's projector."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import shepp_logan_phantom
from skimage.transform import radon

from theta0.data.ct import Phantom, phantom, random_phantom, shepp_logan
from theta0.errors import InputError


def one_ellipse(centre=(0.4, 0.55), axes=(0.3, 0.1), angle_rad=0.3, intensity=2.0) -> Phantom:
    return Phantom(
        np.array([centre]), np.array([axes]), np.array([angle_rad]), np.array([intensity])
    )


def integral(image: Phantom, start, end) -> float:
    return float(image.line_integrals(np.array([start], float), np.array([end], float))[0])


def along(angle_rad: float) -> np.ndarray:
    return np.array([np.cos(angle_rad), np.sin(angle_rad)])


def random_rays(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.2, 1.2, (count, 2)), rng.uniform(-0.2, 1.2, (count, 2))


@pytest.mark.parametrize("axis", [0, 1])
def test_chord_along_an_axis_is_its_length_times_intensity(axis):
    image = one_ellipse()
    direction = along(0.3 + axis * np.pi / 2)
    value = integral(image, image.centre[0] - direction, image.centre[0] + direction)
    assert value == pytest.approx(2 * image.axes[0, axis] * 2.0, rel=1e-14)


@pytest.mark.parametrize("offset", [0.0, 0.05, 0.19, 0.2, 0.2000001, 0.5])
def test_chord_of_a_disc_at_a_distance(offset):
    """2 sqrt(r^2 - d^2), and 0 for the tangent (d = r) and beyond."""
    disc = one_ellipse(centre=(0.5, 0.5), axes=(0.2, 0.2), angle_rad=1.0, intensity=3.0)
    expected = 6.0 * np.sqrt(max(0.2**2 - offset**2, 0.0))
    # At the tangent, the root of a rounding error of 1e-16 remains: 1e-8 times the size.
    assert integral(disc, (0.5 + offset, -1), (0.5 + offset, 2)) == pytest.approx(
        expected, abs=1e-7
    )


def test_exact_tangent_and_miss_give_exactly_zero():
    """Binary fractions, so that nothing is rounded."""
    disc = one_ellipse(centre=(0.5, 0.5), axes=(0.25, 0.25), angle_rad=0.0)
    assert integral(disc, (0.75, 0.0), (0.75, 1.0)) == 0.0
    assert integral(disc, (0.875, 0.0), (0.875, 1.0)) == 0.0


def test_segments_that_end_inside_count_only_their_part():
    disc = one_ellipse(centre=(0.5, 0.5), axes=(0.2, 0.2), intensity=1.0)
    assert integral(disc, (0.5, 0.5), (0.5, 0.6)) == pytest.approx(0.1)  # both ends inside
    assert integral(disc, (0.5, 0.0), (0.5, 0.5)) == pytest.approx(0.2)  # one end inside
    assert integral(disc, (0.5, 0.0), (0.5, 0.2)) == 0.0  # stops before
    assert integral(disc, (0.5, 0.8), (0.5, 0.9)) == 0.0  # starts behind
    assert integral(disc, (0.5, 0.5), (0.5, 0.5)) == 0.0  # no length


def density_by_definition(image: Phantom, points: np.ndarray) -> np.ndarray:
    """The definition, written out: rotate into each ellipse's frame, divide by its half axes."""
    total = np.zeros(points.shape[:-1])
    for (row, column), (a, b), angle, intensity in zip(
        image.centre, image.axes, image.angle_rad, image.intensity, strict=True
    ):
        dr, dc = points[..., 0] - row, points[..., 1] - column
        u = (np.cos(angle) * dr + np.sin(angle) * dc) / a
        v = (-np.sin(angle) * dr + np.cos(angle) * dc) / b
        total += intensity * (u**2 + v**2 <= 1)
    return total


def test_line_integrals_match_dense_quadrature():
    image, samples = phantom(1, 2), 20_000
    start, end = random_rays(60)
    t = (np.arange(samples) + 0.5) / samples
    points = start[:, None] + t[:, None] * (end - start)[:, None]
    length = np.linalg.norm(end - start, axis=-1)
    expected = density_by_definition(image, points).mean(axis=1) * length
    # The midpoint rule errs by at most half a step at each of the 20 edges a ray can cross, where
    # the density jumps by at most 1: 10 / 20000 of the length, which is below 2.
    np.testing.assert_allclose(image.line_integrals(start, end), expected, atol=1e-3)


def test_line_integrals_match_the_radon_transform_of_the_image():
    image, size = phantom(0, 3), 256
    angles = np.array([0.0, 30.0, 77.0, 90.0, 141.0])
    expected = radon(image.rasterize(size, supersample=4), theta=angles) / size

    # skimage turns the picture about pixel index size // 2 and then sums columns. Column x of the
    # turned picture is the line of (x, y), y free, turned back, in pixel indices (x right, y down).
    middle, column = size // 2, np.arange(size)
    for number, degrees in enumerate(angles):
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        ends = []
        for y in (-size, 2 * size):
            x, down = column - middle, y - middle
            index = np.stack([-sin * x + cos * down, cos * x + sin * down], axis=-1) + middle
            ends.append((index + 0.5) / size)
        exact = image.line_integrals(*ends)
        # Pixels blur edges by about 1 / size: values differ there by some percent of the maximum,
        # in the mean (edges are a small share of the rays) by less than half a percent.
        error = np.abs(exact - expected[:, number])
        assert error.mean() < 0.005 * expected.max()
        assert error.max() < 0.1 * expected.max()


def test_parallel_projection_holds_the_whole_mass():
    image, rays = phantom(5, 0), 4000
    offsets = (np.arange(rays) + 0.5) / rays * 2 - 0.5
    mass = float(np.pi * (image.axes.prod(axis=1) * image.intensity).sum())
    for angle_rad in (0.0, 0.7, 2.0):
        direction, normal = along(angle_rad), along(angle_rad + np.pi / 2)
        foot = 0.5 + (offsets - 0.5)[:, None] * normal
        projection = image.line_integrals(foot - 2 * direction, foot + 2 * direction)
        # Midpoint rule with a step of 5e-4 on square-root edges.
        assert projection.mean() * 2 == pytest.approx(mass, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(index=st.integers(0, 1000), seed=st.integers(0, 1000), cut=st.floats(0, 1))
def test_line_integrals_are_symmetric_and_additive(index, seed, cut):
    image = phantom(7, index)
    start, end = random_rays(20, seed)
    whole = image.line_integrals(start, end)
    middle = start + cut * (end - start)
    parts = image.line_integrals(start, middle) + image.line_integrals(middle, end)
    np.testing.assert_allclose(image.line_integrals(end, start), whole, atol=1e-13)
    # Rounding of `middle` by 1e-16 turns both parts a little; near-tangent chords feel its root.
    np.testing.assert_allclose(parts, whole, atol=1e-7)


def test_textbook_phantom_matches_skimage():
    ours, theirs = shepp_logan().rasterize(400), shepp_logan_phantom()
    # Theirs is a stored picture of 8 bits: equal but for edge pixels, about 4 % of the picture.
    assert np.abs(ours - theirs).mean() < 0.006
    assert (np.abs(ours - theirs) < 0.01).mean() > 0.96


def test_rasterize_samples_the_density_at_pixel_centres():
    image, size = phantom(0, 1), 32
    pixels = image.rasterize(size)
    assert pixels.dtype == np.float32 and pixels.shape == (size, size)
    for i, j in [(3, 20), (16, 16), (25, 9)]:
        centre = np.array([(i + 0.5) / size, (j + 0.5) / size])
        assert pixels[i, j] == pytest.approx(density_by_definition(image, centre))


def test_supersampling_averages_the_pixel():
    image = phantom(0, 4)
    fine, coarse = image.rasterize(96), image.rasterize(32, supersample=3)
    np.testing.assert_allclose(coarse, fine.reshape(32, 3, 32, 3).mean(axis=(1, 3)), atol=1e-6)


@pytest.mark.slow
def test_density_lies_in_the_unit_range_and_the_inscribed_disc():
    """500 phantoms, sampled beside the edge of every ellipse, and at random."""
    rng = np.random.default_rng(0)
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    for index in range(500):
        image = phantom(3, index)
        sides = np.stack([np.cos(turns), np.sin(turns)], axis=-1) * image.axes[:, None]
        rotation = np.stack([along(a) for a in image.angle_rad])
        across = np.stack([-rotation[:, 1], rotation[:, 0]], axis=-1)
        edge = sides[..., :1] * rotation[:, None] + sides[..., 1:] * across[:, None]
        near = image.centre[:, None] + edge * np.array([0.999, 1.001])[:, None, None, None]
        values = image.density(np.concatenate([near.reshape(-1, 2), rng.uniform(0, 1, (200, 2))]))
        assert values.min() >= 0.0 and values.max() <= 1.0
        assert np.linalg.norm(image.centre[0] + edge[0] - 0.5, axis=-1).max() < 0.5
        # The brain in the skull, all else in the brain.
        on_edge = image.centre[:, None] + edge
        for outer, inner in ((0, on_edge[1]), (1, on_edge[2:])):
            parts = image.centre[outer], image.axes[outer], image.angle_rad[outer]
            assert one_ellipse(*parts, intensity=1.0).density(inner).all()


def test_phantoms_depend_on_seed_and_index_alone():
    again = phantom(2, 9)
    np.testing.assert_array_equal(phantom(2, 9).rasterize(32), again.rasterize(32))
    for other in (phantom(2, 10), phantom(3, 9), phantom(9, 2)):
        assert np.abs(other.rasterize(32) - again.rasterize(32)).max() > 0.1


def test_every_parameter_of_every_ellipse_varies():
    drawn = [random_phantom(np.random.default_rng(seed)) for seed in range(50)]
    for name in ("centre", "axes", "angle_rad", "intensity"):
        spread = np.stack([getattr(image, name) for image in drawn]).std(axis=0)
        assert spread.shape[0] == 10
        assert spread.min() > 1e-4, name


@pytest.mark.parametrize("call", [lambda: phantom(-1, 0), lambda: phantom(0, -1)])
def test_negative_numbers_are_refused(call):
    with pytest.raises(InputError, match="must not be negative"):
        call()


@pytest.mark.parametrize("arguments", [(1,), (0,), (8, 0)])
def test_impossible_sizes_are_refused(arguments):
    with pytest.raises(InputError, match="at least"):
        shepp_logan().rasterize(*arguments)


def test_pictures_too_large_for_memory_are_refused():
    with pytest.raises(InputError, match=r"phantom: needs .* smaller size"):
        shepp_logan().rasterize(10_000, 10)
