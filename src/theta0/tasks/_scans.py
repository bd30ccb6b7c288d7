"""What a CT task measures: slices that can be pictured, and integrated along rays."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from theta0.data import Phantom, phantom
from theta0.forward import Segments

from ._base import SplitName

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@runtime_checkable
class Scans(Protocol):
    """Slices that can be pictured and measured."""

    def size(self, split: SplitName) -> int: ...

    def picture(self, split: SplitName, index: int) -> Float[np.ndarray, "size size"]: ...

    def integrals(
        self, split: SplitName, index: int, segments: Segments
    ) -> Float[np.ndarray, " rays"]: ...


class PhantomScans:
    """Randomized Shepp-Logan phantoms, with exact line integrals."""

    def __init__(self, series: int, counts: Sequence[int], side: int):
        """An endless series of phantoms, ``counts`` of them in each split, ``side`` pixels wide."""
        self._series, self._side = series, side
        self._counts = dict(zip(SPLITS, counts, strict=True))

    def size(self, split: SplitName) -> int:
        return self._counts[split]

    def _phantom(self, split: SplitName, index: int) -> Phantom:
        # Every split is a series of its own, so its phantoms do not depend on the others' sizes.
        return phantom(len(SPLITS) * self._series + SPLITS.index(split), index)

    def picture(self, split, index):
        return self._phantom(split, index).rasterize(self._side)

    def integrals(self, split, index, segments):
        return self._phantom(split, index).line_integrals(segments.start, segments.end)


class SliceScans:
    """Pixel slices, interpolated bilinearly between pixel centres; nothing outside them."""

    def __init__(self, parts: Sequence[Float[np.ndarray, "slices size size"]]):
        self._parts = dict(zip(SPLITS, parts, strict=True))

    def size(self, split: SplitName) -> int:
        return len(self._parts[split])

    def picture(self, split, index):
        return self._parts[split][index]

    def integrals(self, split, index, segments):
        return slice_integrals(self._parts[split][index], segments)


def slice_integrals(
    pixels: Float[np.ndarray, "height width"], segments: Segments
) -> Float[np.ndarray, " rays"]:
    """Line integrals through a slice, two midpoint samples a pixel.

    Args:
        pixels: values at pixel centres ((i + 0.5) / height, (j + 0.5) / width).
        segments: in the unit square.
    """
    shape = np.array(pixels.shape)
    samples = 2 * int(shape.max())
    t = ((np.arange(samples) + 0.5) / samples)[:, None, None]
    start, end = np.asarray(segments.start), np.asarray(segments.end)
    points = (start + t * (end - start)) * shape - 0.5
    values = map_coordinates(pixels, np.moveaxis(points, -1, 0), order=1, prefilter=False)
    return values.mean(axis=0) * np.linalg.norm(end - start, axis=1)
