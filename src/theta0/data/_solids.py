"""Axis-aligned solids: exact intersections with rays, and pictures of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data.cameras import Camera, Rays, rays

BOX, ELLIPSOID, CYLINDER, GABLE = range(4)
"""Kinds of solids. With coordinates relative to the centre, in units of the half extents:

    BOX        |x| <= 1, |y| <= 1, |z| <= 1
    ELLIPSOID  x^2 + y^2 + z^2 <= 1
    CYLINDER   x^2 + y^2 <= 1, |z| <= 1           upright
    GABLE      2 |x| + z <= 1, |y| <= 1, z >= -1  a roof with its ridge along y
"""

_LENS = ("width", "height", "fl_x", "fl_y", "cx", "cy")


@dataclass(frozen=True, eq=False)
class Solids:
    """Axis-aligned solids.

    Attributes:
        centre: In world units.
        half: Half of the extent along each axis.
        kind: BOX, ELLIPSOID, CYLINDER or GABLE.
        colour: RGB in [0, 1].
    """

    centre: Float[np.ndarray, "solids 3"]
    half: Float[np.ndarray, "solids 3"]
    kind: Int[np.ndarray, " solids"]
    colour: Float[np.ndarray, "solids 3"]

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class LitSolids(Solids):
    """Solids lit by one distant light.

    Attributes:
        light: Unit vector towards the light.
        ambient: Fraction of ambient light, in [0, 1].
    """

    light: Float[np.ndarray, "3"]
    ambient: float


def picture(
    solids: LitSolids, camera: Camera, supersample: int
) -> tuple[Float[np.ndarray, "height width 4"], Float[np.ndarray, "height width"]]:
    """Render a view: RGBA from `supersample` squared rays per pixel, and depth at pixel centres.

    Colours are not multiplied by alpha; depths are inf in the background.
    """
    fine = rays(replace(camera, **{n: getattr(camera, n) * supersample for n in _LENS}))
    # One cast for both: NumPy is faster with fewer and longer arrays.
    lines = Rays(*(np.concatenate(both) for both in zip(fine, rays(camera), strict=True)))
    t, which = cast(solids, lines)
    count = len(fine.origin)
    hit = np.flatnonzero(which[:count] >= 0)
    seen = np.zeros((count, 4))
    points = lines.origin[hit] + t[hit, None] * lines.direction[hit]
    seen[hit, :3], seen[hit, 3] = shade(solids, points, which[hit]), 1
    blocks = seen.reshape(camera.height, supersample, camera.width, supersample, 4)
    mean = np.einsum("hawbc->hwc", blocks) / supersample**2
    mean[..., :3] /= np.where(mean[..., 3:] > 0, mean[..., 3:], 1)
    depth = t[count:].reshape(camera.height, camera.width)
    return mean.astype(np.float32), depth.astype(np.float32)


def cast(solids: Solids, lines: Rays) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """The first intersection of rays from outside, and its solid; inf and -1 if there is none."""
    origin, direction = (np.ascontiguousarray(vectors.T) for vectors in lines)
    low, high = (solids.centre - solids.half).min(axis=0), (solids.centre + solids.half).max(axis=0)
    # Most rays miss the bounding box; only the others are tested against the solids.
    inverse = 1 / np.where(direction == 0, 1e-300, direction)
    around = _meet_box((low + high) / 2, (high - low) / 2 + 1e-9, origin, inverse)
    rows = np.flatnonzero(around < np.inf)
    origin, direction, inverse = origin[:, rows], direction[:, rows], inverse[:, rows]
    best, which = np.full(len(rows), np.inf), np.full(len(rows), -1)
    for number, (centre, half) in enumerate(zip(solids.centre, solids.half, strict=True)):
        if solids.kind[number] == BOX:
            near = _meet_box(centre, half, origin, inverse)
        else:
            near = _MEET[solids.kind[number]](centre, half, origin, direction)
        near[near <= 0] = np.inf
        which = np.where(near < best, number, which)
        best = np.minimum(best, near)
    t, solid = np.full(len(around), np.inf), np.full(len(around), -1)
    t[rows], solid[rows] = best, which
    return t, solid


def _meet_box(
    centre: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
    origin: Float[np.ndarray, "3 n"],
    inverse: Float[np.ndarray, "3 n"],
) -> Float[np.ndarray, " n"]:
    """Entry into a box: a ray is inside while it is between all pairs of faces.

    `inverse` is 1 / direction.
    """
    middle, reach = (centre[:, None] - origin) * inverse, half[:, None] * np.abs(inverse)
    (x, y, z), (a, b, c) = middle - reach, middle + reach  # pairwise: three times faster than max
    near, far = np.maximum(np.maximum(x, y), z), np.minimum(np.minimum(a, b), c)
    return np.where((near < far) & (far > 0), near, np.inf)


def _meet_ellipsoid(
    centre: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
    origin: Float[np.ndarray, "3 n"],
    direction: Float[np.ndarray, "3 n"],
) -> Float[np.ndarray, " n"]:
    """Entry into an ellipsoid, in coordinates in which it is the unit ball."""
    p, v = (centre[:, None] - origin) / half[:, None], direction / half[:, None]
    middle, reach = _in_ball(p, v)
    return np.where(reach > 0, middle - reach, np.inf)


def _meet_cylinder(
    centre: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
    origin: Float[np.ndarray, "3 n"],
    direction: Float[np.ndarray, "3 n"],
) -> Float[np.ndarray, " n"]:
    """Entry into a cylinder: a ray is inside while it is within the radius and between the ends."""
    p, v = (centre[:, None] - origin) / half[:, None], direction / half[:, None]
    v = np.where(v == 0, 1e-150, v)  # its square does not underflow
    middle, reach = _in_ball(p[:2], v[:2])
    ends = np.stack([p[2] - 1, p[2] + 1]) / v[2]
    near = np.maximum(middle - reach, ends.min(axis=0))
    far = np.minimum(middle + reach, ends.max(axis=0))
    return np.where((reach > 0) & (near < far) & (far > 0), near, np.inf)


def _in_ball(
    centre: Float[np.ndarray, "d n"], direction: Float[np.ndarray, "d n"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The point of a ray from 0 nearest to the centre of a unit ball, and half the chord length.

    Both in units of `direction`; the second is 0 for rays that miss the ball.
    """
    square = (direction * direction).sum(axis=0)
    middle = (centre * direction).sum(axis=0) / square
    room = 1 - np.square(middle * direction - centre).sum(axis=0)
    return middle, np.sqrt(np.maximum(room, 0) / square)


def _meet_gable(
    centre: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
    origin: Float[np.ndarray, "3 n"],
    direction: Float[np.ndarray, "3 n"],
) -> Float[np.ndarray, " n"]:
    """Entry into a gable: a ray is inside while it is on the inner side of all five planes."""
    (x, y, z), (u, v, w) = (origin - centre[:, None]) / half[:, None], direction / half[:, None]
    room = np.stack([1 - 2 * x - z, 1 + 2 * x - z, 1 + z, 1 - y, 1 + y])
    speed = np.stack([2 * u + w, w - 2 * u, -w, v, -v])  # towards the plane
    t = room / np.where(speed == 0, 1e-300, speed)
    near = np.where(speed < 0, t, -np.inf).max(axis=0)
    far = np.where(speed < 0, np.inf, t).min(axis=0)
    return np.where((near < far) & (far > 0), near, np.inf)


_MEET = {ELLIPSOID: _meet_ellipsoid, CYLINDER: _meet_cylinder, GABLE: _meet_gable}


def nearest(
    groups: Sequence[Solids], lines: Rays
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """`cast` for all groups; a ray is only tested against groups whose bounding box it meets."""
    best, which, before = np.full(len(lines.origin), np.inf), np.full(len(lines.origin), -1), 0
    for group in groups:
        t, number = cast(group, lines)
        rows = np.flatnonzero(t < best)
        best[rows], which[rows] = t[rows], before + number[rows]
        before += len(group)
    return best, which


def blocked(groups: Sequence[Solids], lines: Rays) -> Bool[np.ndarray, " n"]:
    """Whether rays meet any solid."""
    met = np.zeros(len(lines.origin), bool)
    for group in groups:
        rows = np.flatnonzero(~met)
        met[rows] = cast(group, Rays(lines.origin[rows], lines.direction[rows]))[0] < np.inf
    return met


def joined(groups: Sequence[Solids]) -> Solids:
    """All groups in one, as numbered by `nearest`."""
    names = ("centre", "half", "kind", "colour")
    return Solids(*(np.concatenate([getattr(group, name) for group in groups]) for name in names))


def normals(
    solids: Solids, points: Float[np.ndarray, "n 3"], which: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """Outward unit normals at points on the surface of solids."""
    half, kind = solids.half[which], solids.kind[which]
    local = (points - solids.centre[which]) / half
    size = np.abs(local)
    outwards = np.where(size == size.max(axis=1, keepdims=True), np.sign(local), 0)
    outwards = np.where((kind == ELLIPSOID)[:, None], local / half, outwards)
    if len(rows := np.flatnonzero(kind == CYLINDER)):
        x, y, z = local[rows].T
        side = np.hypot(x, y) > np.abs(z)
        columns = [np.where(side, x, 0), np.where(side, y, 0), np.where(side, 0, np.sign(z))]
        outwards[rows] = np.stack(columns, axis=1) / half[rows]
    if len(rows := np.flatnonzero(kind == GABLE)):
        x, y, z = local[rows].T
        roof = 2 * np.abs(x) + z
        face = np.argmax([roof, np.abs(y), -z], axis=0)
        none = np.zeros_like(x)
        slope = np.stack([2 * np.sign(x), none, none + 1], axis=1) / half[rows]
        front, below = np.stack([none, np.sign(y), none], 1), np.stack([none, none, none - 1], 1)
        outwards[rows] = np.choose(face[:, None], [slope, front, below])
    return outwards / np.linalg.norm(outwards, axis=1, keepdims=True)


def shade(
    solids: LitSolids, points: Float[np.ndarray, "n 3"], which: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """Lambertian shading of points on the surface of solids."""
    lit = np.maximum(normals(solids, points, which) @ solids.light, 0)
    return solids.colour[which] * (solids.ambient + (1 - solids.ambient) * lit)[:, None]
