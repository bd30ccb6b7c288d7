"""Chairs of boxes and ellipsoids: a class of objects that needs no data and no renderer.

Object number n is a function of (seed, n). Each fits into the unit sphere around the origin, stands
upright (z up) and faces -y. Its views are taken from random points on a sphere of radius 4.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.data import Split
from theta0.data._numbered import Numbered, numbered
from theta0.data._solids import BOX, ELLIPSOID, LitSolids, picture
from theta0.data.views._posed import Views
from theta0.data.views._viewpoints import random_cameras
from theta0.errors import InputError, require_positive
from theta0.memory import MAX_BYTES, check_memory

DISTANCE = 4.0
"""From the camera to the centre of the object, in units of its radius, as in the paper."""

FOV_DEG = 30.0
"""The unit sphere fills `2 asin(1 / 4)`, 29 degrees."""

_STREAM = int.from_bytes(b"chair")


@dataclass(frozen=True)
class ProceduralObjects(Numbered):
    """Chairs of boxes and ellipsoids, drawn when they are loaded."""

    size: int = 32
    """side of the pictures, in pixels"""
    views: int = 25
    """views of each object; the number of the paper"""
    supersample: int = 2
    """rays per side of each pixel, which are averaged"""

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "size", "views", "supersample")
        rays = self.size**2 * max(self.supersample**2, self.views)
        what = f"procedural objects: size={self.size}, views={self.views}"
        check_memory(what, 500 * rays, MAX_BYTES, "choose a smaller size, or fewer views")

    def read(self) -> "DrawnObjects":
        """The class; its objects are drawn when they are loaded."""
        counts = self.samples, self.validation, self.test
        names, split = numbered("procedural", "objects", "chair", *counts)
        return DrawnObjects(names, (), split, self)


@dataclass(frozen=True, eq=False)
class DrawnObjects:
    """Numbered objects, each drawn when it is loaded; see `Objects`."""

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    settings: ProceduralObjects

    def load(self, index: int) -> Views:
        """Draw object number `index`: RGBA in float32, with depths.

        Raises:
            InputError: There is no such number.
        """
        if not 0 <= index < len(self.names):
            raise InputError(f"object number {index}: give 0 to {len(self.names) - 1}")
        settings = self.settings
        rng = np.random.default_rng((settings.seed, _STREAM, index))
        solids = chair(rng)
        cameras = random_cameras(rng, settings.views, settings.size, DISTANCE, FOV_DEG)
        seen = [picture(solids, camera, settings.supersample) for camera in cameras]
        return Views(
            images=np.stack([image for image, _ in seen]),
            cameras=cameras,
            names=tuple(f"{number:03d}" for number in range(settings.views)),
            object_id=self.names[index],
            depth=np.stack([depth for _, depth in seen]),
        )


def chair(rng: np.random.Generator) -> LitSolids:
    """Draw a chair: a seat, a back, four legs or a foot, and optional arms, cushion and head."""
    width, depth = rng.uniform(0.7, 1.3), rng.uniform(0.7, 1.2)  # of the seat; it is at height 0
    thick, leg, back = rng.uniform(0.06, 0.2), rng.uniform(0.06, 0.14), rng.uniform(0.06, 0.16)
    below, above = rng.uniform(0.5, 1.0), rng.uniform(0.6, 1.3)
    seat_colour, back_colour, leg_colour, extra_colour = rng.uniform(0.1, 0.95, (4, 3))
    four_legs, arms, cushion, head = rng.random(4) < [0.7, 0.4, 0.4, 0.3]
    x, y = width / 2, depth / 2
    # Lower and upper corners, colour, and whether the part is an ellipsoid.
    parts = [
        ((-x, -y, -thick), (x, y, 0), seat_colour, False),
        ((-x, y - back, 0), (x, y, above), back_colour, False),
    ]
    if four_legs:
        parts += [
            ((left, front, -thick - below), (left + leg, front + leg, -thick), leg_colour, False)
            for left in (-x, x - leg)
            for front in (-y, y - leg)
        ]
    else:
        parts.append(((-leg, -leg, -thick - below), (leg, leg, -thick), leg_colour, False))
        bottom = -thick - below
        parts.append(((-x, -y, bottom - 0.1), (x, y, bottom + 0.1), leg_colour, True))
    if arms:
        height = 0.35 * above
        parts += [
            ((left, -y, height - 0.08), (left + leg, y - back, height), extra_colour, False)
            for left in (-x, x - leg)
        ]
    if cushion:
        parts.append(((-0.9 * x, -0.9 * y, -0.05), (0.9 * x, y - back, 0.15), extra_colour, True))
    if head:
        top = above - 0.05
        parts.append(((-0.6 * x, y - 0.25, top), (0.6 * x, y + 0.1, top + 0.3), seat_colour, True))
    return _fitted(rng, parts)


def _fitted(rng: np.random.Generator, parts: list) -> LitSolids:
    """Parts as solids in the unit sphere, lit from above."""
    lower, upper, colour, rounded = (np.array(column) for column in zip(*parts, strict=True))
    middle = (lower.min(axis=0) + upper.max(axis=0)) / 2
    centre, half = (lower + upper) / 2 - middle, (upper - lower) / 2
    radius = float(np.linalg.norm(np.abs(centre) + half, axis=1).max())
    kind = np.where(rounded, ELLIPSOID, BOX)
    return LitSolids(centre / radius, half / radius, kind, colour, _light(rng), ambient=0.4)


def _light(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    light = rng.standard_normal(3)
    light[2] = abs(light[2]) + 0.5
    return light / np.linalg.norm(light)
