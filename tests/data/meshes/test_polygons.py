"""Triangles cover polygons exactly: their areas and their orientation are those of the outline."""

import numpy as np
import pytest

from theta0.data.meshes._polygons import triangulate
from theta0.errors import InputError

STAR = [(np.cos(a) * r, np.sin(a) * r) for a, r in zip(
    np.linspace(0, 2 * np.pi, 20, endpoint=False), [1, 0.3] * 10, strict=True)]  # fmt: skip
COMB = [(x, 5.0 * (x % 2)) for x in range(40)] + [
    (x, 5.0 * (x % 2) - 0.5) for x in range(39, -1, -1)
]
SHAPES = {
    "square": [(0, 0), (1, 0), (1, 1), (0, 1)],
    "arrow": [(1, 1), (0, 0), (1, -1), (0.2, 0)],
    "L": [(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)],
    "U": [(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)],
    "star": STAR,
    "comb": COMB,
    "collinear": [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (1.5, 0.2), (0, 1)],
    # A square with a hole, joined to the outline by a bridge that is passed twice.
    "bridge": [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)],
}


def area(points):
    return np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("first", [0, 1, 3])
@pytest.mark.parametrize("turned", [False, True])
def test_triangles_cover_a_polygon(name, first, turned):
    flat = np.roll(np.array(SHAPES[name], float), first, axis=0)[:: -1 if turned else 1]
    rotation, _ = np.linalg.qr(np.random.default_rng(first).normal(size=(3, 3)))
    points = np.column_stack([flat, np.zeros(len(flat))]) @ rotation.T + 2
    triangles, face = triangulate(points, np.arange(len(points)), np.array([len(points)]))
    assert len(triangles) == len(points) - 2 and (face == 0).all()
    whole = area(points - points[0])
    each = np.array([area(points[triangle] - points[0]) for triangle in triangles])
    # All turned the way of the outline, and together as large: none overlaps.
    assert (each @ whole >= -1e-9).all()
    np.testing.assert_allclose(each.sum(axis=0), whole)


def test_polygons_of_several_sizes_keep_their_order():
    points = np.random.default_rng(0).normal(size=(20, 3))
    counts = np.array([4, 3, 2, 5, 3])
    corners = np.arange(17)
    triangles, face = triangulate(points, corners, counts)
    assert face.tolist() == [0, 0, 1, 3, 3, 3, 4]
    starts = np.cumsum(counts) - counts
    for triangle, number in zip(triangles, face, strict=True):
        inside = (triangle >= starts[number]) & (triangle < starts[number] + counts[number])
        assert inside.all()


@pytest.mark.parametrize("points", [
    [(0, 0), (1, 1), (1, 0), (0, 1)],  # crosses itself
    [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0)],
    [(0, 0), (1, 0), (2, 0), (1, 0)],
    [(np.nan, 0), (1, 0), (1, 1), (0, 1)],
])  # fmt: skip
def test_degenerate_polygons_are_divided_somehow(points):
    points = np.column_stack([np.array(points, float), np.zeros(len(points))])
    triangles, _ = triangulate(points, np.arange(len(points)), np.array([len(points)]))
    assert triangles.shape == (len(points) - 2, 3)


def test_a_bent_quadrilateral_is_divided_along_a_diagonal():
    points = np.array([[0, 0, 0], [1, 0, 0.2], [1, 1, 0], [0, 1, 0.2]])
    triangles, _ = triangulate(points, np.arange(4), np.array([4]))
    assert sorted(map(sorted, triangles.tolist())) == [[0, 1, 2], [0, 2, 3]]


def test_endless_work_is_refused():
    count = 40_000
    x = np.arange(count // 2)
    comb = np.concatenate([np.stack([x, 5 * (x % 2)], 1), np.stack([x, 5 * (x % 2) - 1], 1)[::-1]])
    points = np.column_stack([comb, np.zeros(count)])
    with pytest.raises(InputError, match="1 concave polygons of 40000 corners"):
        triangulate(points, np.arange(count), np.array([count]))
