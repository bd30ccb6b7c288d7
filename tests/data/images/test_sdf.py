"""Signed distances: closed forms, a reference, invariances; and simple curves."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theta0.data.images import SDF, Pictures, PictureSource, random_curve, signed_distance
from theta0.data.images import _sdf as sdf
from theta0.errors import InputError

SQUARE = np.array([[0.25, 0.25], [0.25, 0.75], [0.75, 0.75], [0.75, 0.25]])


def grid(size: int) -> np.ndarray:
    ticks = (np.arange(size) + 0.5) / size
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1)


def reference(vertices, points) -> np.ndarray:
    """Every edge for every point, and the winding number as a sum of angles."""
    start, end = vertices, np.roll(vertices, -1, axis=0)
    p, along = points[..., None, :] - start, end - start
    t = np.clip((p * along).sum(-1) / (along**2).sum(-1), 0, 1)
    distance = np.linalg.norm(p - t[..., None] * along, axis=-1).min(-1)
    q = points[..., None, :] - end
    angle = np.arctan2(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0], (p * q).sum(-1)).sum(-1)
    return np.where(np.abs(angle) > np.pi, -distance, distance)


def test_square_equals_its_closed_form():
    points = np.random.default_rng(0).uniform(-0.5, 1.5, (20_000, 2))
    beyond = np.abs(points - 0.5) - 0.25
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
    expected = outside + np.minimum(beyond.max(-1), 0)
    np.testing.assert_allclose(signed_distance(SQUARE, points), expected, atol=1e-15)


def test_inscribed_polygon_is_within_its_sagitta_of_the_circle():
    count, radius = 400, 0.3
    angle = 2 * np.pi * np.arange(count) / count
    circle = 0.5 + radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    points = grid(64)
    exact = np.linalg.norm(points - 0.5, axis=-1) - radius
    excess = signed_distance(circle, points) - exact
    sagitta = radius * (1 - np.cos(np.pi / count))
    # The polygon lies inside the circle: it is farther from outside, and nearer from inside.
    assert excess.min() >= -1e-15 and excess.max() <= sagitta + 1e-15
    assert excess.max() > 0.5 * sagitta


@pytest.mark.parametrize("seed", range(8))
def test_field_equals_every_edge_for_every_point(seed):
    vertices = random_curve(np.random.default_rng(seed))
    points = np.random.default_rng(seed).uniform(-0.3, 1.3, (3000, 2))
    expected = reference(vertices, points)
    # In any order of the points, and in the tiles of a picture.
    np.testing.assert_allclose(signed_distance(vertices, points), expected, atol=1e-14)
    np.testing.assert_allclose(sdf._field(vertices, 50), reference(vertices, grid(50)), atol=1e-14)


def test_long_polygons_are_taken_in_steps():
    """More edges than one step takes."""
    angle = 2 * np.pi * np.arange(20_000) / 20_000
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    points = grid(40)
    expected = np.linalg.norm(points, axis=-1) - 1
    np.testing.assert_allclose(signed_distance(circle, points), expected, atol=2e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 300), st.booleans())
def test_order_of_vertices_does_not_matter(seed, shift, reverse):
    rng = np.random.default_rng(seed)
    vertices, points = random_curve(rng), rng.uniform(0, 1, (500, 2))
    other = np.roll(vertices[::-1] if reverse else vertices, shift, axis=0)
    # Within rounding: coordinates are taken relative to the first vertex.
    np.testing.assert_allclose(
        signed_distance(other, points), signed_distance(vertices, points), atol=1e-14
    )


def test_rays_through_vertices_and_along_edges_count_right():
    """Points in the rows of vertices and of horizontal edges, where crossings may count twice."""
    comb = np.array([[0, 0], [0, 4], [2, 4], [1, 3], [2, 2], [1, 2], [1, 1], [2, 0]], float)
    rows, columns = np.meshgrid([0.0, 1.0, 2.0], np.arange(-0.5, 5, 0.25), indexing="ij")
    points = np.stack([rows, columns], axis=-1)
    field, expected = signed_distance(comb, points), reference(comb, points)
    off = np.abs(expected) > 1e-12  # on the curve itself the sign means nothing
    np.testing.assert_array_equal(field[off] < 0, expected[off] < 0)
    assert {True, False} == set((field[rows == 1.0] < -1e-12).tolist())


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_moving_turning_and_scaling_carry_the_distance_along(offset):
    rng = np.random.default_rng(3)
    vertices, points = random_curve(rng), rng.uniform(0, 1, (1000, 2))
    cos, sin = np.cos(0.7), np.sin(0.7)
    moved = lambda x: 5 * x @ np.array([[cos, sin], [-sin, cos]]) + offset
    # Moved by 1e6, coordinates themselves are rounded to 1e-10.
    np.testing.assert_allclose(
        signed_distance(moved(vertices), moved(points)),
        5 * signed_distance(vertices, points),
        atol=1e-14 + 1e-15 * offset,
    )


@pytest.mark.parametrize("seed", range(5))
def test_gradient_has_length_one_where_one_point_is_nearest(seed):
    """Eikonal equation by central differences; their error is h^2 / (6 r^2) at distance r."""
    rng = np.random.default_rng(seed)
    vertices, points, h = random_curve(rng), rng.uniform(0, 1, (4000, 2)), 1e-5
    shifted = points[:, None, None] + h * np.array([[[1, 0], [-1, 0]], [[0, 1], [0, -1]]])
    field = signed_distance(vertices, shifted)
    slope = np.linalg.norm((field[..., 0] - field[..., 1]) / (2 * h), axis=-1)
    # On the medial axis, within a step of few points, two points of the curve are nearest.
    from_curve = np.abs(field[:, 0, 0]) > 0.01
    assert np.mean(np.abs(slope[from_curve] - 1) < 1e-6) > 0.995


def test_distances_differ_by_no_more_than_the_points():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 1, (500, 2))
    field = signed_distance(random_curve(rng), points)
    apart = np.linalg.norm(points[:, None] - points, axis=-1)
    assert np.all(np.abs(field[:, None] - field) <= apart + 1e-14)


def test_degenerate_edges_change_nothing():
    doubled = np.repeat(SQUARE, 3, axis=0)
    points = grid(20)
    np.testing.assert_array_equal(signed_distance(doubled, points), signed_distance(SQUARE, points))


@pytest.mark.parametrize("shape", [(2,), (7, 2), (3, 4, 5, 2), (0, 2)])
def test_points_of_any_shape(shape):
    points = np.full(shape, 0.5)
    np.testing.assert_allclose(signed_distance(SQUARE, points), np.full(shape[:-1], -0.25))


@pytest.mark.parametrize("vertices", [SQUARE[:2], np.ones((5, 2))])
def test_what_is_no_polygon_is_refused(vertices):
    with pytest.raises(InputError, match="give at least 3, not all of them equal"):
        signed_distance(vertices, np.zeros((1, 2)))


def meets_itself(vertices) -> bool:
    """Solve for the common point of each pair of edges."""
    start, along = vertices, np.roll(vertices, -1, axis=0) - vertices
    i, j = np.triu_indices(len(vertices), 2)
    apart = ~((i == 0) & (j == len(vertices) - 1))
    i, j = i[apart], j[apart]
    cross = lambda a, b: a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    denominator = cross(along[i], along[j])
    offset = start[j] - start[i]
    with np.errstate(divide="ignore", invalid="ignore"):
        t, u = cross(offset, along[j]) / denominator, cross(offset, along[i]) / denominator
    return bool(np.any((t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)))


@pytest.mark.slow
def test_curves_are_simple_and_inside_the_square():
    counts = set()
    for seed in range(150):
        vertices = random_curve(np.random.default_rng(seed))
        assert not meets_itself(vertices), seed
        assert vertices.min() >= 0.05 and vertices.max() <= 0.95
        assert np.ptp(vertices, axis=0).max() >= 0.4 - 1e-9
        counts.add(len(vertices))
    assert counts == {*range(3, 13), sdf.VERTICES}


def test_many_smooth_curves_are_no_star_about_their_centre_and_none_has_visible_corners():
    bent = []
    for seed in range(100):
        vertices = random_curve(np.random.default_rng(seed))
        if len(vertices) == sdf.VERTICES:
            turn = np.diff(np.unwrap(np.arctan2(*(vertices - vertices.mean(0)).T)))
            bent.append(turn.min() < 0 < turn.max())
            # No edge is longer than 4 pixels of 128.
            along = np.roll(vertices, -1, axis=0) - vertices
            assert np.linalg.norm(along, axis=-1).max() < 4 / 128
    assert np.mean(bent) > 0.3


@pytest.mark.parametrize(
    ("vertices", "simple"),
    [
        (SQUARE, True),
        (SQUARE[[0, 2, 1, 3]], False),
        (np.array([[0, 0], [0, 2], [1, 1], [2, 2], [2, 0], [1, 1.0]]), False),  # touches itself
        (np.array([[0, 0], [0, 2], [1, 1.01], [2, 2], [2, 0], [1, 0.99]]), True),
    ],
)
def test_simple_means_no_two_edges_meet(vertices, simple):
    assert sdf.is_simple(vertices) is simple


def test_a_curve_that_cuts_itself_is_drawn_again(monkeypatch):
    judged = []

    def only_the_second(vertices):
        judged.append(vertices)
        return len(judged) == 2

    monkeypatch.setattr(sdf, "is_simple", only_the_second)
    monkeypatch.setattr(sdf, "_placed", lambda _, vertices: vertices)
    assert random_curve(np.random.default_rng(0)) is judged[1]
    assert not np.array_equal(judged[0], judged[1])


def test_source_keeps_the_protocol_and_its_values():
    source = SDF(samples=3, validation=1, test=2)
    pictures = source.read(40)
    assert isinstance(source, PictureSource) and isinstance(pictures, Pictures)
    assert [field.name for field in fields(SDF)] == ["samples", "validation", "test", "seed"]
    for number in range(6):
        picture = pictures.load(number)
        assert picture.shape == (40, 40, 3) and picture.dtype == np.float32
        assert np.all(picture == picture[..., :1])
        curve = random_curve(np.random.default_rng((0, int.from_bytes(b"sdf"), number)))
        expected = np.clip(0.5 + reference(curve, grid(40)) / (2 * sdf.REACH), 0, 1)
        np.testing.assert_allclose(picture[..., 0], expected, atol=1e-7)  # float32


def test_inside_is_below_half_and_never_clipped():
    pictures = SDF(samples=40).read(64)
    for number in range(40):
        picture = pictures.load(number)
        assert 0 < picture.min() < 0.5 < picture.max() <= 1


@pytest.mark.parametrize("factor", [3, 5])
def test_another_resolution_is_the_same_field(factor):
    """At an odd factor each coarse pixel's centre is a fine one's."""
    coarse, fine = (SDF(seed=4).read(size) for size in (30, 30 * factor))
    for number in range(5):
        middle = fine.load(number)[factor // 2 :: factor, factor // 2 :: factor]
        np.testing.assert_allclose(middle, coarse.load(number), atol=1e-7)  # float32
