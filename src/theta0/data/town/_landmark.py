"""A landmark of solids: a hall with a portico, a dome and a tower, on a paved square.

It stands upright around the origin, roughly fills the unit sphere, and faces -y.
"""

import numpy as np

from theta0.data._solids import BOX, CYLINDER, ELLIPSOID, GABLE
from theta0.data.cameras import Vector
from theta0.data.town._scene import (
    BLOCKS,
    LEAVES,
    PAVING,
    RIBS,
    SMOOTH,
    STONE,
    Builder,
    Colour,
    Scene,
)

GLASS = np.array([0.05, 0.06, 0.08])

_SQUARE = 1500.0  # half of the side of the ground, in metres; puts the horizon within 1e-3 of level


def landmark(seed: int) -> Scene:
    """Draw the scene of a seed."""
    rng = np.random.default_rng((seed, int.from_bytes(b"landmark")))
    tint = rng.uniform(0.2, 1) * np.array([0.04, 0.0, -0.09])  # from grey to honey
    stone = rng.uniform(0.85, 1.1) * (np.array([0.6, 0.52, 0.42]) + tint)
    pale = np.minimum(stone * 1.25, 0.8)
    build = Builder()
    build.group()
    grey = np.array([0.36, 0.34, 0.31]) * rng.uniform(0.9, 1.1)
    build.add(BOX, (-_SQUARE, -_SQUARE, -1), (_SQUARE, _SQUARE, 0), grey, PAVING)
    wide, high = rng.uniform(7.5, 8.5), rng.uniform(7.5, 8.5)
    _hall(build, wide, high, stone, pale)
    shelter = _portico(build, rng, 0.85 * wide, high, pale)
    _dome(build, rng, high, stone, pale)
    side = rng.choice([-1, 1])
    _tower(build, rng, side * (wide + 1.9), stone, pale)
    _trees(build, rng, -side * (wide + 3.2))
    return Scene(build.solids(), np.array(build.covers), shelter, seed)


def _window(build: Builder, middle: Vector, frame: Colour, out: Vector) -> None:
    """A window with a frame around it, on a wall that faces `out`: (0, -1, 0), or (+-1, 0, 0)."""
    middle = np.array(middle)
    for thick, wide, high, colour in ((0.12, 0.85, 1.35, frame), (0.17, 0.6, 1.05, GLASS)):
        half = np.where(np.array(out) != 0, thick, [wide, wide, high])
        build.add(BOX, middle - half, middle + half, colour)


def _hall(build: Builder, wide: float, high: float, stone: Colour, pale: Colour) -> None:
    """The main building, from y = -3 to 7, with windows and a door."""
    build.group()
    build.add(BOX, (-wide, -3, 0), (wide, 7, high), stone, BLOCKS)
    build.add(BOX, (-wide - 0.3, -3.3, high), (wide + 0.3, 7.3, high + 0.5), pale, STONE)
    build.add(BOX, (-wide - 0.15, -3.15, 0), (wide + 0.15, 7.15, 0.9), 0.8 * stone, STONE)
    for z in (2.9, 6.2):
        for side in (-1, 1):
            _window(build, (side * (wide - 1.3), -3, z), pale, (0, -1, 0))
            for y in (-0.5, 2.2, 4.9):
                _window(build, (side * wide, y, z), pale, (side, 0, 0))
    build.add(BOX, (-1.3, -3.2, 0.9), (1.3, -3, 5.2), pale)
    build.add(BOX, (-0.95, -3.25, 0.9), (0.95, -3, 4.8), np.array([0.16, 0.09, 0.05]))


def _portico(
    build: Builder, rng: np.random.Generator, wide: float, high: float, pale: Colour
) -> tuple[Vector, Vector]:
    """Steps, columns and a pediment in front of the hall; returns the corners of the space."""
    build.group()
    count, top = int(rng.choice([4, 6])), high - 1.3
    for step in range(3):
        out = 0.45 * (3 - step)
        low, up = (-wide - out, -6.9 - out, 0.3 * step), (wide + out, -3, 0.3 * step + 0.3)
        build.add(BOX, low, up, pale, STONE)
    for x in np.linspace(-wide + 0.7, wide - 0.7, count):
        for reach, low, up in ((0.42, 1.2, top - 0.35), (0.6, top - 0.35, top), (0.6, 0.9, 1.2)):
            kind = BOX if low == top - 0.35 else CYLINDER
            corner = lambda side, z, x=x, reach=reach: (x + side * reach, -6.2 + side * reach, z)
            build.add(kind, corner(-1, low), corner(1, up), pale, STONE)
    build.group()
    build.add(BOX, (-wide, -6.8, top), (wide, -3, high), pale, STONE)
    build.add(BOX, (-wide - 0.3, -7.1, high), (wide + 0.3, -3, high + 0.35), pale, STONE)
    rise = rng.uniform(0.3, 0.42) * wide
    roof = high + 0.35
    build.add(GABLE, (-wide - 0.3, -7.1, roof), (wide + 0.3, -2.5, roof + rise), pale, STONE)
    low, up = (-0.78 * wide, -7.16, roof + 0.3), (0.78 * wide, -7, roof + 0.82 * rise)
    build.add(GABLE, low, up, 0.68 * pale)
    return (-wide, -6.2, 0), (wide, -2.95, top + 0.05)


def _dome(
    build: Builder, rng: np.random.Generator, high: float, stone: Colour, pale: Colour
) -> None:
    """A drum with windows, a dome, and a lantern on top."""
    build.group()
    radius, base = rng.uniform(3.6, 4.3), high + 0.5
    top = base + rng.uniform(1.9, 2.6)
    metal = np.array([[0.22, 0.42, 0.34], [0.32, 0.33, 0.36]])[rng.integers(2)]  # copper, lead
    metal = rng.uniform(0.8, 1.1) * metal

    def upright(kind, reach, low, up, colour, cover=STONE, angle=0.0, aside=0.0):
        x, y = aside * np.sin(angle), 2 - aside * np.cos(angle)
        build.add(kind, (x - reach, y - reach, low), (x + reach, y + reach, up), colour, cover)

    upright(CYLINDER, radius, base, top, stone)
    for angle in np.deg2rad([-100, -60, -20, 20, 60, 100]):
        upright(ELLIPSOID, 0.7, base + 0.3, top - 0.3, GLASS, SMOOTH, angle, radius - 0.45)
    upright(CYLINDER, radius + 0.25, top, top + 0.35, pale)
    rise = rng.uniform(0.85, 1.05) * radius
    upright(ELLIPSOID, radius, top + 0.35 - rise, top + 0.35 + rise, metal, RIBS)
    lantern = top + 0.2 + rise
    upright(CYLINDER, 0.65, lantern, lantern + 1.2, pale)
    upright(ELLIPSOID, 0.75, lantern + 0.7, lantern + 1.9, metal)


def _tower(build: Builder, rng: np.random.Generator, x: float, stone: Colour, pale: Colour) -> None:
    """A bell tower beside the hall."""
    build.group()
    high, half = rng.uniform(11.5, 13.5), 1.75
    low, up = (x - half, -0.5, 0), (x + half, 3, high)
    build.add(BOX, low, up, 0.92 * stone * np.array([1.05, 0.92, 0.85]), BLOCKS)
    for z, out in ((0.65 * high, 0.15), (high, 0.3)):
        low, up = (x - half - out, -0.5 - out, z), (x + half + out, 3 + out, z + 0.4)
        build.add(BOX, low, up, pale, STONE)
    for z in (0.35 * high, 0.83 * high):
        _window(build, (x, -0.5, z), pale, (0, -1, 0))
        _window(build, (x + half * np.sign(x), 1.25, z), pale, (np.sign(x), 0, 0))
    brick = np.array([0.42, 0.17, 0.1])
    build.add(GABLE, (x - half - 0.2, -0.7, high + 0.4), (x + half + 0.2, 3.2, high + 2), brick)


def _trees(build: Builder, rng: np.random.Generator, x: float) -> None:
    """Two trees on the other side."""
    build.group()
    for y in (-4.5, 1.0):
        reach, high = rng.uniform(1.3, 1.8), rng.uniform(4.5, 6.5)
        trunk, green = np.array([0.16, 0.11, 0.07]), np.array([0.12, 0.2, 0.06])
        build.add(CYLINDER, (x - 0.2, y - 0.2, 0), (x + 0.2, y + 0.2, 2.5), trunk)
        low, up = (x - reach, y - reach, 1.6), (x + reach, y + reach, high)
        build.add(ELLIPSOID, low, up, green, LEAVES)
