"""Exact signed distance fields of random simple closed curves.

A curve is a closed polygon; the field at x is the distance to it, negative inside:

    d(x) = s(x) min_k min_(0 <= t <= 1) |x - a_k - t (b_k - a_k)|

with a_k, b_k the ends of edge k, and s(x) = -1 where a ray from x crosses an odd number of edges.

Positions are (row, column) in the unit square; pixel centres are at ((i + 0.5) / size, ...).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from theta0.data._numbered import Numbered
from theta0.data.images._procedural import Drawn, drawn
from theta0.errors import InputError

VERTICES = 256
"""Number of vertices of a smooth curve; polygons with straight sides have 3 to 12."""

REACH = 0.5
"""Distance at which the value is 0 (inside) or 1 (outside), relative to the picture's side."""

_MARGIN = 0.06  # between a curve and the border of the picture, relative to its side
_FINE = 1024  # points that sample the smooth curve before its vertices are chosen
_TILE = 16  # pixels per side of the tiles in which a picture is computed
_GROUP = _TILE**2


@dataclass(frozen=True)
class SDF(Numbered):
    """Signed distance fields of simple closed curves, as grey pictures.

    The value of a pixel is ``clip(1/2 + d / (2 REACH), 0, 1)``: 1/2 on the curve and less inside.
    Values inside are never clipped.
    """

    def read(self, size: int) -> Drawn:
        """The pictures as squares of ``size`` pixels; see `PictureSource`.

        Raises:
            InputError: The size is invalid.
        """

        def draw(rng: np.random.Generator) -> Float[np.ndarray, "size size 3"]:
            value = np.clip(0.5 + _field(random_curve(rng), size) / (2 * REACH), 0, 1)
            return np.repeat(value.astype(np.float32)[..., None], 3, axis=-1)

        return drawn(self, "sdf", size, draw)


def random_curve(rng: np.random.Generator) -> Float[np.ndarray, "vertices 2"]:
    """Draw a simple closed polygon inside the unit square.

    The vertices lie on a smooth curve, sampled by 1024 points. The curve starts as
    ``r(a) (cos a, sin a)`` with a Fourier series ``r > 0``, which is star-shaped and therefore
    simple. It is then warped by maps ``x + u(x)``, where u has a Lipschitz constant L < 1; as
    ``|x + u(x) - y - u(y)| >= (1 - L) |x - y|``, these are one to one, so the curve stays simple
    but is no longer star-shaped. A polygon on it could still intersect itself where two arcs are
    close; all pairs of edges are therefore tested, and if two meet another curve is drawn.

    Returns:
        (row, column) of the vertices in order: `VERTICES` of them, or 3 to 12 with probability 1/3.
    """
    while True:
        count = int(rng.integers(3, 13)) if rng.random() < 1 / 3 else VERTICES
        vertices = _spaced(rng, _bent(rng, _star(rng, _FINE)), count)
        if is_simple(vertices):
            return _placed(rng, vertices)


def signed_distance(
    vertices: Float[np.ndarray, "vertices 2"], points: Float[np.ndarray, "*points 2"]
) -> Float[np.ndarray, " *points"]:
    """Euclidean distance to a closed polygon, negative inside; float64.

    The order of the points does not matter, but the computation is fast if neighbours in the array
    are neighbours in the plane: points are processed in groups, and if a group lies within R of its
    centre c, only edges whose distance to c exceeds the smallest one by at most 2 R can be the
    nearest to one of its points.

    Args:
        vertices: In order, in either direction; the last is connected to the first. Inside is where
            a ray crosses an odd number of edges.
        points: In the same frame and unit.

    Raises:
        InputError: There are fewer than 3 vertices, or all are equal.
    """
    if len(vertices) < 3 or not np.any(vertices != vertices[0]):
        raise InputError(
            f"signed_distance: {len(vertices)} vertices; give at least 3, not all of them equal"
        )
    flat = np.asarray(points, np.float64).reshape(-1, 2)
    if not len(flat):
        return np.zeros(points.shape[:-1])
    # Relative to the first vertex: far from the origin, differences would lose digits.
    edges = _edges(vertices - vertices[0])
    flat = np.column_stack([flat - vertices[0], np.ones(len(flat))])
    padded = np.concatenate([flat, np.repeat(flat[-1:], -len(flat) % _GROUP, axis=0)])
    groups = padded.reshape(-1, _GROUP, 3)
    step = max(1, 2**20 // len(edges.length))  # limits the memory of a step to 8 MiB per array
    parts = [_group_distances(edges, groups[i : i + step]) for i in range(0, len(groups), step)]
    return np.concatenate(parts).reshape(-1)[: len(flat)].reshape(points.shape[:-1])


def is_simple(vertices: Float[np.ndarray, "vertices 2"]) -> bool:
    """Whether the edges of a closed polygon meet only at common vertices of neighbours.

    Edges i and j meet if the ends of each lie on different sides of, or on, the line of the other.
    """
    start, along = vertices, np.roll(vertices, -1, axis=0) - vertices
    offset = start[None] - start[:, None]
    # side[i, j]: on which side of edge i vertex j lies.
    side = along[:, None, 0] * offset[..., 1] - along[:, None, 1] * offset[..., 0]
    left, right = side > 0, side < 0
    parted = ~(left & np.roll(left, -1, axis=1) | right & np.roll(right, -1, axis=1))
    number = np.arange(len(vertices))
    apart = (number[:, None] - number) % len(vertices)
    neighbours = (apart <= 1) | (apart == len(vertices) - 1)
    return not bool(np.any(parted & parted.T & ~neighbours))


def _star(rng: np.random.Generator, count: int) -> Float[np.ndarray, "count 2"]:
    """Vertices of a star-shaped curve around the origin, with radii below 2."""
    angle = 2 * np.pi * np.arange(count) / count
    order = np.arange(1, 8)
    weight = rng.exponential(size=7) / order
    weight *= rng.uniform(0.1, 0.8) / weight.sum()  # below 1, so r stays positive
    radius = 1 + np.cos(np.outer(angle, order) + rng.uniform(0, 2 * np.pi, 7)) @ weight
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return radius[:, None] * direction * [1, rng.uniform(0.4, 1)]


def _bent(
    rng: np.random.Generator, vertices: Float[np.ndarray, "vertices 2"]
) -> Float[np.ndarray, "vertices 2"]:
    """Apply twelve maps x + A sin(k . x + p), each with L = |A| |k| < 1."""
    for _ in range(12):
        lipschitz, frequency = rng.uniform(0.15, 0.6), rng.uniform(0.8, 2.5)
        turn, way, phase = rng.uniform(0, 2 * np.pi, 3)
        wave = np.sin(frequency * vertices @ [np.cos(turn), np.sin(turn)] + phase)
        amplitude = lipschitz / frequency * np.array([np.cos(way), np.sin(way)])
        vertices = vertices + wave[:, None] * amplitude
    return vertices


def _spaced(
    rng: np.random.Generator, curve: Float[np.ndarray, "points 2"], count: int
) -> Float[np.ndarray, "count 2"]:
    """Choose points at nearly even distances along a closed curve."""
    closed = np.concatenate([curve, curve[:1]])
    length = np.linalg.norm(np.diff(closed, axis=0), axis=-1)
    passed = np.concatenate([[0], np.cumsum(length)])
    place = (np.arange(count) + rng.uniform(0, 0.5, count)) / count * passed[-1]
    return np.stack([np.interp(place, passed, axis) for axis in closed.T], axis=-1)


def _placed(
    rng: np.random.Generator, vertices: Float[np.ndarray, "vertices 2"]
) -> Float[np.ndarray, "vertices 2"]:
    """Rotate, scale and translate a curve into the unit square."""
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    turned = vertices @ np.array([[cos, sin], [-sin, cos]])
    low, extent = turned.min(0), np.ptp(turned, axis=0)
    scale = rng.uniform(0.4, 1 - 2 * _MARGIN) / extent.max()
    return (turned - low) * scale + rng.uniform(_MARGIN, 1 - _MARGIN - extent * scale)


def _field(vertices: Float[np.ndarray, "vertices 2"], size: int) -> Float[np.ndarray, "size size"]:
    """Signed distance at pixel centres, computed in square tiles that may exceed the picture."""
    tiles = -(-size // _TILE)
    tick = (np.arange(tiles * _TILE) + 0.5) / size
    grid = np.stack(np.meshgrid(tick, tick, indexing="ij"), axis=-1)
    points = grid.reshape(tiles, _TILE, tiles, _TILE, 2).swapaxes(1, 2)
    distance = signed_distance(vertices, points).swapaxes(1, 2)
    return distance.reshape(tiles * _TILE, tiles * _TILE)[:size, :size]


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges of a polygon, each directed from the end with the smaller row.

    Points are (row, column, 1), so that each row of a matrix is an affine function of the point.

    Attributes:
        along: Distance from the start of an edge, along it.
        across: Signed distance to the line of an edge, negative on the side of smaller columns.
        length: Of the edge.
        rows: The smaller and the larger row of its ends.
    """

    along: Float[np.ndarray, "edges 3"]
    across: Float[np.ndarray, "edges 3"]
    length: Float[np.ndarray, " edges"]
    rows: Float[np.ndarray, "2 edges"]

    def squared_distances(
        self, points: Float[np.ndarray, "points 3"], chosen: Shaped[np.ndarray, " n"] | slice
    ) -> Float[np.ndarray, "chosen points"]:
        along = self.along[chosen] @ points.T
        across = self.across[chosen] @ points.T
        # The distance beyond the ends (faster than np.clip for small arrays).
        along -= np.minimum(np.maximum(along, 0), self.length[chosen, None])
        along *= along
        across *= across
        along += across
        return along

    def inside(
        self, points: Float[np.ndarray, "points 3"], chosen: Shaped[np.ndarray, " n"] | slice
    ) -> Bool[np.ndarray, " points"]:
        """Whether a ray towards larger columns crosses an odd number of the chosen edges.

        An edge includes its first row but not its last. So a ray through a vertex is counted once
        if the curve crosses it, and twice or never if the curve only touches it.
        """
        row = points[:, 0]
        first, last = self.rows[:, chosen, None]
        crosses = (first <= row) & (row < last) & (self.across[chosen] @ points.T < 0)
        return np.logical_xor.reduce(crosses, axis=0)


def _edges(vertices: Float[np.ndarray, "vertices 2"]) -> _Edges:
    """The edges, without those of zero length."""
    start = np.asarray(vertices, np.float64)
    end = np.roll(start, -1, axis=0)
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    first, last = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    length = np.linalg.norm(last - first, axis=-1)
    first, last, length = (part[length > 0] for part in (first, last, length))
    direction = (last - first) / length[:, None]
    normal = direction[:, ::-1] * [-1, 1]
    affine = lambda axis: np.column_stack([axis, -(first * axis).sum(-1)])
    return _Edges(affine(direction), affine(normal), length, np.stack([first[:, 0], last[:, 0]]))


def _group_distances(
    edges: _Edges, groups: Float[np.ndarray, "groups points 3"]
) -> Float[np.ndarray, "groups points"]:
    low, high = groups.min(1), groups.max(1)
    centre = (low + high) / 2
    radius = np.linalg.norm(groups - centre[:, None], axis=-1).max(1)
    from_centre = np.sqrt(edges.squared_distances(centre, slice(None)))
    nearest = from_centre.min(0)
    # The tolerance covers rounding: an additional edge only costs time.
    near = from_centre <= (nearest + 2 * radius) * (1 + 1e-9)
    # Where no edge is within the radius, all points are on the same side as the centre.
    inside = edges.inside(centre, slice(None))
    mixed = nearest <= radius * (1 + 1e-9)
    in_rows = (edges.rows[0] <= high[:, :1]) & (edges.rows[1] > low[:, :1])
    distance = np.empty(groups.shape[:2])
    for i, points in enumerate(groups):
        distance[i] = edges.squared_distances(points, np.flatnonzero(near[:, i])).min(0)
    np.sqrt(distance, out=distance)
    for i, points in enumerate(groups):
        side = edges.inside(points, np.flatnonzero(in_rows[i])) if mixed[i] else inside[i]
        distance[i] *= np.where(side, -1, 1)
    return distance
