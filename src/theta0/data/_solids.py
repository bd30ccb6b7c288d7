"""Boxes and ellipsoids seen by a camera: where rays first meet them, exactly, and their shade."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data.cameras import Camera, Rays, rays

_LENS = ("width", "height", "fl_x", "fl_y", "cx", "cy")


@dataclass(frozen=True, eq=False)
class Solids:
    """Boxes and ellipsoids along the world's axes, lit by one far light.

    Attributes:
        centre: In world units.
        half: Half of the extent along each axis.
        round: An ellipsoid; else a box.
        colour: RGB in [0, 1].
        light: Unit vector towards the light.
        ambient: Part of the light that comes from everywhere, in [0, 1].
    """

    centre: Float[np.ndarray, "solids 3"]
    half: Float[np.ndarray, "solids 3"]
    round: Bool[np.ndarray, " solids"]
    colour: Float[np.ndarray, "solids 3"]
    light: Float[np.ndarray, "3"]
    ambient: float


def picture(
    solids: Solids, camera: Camera, supersample: int
) -> tuple[Float[np.ndarray, "height width 4"], Float[np.ndarray, "height width"]]:
    """A view: RGBA from `supersample` squared rays a pixel, and depth from one at its centre.

    Colours are not multiplied by alpha; depths are inf where nothing is.
    """
    fine = rays(replace(camera, **{n: getattr(camera, n) * supersample for n in _LENS}))
    # One cast for both: NumPy likes fewer and longer arrays.
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
    """Where rays from outside first meet a solid, and which; inf and -1 where none does."""
    origin, direction = (np.ascontiguousarray(vectors.T) for vectors in lines)
    low, high = (solids.centre - solids.half).min(axis=0), (solids.centre + solids.half).max(axis=0)
    # Most rays pass beside the box around everything; only the others go on to the solids.
    inverse = 1 / np.where(direction == 0, 1e-300, direction)
    around = _meet_box((low + high) / 2, (high - low) / 2 + 1e-9, origin, inverse)
    rows = np.flatnonzero(around < np.inf)
    origin, direction, inverse = origin[:, rows], direction[:, rows], inverse[:, rows]
    best, which = np.full(len(rows), np.inf), np.full(len(rows), -1)
    for number, (centre, half) in enumerate(zip(solids.centre, solids.half, strict=True)):
        if solids.round[number]:
            near = _meet_ellipsoid(centre, half, origin, direction)
        else:
            near = _meet_box(centre, half, origin, inverse)
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
    """A ray is in the box while it is between all three pairs of faces; it goes 1 / `inverse`."""
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
    """Where the ellipsoid is the unit ball, a ray enters before its point nearest to the centre."""
    p, v = (centre[:, None] - origin) / half[:, None], direction / half[:, None]
    square = (v * v).sum(axis=0)
    middle = (p * v).sum(axis=0) / square
    room = 1 - np.square(middle * v - p).sum(axis=0)
    near = middle - np.sqrt(np.maximum(room, 0) / square)
    return np.where(room > 0, near, np.inf)


def shade(
    solids: Solids, points: Float[np.ndarray, "n 3"], which: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """Lambert's colours of points on the surface of solids."""
    local = (points - solids.centre[which]) / solids.half[which]
    size = np.abs(local)
    face = np.where(size == size.max(axis=1, keepdims=True), np.sign(local), 0)
    normal = np.where(solids.round[which, None], local / solids.half[which], face)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    lit = np.maximum(normal @ solids.light, 0)
    return solids.colour[which] * (solids.ambient + (1 - solids.ambient) * lit)[:, None]
