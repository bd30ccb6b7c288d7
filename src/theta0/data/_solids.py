"""Boxes and ellipsoids seen by a camera, exactly: where rays first meet them, and how they shine."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data.cameras import Camera, Rays, rays


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
    scaled = {n: getattr(camera, n) * supersample for n in ("fl_x", "fl_y", "cx", "cy")}
    scaled |= {n: getattr(camera, n) * supersample for n in ("width", "height")}
    lines = rays(replace(camera, **scaled))
    t, which = cast(solids, lines)
    hit = np.isfinite(t)
    seen = np.zeros((len(t), 4))
    points = lines.origin[hit] + t[hit, None] * lines.direction[hit]
    seen[hit, :3], seen[hit, 3] = shade(solids, points, which[hit]), 1
    blocks = seen.reshape(camera.height, supersample, camera.width, supersample, 4)
    mean = blocks.mean(axis=(1, 3))
    mean[..., :3] /= np.where(mean[..., 3:] > 0, mean[..., 3:], 1)
    depth = t if supersample == 1 else cast(solids, rays(camera))[0]
    return mean.astype(np.float32), depth.reshape(camera.height, camera.width).astype(np.float32)


def cast(solids: Solids, lines: Rays) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Where rays from outside first meet a solid, and which; inf and -1 where none does.

    A box is met when the ray is between all three pairs of its faces. In the frame where an
    ellipsoid is the unit ball, a ray `p + t v` enters before its point nearest to the centre.
    """
    origin, direction = (
        np.ascontiguousarray(lines.origin.T),
        np.ascontiguousarray(lines.direction.T),
    )
    inverse = 1 / np.where(direction == 0, 1e-300, direction)
    best = np.full(origin.shape[1], np.inf)
    which = np.full(origin.shape[1], -1)
    for number, (centre, half) in enumerate(zip(solids.centre, solids.half, strict=True)):
        offset = centre[:, None] - origin
        if solids.round[number]:
            p, v = offset / half[:, None], direction / half[:, None]
            square = (v * v).sum(axis=0)
            middle = (p * v).sum(axis=0) / square
            room = 1 - np.square(middle * v - p).sum(axis=0)
            near = middle - np.sqrt(np.maximum(room, 0) / square)
            met = (room > 0) & (near > 0)
        else:
            middle, reach = offset * inverse, half[:, None] * np.abs(inverse)
            near = (middle - reach).max(axis=0)
            met = (near < (middle + reach).min(axis=0)) & (near > 0)
        nearer = met & (near < best)
        best[nearer], which[nearer] = near[nearer], number
    return best, which


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
