"""A scene of solids with procedural textures.

It is built in metres above the ground with `Builder`; `METRE` and `GROUND` map it to the world.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from theta0.data._solids import Solids, joined
from theta0.data._value_noise import hashed, value_noise
from theta0.data.cameras import Vector

METRE = 1 / 16
"""In world units."""

GROUND = -7 * METRE
"""Height of the ground in the world."""

_BASE = np.array([0, 0, GROUND])

SMOOTH, STONE, BLOCKS, RIBS, PAVING, LEAVES = range(6)
"""Textures of solids."""

Colour = Float[np.ndarray, "3"]
_Points = Float[np.ndarray, "n 3"]
_Factor = Float[np.ndarray, " n"]


class Builder:
    """Collects parts that are given in metres.

    Attributes:
        covers: Texture of each part so far.
    """

    def __init__(self):
        self.covers: list[int] = []
        self._groups: list[list[tuple]] = []

    def group(self) -> None:
        """Start a group of parts that are close to each other."""
        self._groups.append([])

    def add(self, kind: int, low: Vector, high: Vector, colour: Colour, cover: int = SMOOTH):
        """Add a part between two corners."""
        self._groups[-1].append((kind, low, high, colour))
        self.covers.append(cover)

    def solids(self) -> tuple[Solids, ...]:
        """The groups in world units."""
        return tuple(_in_world(parts) for parts in self._groups)


def _in_world(parts: list[tuple]) -> Solids:
    kind, low, high, colour = (np.array(column) for column in zip(*parts, strict=True))
    centre, half = (low + high) / 2 * METRE, (high - low) / 2 * METRE
    return Solids(centre + _BASE, half, kind, colour)


@dataclass(frozen=True, eq=False)
class Scene:
    """The static scene: the ground, and the landmark on it.

    Attributes:
        groups: The ground; then groups of parts of the landmark that are close to each other.
        covers: Texture of each solid: SMOOTH, STONE, ...
        shelter: Corners of the space behind the columns, in metres.
        seed: Of the textures.
    """

    groups: tuple[Solids, ...]
    covers: Int[np.ndarray, " solids"]
    shelter: tuple[Vector, Vector]
    seed: int

    def albedo(
        self,
        points: Float[np.ndarray, "n 3"],
        normals: Float[np.ndarray, "n 3"],
        which: Int[np.ndarray, " n"],
    ) -> Float[np.ndarray, "n 3"]:
        """Albedo (RGB) of points on the solids with numbers `which`."""
        solids, metres = joined(self.groups), (points - _BASE) / METRE
        colour, cover = solids.colour[which], self.covers[which]
        factor = np.ones(len(points))
        for kind, texture in _TEXTURES.items():
            if len(rows := np.flatnonzero(cover == kind)):
                middle = solids.centre[which[rows]] / METRE
                factor[rows] = texture(metres[rows], normals[rows], middle, self.seed)
        return colour * factor[:, None]

    def openness(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Unoccluded fraction of the surroundings of points; lower in the portico."""
        low, high = (np.array(corner) for corner in self.shelter)
        x, y, z = ((points - _BASE) / METRE).T
        inside = (np.abs(x) < high[0]) & (y < high[1]) & (z < high[2])
        back = np.clip((y - low[1]) / (high[1] - low[1]), 0, 1) * inside
        return 1 - back * (0.35 + 0.35 * np.clip(z / high[2], 0, 1))


def _stone(metres: _Points, normals: _Points, middle: _Points, seed: int) -> _Factor:
    """Stains of up to about 1.5 metres."""
    return 0.72 + 0.5 * value_noise(metres / 1.5, seed, octaves=3)


def _blocks(metres: _Points, normals: _Points, middle: _Points, seed: int) -> _Factor:
    """Courses of blocks with individual tints, and joints between them."""
    high, wide = 0.75, 1.6
    sideways = np.where(np.abs(normals[:, 0]) > 0.7, metres[:, 1], metres[:, 0])
    course = np.floor(metres[:, 2] / high)
    along = sideways / wide + 0.5 * (course % 2)
    tint = hashed(np.stack([np.floor(along), course], axis=1).astype(np.int64), seed)
    joint = (metres[:, 2] / high - course < 0.12) | ((along - np.floor(along)) < 0.05)
    return _stone(metres, normals, middle, seed) * (0.8 + 0.35 * tint) * np.where(joint, 0.72, 1)


def _ribs(metres: _Points, normals: _Points, middle: _Points, seed: int) -> _Factor:
    """Vertical ribs of a dome."""
    angle = np.arctan2(metres[:, 1] - middle[:, 1], metres[:, 0] - middle[:, 0])
    rib = np.abs((angle * 16 / (2 * np.pi)) % 1 - 0.5) > 0.36
    return _stone(metres, normals, middle, seed) * np.where(rib, 1.15, 0.85)


def _paving(metres: _Points, normals: _Points, middle: _Points, seed: int) -> _Factor:
    """Slabs of different tints, which fade with distance."""
    slab = np.floor(metres[:, :2] / 2.0)
    tint = hashed(slab.astype(np.int64), seed)
    joint = (metres[:, :2] / 2.0 - slab < 0.07).any(axis=1)
    near = np.exp(-np.square(metres[:, :2] / 35).sum(axis=1))
    slabs = (0.82 + 0.36 * tint) * np.where(joint, 0.8, 1)
    return (0.8 + 0.4 * value_noise(metres / 4, seed, octaves=2)) * (1 + near * (slabs - 1))


def _leaves(metres: _Points, normals: _Points, middle: _Points, seed: int) -> _Factor:
    return 0.35 + 1.3 * value_noise(metres / 0.5, seed, octaves=2)


_TEXTURES = {STONE: _stone, BLOCKS: _blocks, RIBS: _ribs, PAVING: _paving, LEAVES: _leaves}
