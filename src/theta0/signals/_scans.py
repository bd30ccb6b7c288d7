"""What a CT task measures: slices that can be pictured, and integrated along rays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from theta0.data.ct import Phantom, phantom
from theta0.forward import Segments
from theta0.memory import MAX_BYTES, check_memory

from ._base import SplitName
from ._grid import pixel_coordinates

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@runtime_checkable
class Slice(Protocol):
    """What a scanner sees."""

    def picture(self) -> Float[np.ndarray, "size size"]: ...

    def integrals(self, segments: Segments) -> Float[np.ndarray, " rays"]: ...


@runtime_checkable
class Scans(Protocol):
    """Slices that can be pictured and measured."""

    skipped: tuple[tuple[str, str], ...]
    """(name, reason) of slices left out"""

    def size(self, split: SplitName) -> int: ...

    def slice(self, split: SplitName, index: int) -> Slice: ...


@dataclass(frozen=True, eq=False)
class PhantomSlice:
    """A phantom, with exact line integrals."""

    phantom: Phantom
    side: int

    def picture(self):
        return self.phantom.rasterize(self.side)

    def integrals(self, segments):
        return self.phantom.line_integrals(segments.start, segments.end)


class PhantomScans:
    """Randomized Shepp-Logan phantoms."""

    skipped = ()

    def __init__(self, series: int, counts: Sequence[int], side: int):
        """An endless series of phantoms, ``counts`` of them in each split, ``side`` pixels wide."""
        self._series, self._side = series, side
        self._counts = dict(zip(SPLITS, counts, strict=True))

    def size(self, split: SplitName) -> int:
        return self._counts[split]

    def slice(self, split, index):
        # Every split is a series of its own, so its phantoms do not depend on the others' sizes.
        series = len(SPLITS) * self._series + SPLITS.index(split)
        return PhantomSlice(phantom(series, index), self._side)


@dataclass(frozen=True, eq=False)
class PixelSlice:
    """Pixels, interpolated bilinearly between their centres; nothing outside them."""

    pixels: Float[np.ndarray, "size size"]

    def picture(self):
        return self.pixels

    def integrals(self, segments):
        return slice_integrals(self.pixels, segments)


class SliceScans:
    """Slices of pixels."""

    def __init__(
        self,
        parts: Sequence[Float[np.ndarray, "slices size size"]],
        skipped: tuple[tuple[str, str], ...] = (),
    ):
        self.skipped = skipped
        self._parts = dict(zip(SPLITS, parts, strict=True))

    def size(self, split: SplitName) -> int:
        return len(self._parts[split])

    def slice(self, split, index):
        return PixelSlice(self._parts[split][index])


_TURN_RAD, _STRETCH, _SHIFT, _BEND = np.deg2rad(10.0), 0.1, 0.05, 0.02
"""What an augmentation of 1 does at most, lengths in sides; a bend is a standard deviation."""
_BENDS = 5
"""Independent bends along a side."""


def augmented(slice: Slice, strength: float, rng: np.random.Generator) -> PixelSlice:
    """Another slice of the same kind: mirrored or not, turned, stretched, shifted and bent.

    Args:
        slice: the slice.
        strength: 1: turned by up to 10 degrees, each axis stretched by up to 10 %, shifted by up to
            5 % of the side, and bent smoothly, points moving by 2 % of the side on average.
        rng: what is drawn, from.
    """
    pixels = slice.picture()
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    side = len(pixels)
    turn_rad = strength * rng.uniform(-_TURN_RAD, _TURN_RAD)
    stretch = 1 + strength * rng.uniform(-_STRETCH, _STRETCH, 2)
    shift = strength * rng.uniform(-_SHIFT, _SHIFT, 2)
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    matrix = np.array([[cos, -sin], [sin, cos]]) * stretch
    points = pixel_coordinates(side, side).astype(np.float64) - 0.5
    bends = rng.normal(0, strength * _BEND, (2, _BENDS, _BENDS))
    # Cubic between the bends, which lie from edge to edge.
    where = (points.T + 0.5) * (_BENDS - 1)
    bent = np.stack([map_coordinates(bend, where, order=3, mode="nearest") for bend in bends])
    moved = (points @ matrix.T + shift + 0.5).T + bent
    where = moved * side - 0.5
    values = map_coordinates(pixels, where, order=1, mode="grid-constant", prefilter=False)
    return PixelSlice(values.reshape(pixels.shape))


_BYTES_A_SAMPLE = 56
"""Three pairs of coordinates at a time, and a value."""


def slice_integrals(
    pixels: Float[np.ndarray, "height width"], segments: Segments
) -> Float[np.ndarray, " rays"]:
    """Line integrals through a slice, two midpoint samples a pixel.

    Args:
        pixels: values at pixel centres ((i + 0.5) / height, (j + 0.5) / width).
        segments: in the unit square.

    Raises:
        InputError: They need too much memory.
    """
    shape = np.array(pixels.shape)
    samples = 2 * int(shape.max())
    needed = _BYTES_A_SAMPLE * samples * len(segments.start)
    rays = f"{len(segments.start):,} rays through {shape[0]} x {shape[1]} pixels"
    check_memory(rays, needed, MAX_BYTES, "ask for fewer views, or rays per view")
    t = ((np.arange(samples) + 0.5) / samples)[:, None, None]
    start, end = np.asarray(segments.start), np.asarray(segments.end)
    points = (start + t * (end - start)) * shape - 0.5
    values = map_coordinates(pixels, np.moveaxis(points, -1, 0), order=1, prefilter=False)
    return values.mean(axis=0) * np.linalg.norm(end - start, axis=1)
