"""Divides polygons into triangles that cover them exactly, concave ones included.

A fan of triangles covers a polygon if none of them is turned over: then every point of the polygon
lies in as many triangles as the outline winds around it. Where no corner has such a fan, ears are
clipped (G. H. Meisters, 1975). Polygons that are not flat are projected along their mean normal.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.errors import InputError

_TOLERANCE = 1e-7
"""Largest overturned area that is due to rounding, as a fraction of the polygon's area"""

_MOST_FANS = 32
"""Polygons of more corners are clipped if the fan at their first corner fails"""

_MOST_CLIPS = 100_000
"""Most ears that are clipped in a file, counting those of long outlines more: about 10 seconds"""

_BLOCK = 1 << 20
"""Corners of polygons that are divided at a time"""


def triangulate(
    points: Float[np.ndarray, "vertices 3"],
    corners: Int[np.ndarray, " corners"],
    counts: Int[np.ndarray, " faces"],
) -> tuple[Int[np.ndarray, "triangles 3"], Int[np.ndarray, " triangles"]]:
    """Divide polygons; those of fewer than three corners are left out.

    Args:
        points: Vertices.
        corners: Vertices of the corners of all polygons, one after another.
        counts: Corners of each polygon.

    Returns:
        Positions in `corners` of the triangles' corners, and the polygon of each triangle.

    Raises:
        InputError: There are too many corners in concave polygons.
    """
    starts = np.cumsum(counts) - counts
    triangles, faces, clips = [], [], 0
    for count in np.unique(counts[counts >= 3]):
        chosen = np.flatnonzero(counts == count)
        for some in np.array_split(chosen, -(-len(chosen) * int(count) // _BLOCK)):
            places = starts[some][:, None] + np.arange(count)
            local, clipped = _divide(points[corners[places]], _MOST_CLIPS - clips)
            clips += clipped
            triangles.append(
                np.take_along_axis(places[:, None], local.astype(np.int64), axis=2).reshape(-1, 3)
            )
            faces.append(np.repeat(some, count - 2))
    if not triangles:
        return np.empty((0, 3), np.int64), np.empty(0, np.int64)
    face = np.concatenate(faces)
    order = np.argsort(face, kind="stable")
    return np.concatenate(triangles)[order], face[order]


def _divide(
    polygons: Float[np.ndarray, "faces n 3"], clips: int
) -> tuple[Int[np.ndarray, "faces n-2 3"], int]:
    """Divide polygons of equally many corners; also returns the work of clipping ears."""
    count = polygons.shape[1]
    steps = np.arange(1, count - 1)
    fan = np.stack([np.zeros_like(steps), steps, steps + 1], axis=-1)
    local = np.repeat(fan[None], len(polygons), axis=0)
    if count == 3:
        return local, 0
    polygons = polygons - polygons[:, :1]
    normals = np.cross(polygons, np.roll(polygons, -1, axis=1)).sum(axis=1)  # Newell's
    area = np.linalg.norm(normals, axis=1)
    normals /= np.where(area > 0, area, 1)[:, None]
    left = np.arange(len(polygons))
    for first in range(count if count <= _MOST_FANS else 1):
        covers = _fan_covers(np.roll(polygons[left], -first, axis=1), normals[left], area[left])
        local[left[covers]] = (fan + first) % count
        left = left[~covers]
    work = int(len(left) * count * (1 + count / 3000))
    if work > clips:
        raise InputError(
            f"has {len(left)} concave polygons of {count} corners, too many to divide; export "
            "triangles"
        )
    for face in left:
        local[face] = _clipped(_flattened(polygons[face], normals[face]))
    return local, work


def _fan_covers(
    polygons: Float[np.ndarray, "faces n 3"],
    normals: Float[np.ndarray, "faces 3"],
    area: Float[np.ndarray, " faces"],
) -> Bool[np.ndarray, " faces"]:
    """Whether no triangle of the fan at the first corner is turned over."""
    spokes = polygons[:, 1:] - polygons[:, :1]
    turned = np.einsum("fnk,fk->fn", np.cross(spokes[:, :-1], spokes[:, 1:]), normals)
    # Also where numbers are not finite, which is told later.
    return ~(turned < -_TOLERANCE * area[:, None]).any(axis=1)


def _flattened(
    polygon: Float[np.ndarray, "n 3"], normal: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "n 2"]:
    """Coordinates in the plane of the normal, counterclockwise."""
    across = np.cross(np.eye(3)[np.argmin(np.abs(normal))], normal)
    across /= np.linalg.norm(across)
    return np.stack([polygon @ across, polygon @ np.cross(normal, across)], axis=-1)


def _clipped(points: Float[np.ndarray, "n 2"]) -> Int[np.ndarray, "n-2 3"]:
    """Clip ears; an outline that crosses itself is divided somehow."""
    count = len(points)
    before, after = np.roll(np.arange(count), 1), np.roll(np.arange(count), -1)
    turns = _cross(points - points[before], points[after] - points)
    reflex = turns <= 0  # only these can lie inside an ear

    def is_ear(at: int) -> bool:
        if reflex[at]:
            return False
        return not _any_inside(points[reflex], *points[[before[at], at, after[at]]])

    # Clipping an ear changes nothing but its two neighbours (J. O'Rourke, 1998, section 1.4).
    ears = dict.fromkeys(at for at in range(count) if is_ear(at))
    left, triangles = dict.fromkeys(range(count)), []
    while len(left) > 2:
        at = next(iter(ears), next(iter(left)))
        ears.pop(at, None)
        del left[at]
        one, other = before[at], after[at]
        triangles.append([one, at, other])
        after[one], before[other], reflex[at] = other, one, False
        neighbours = int(one), int(other)
        for near in neighbours:
            here = points[near]
            reflex[near] = _cross(here - points[before[near]], points[after[near]] - here) <= 0
        for near in neighbours:
            ears.pop(near, None)
            if is_ear(near):
                ears[near] = None
    return np.array(triangles)


def _any_inside(points: Float[np.ndarray, "n 2"], *triangle: Float[np.ndarray, " 2"]) -> bool:
    """Whether a point lies in a triangle or on its sides; its own corners do not count."""
    inside = np.ones(len(points), bool)
    for number, start in enumerate(triangle):
        end = triangle[(number + 1) % 3]
        inside &= (_cross(end - start, points - start) >= 0) & (points != start).any(axis=1)
    return bool(inside.any())


def _cross(a: Float[np.ndarray, "*n 2"], b: Float[np.ndarray, "*m 2"]) -> Any:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
