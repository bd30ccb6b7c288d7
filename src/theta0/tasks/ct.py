"""Computed tomography: a task is one slice, observed through line integrals at a few angles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from theta0.data import (
    PICTURE_SUFFIXES,
    Phantom,
    phantom,
    read_image,
    read_slice,
    read_slices,
    resize_slices,
    split,
)
from theta0.errors import InputError, require_positive
from theta0.forward import Points, Segments

from ._base import Observation, Signal, SplitName, Task, stack
from ._grid import pixel_coordinates


@dataclass(frozen=True)
class CTConfig:
    """Phantoms or a file of slices, and the scanner that sees them."""

    source: str | None = None
    """.npz, .npy, picture, DICOM file or folder of one series; randomized phantoms when left out"""
    size: int = 128
    """pixels a side of the reconstructed slice"""
    train: int = 2048
    """phantoms to learn from (files: everything not kept for validation and test)"""
    validation: int = 16
    """slices kept for validation"""
    test: int = 64
    """slices kept for testing"""
    phantom_seed: int = 0
    """which endless series of phantoms"""
    training_views: int = 20
    """angles a task is seen from in training"""
    training_angles: Literal["random", "even"] = "random"
    """each angle drawn at random, as in the paper, or evenly spaced from a random first one"""
    query_pixels: int | None = None
    """random pixels of the slice itself that the outer loss of MAML sees; other rays if left out"""
    rays: int = 128
    """detector pixels: parallel rays a view"""
    chord: bool = True
    """cut rays to the disc inscribed in the slice, outside which nothing is measured; False: every
    ray crosses the whole turned square, as in the paper"""
    measure: Literal["mean", "sum"] = "sum"
    """what the detector reads: the integral along the ray, or its mean (as in the paper)"""
    pixel_offset: float = 0.5
    """where in its pixel a sample of the slice lies: 0.5 the centre, 0 the corner"""

    def __post_init__(self):
        require_positive(self, "size", "train", "training_views", "query_pixels", "rays")
        if self.phantom_seed < 0:
            raise InputError(f"phantom_seed is {self.phantom_seed}; give 0 or more")
        if self.query_pixels is not None and self.query_pixels > self.size**2:
            raise InputError(
                f"query_pixels is {self.query_pixels}, but a slice has only {self.size**2} pixels"
            )

    @property
    def path(self) -> str | None:
        """Where the slices lie; None for phantoms."""
        return self.source

    def with_path(self, path: str) -> "CTConfig":
        """The same on slices from a file or folder."""
        return replace(self, source=path)

    def build(self) -> "CTTasks":
        """Read or procure the slices."""
        if self.source is None:
            return CTTasks(self, PhantomScans(self))
        slices = read_slices(self.source)
        pixels = resize_slices(slices.pixels, self.size)
        parts = split(slices.groups, self.validation, self.test)
        scans = [parts.train, parts.validation, parts.test]
        return CTTasks(self, SliceScans([pixels[list(part)] for part in scans]))

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A slice as a signal, measured from ``views`` angles; ``index`` chooses it in a stack."""
        if Path(path).suffix.lower() in PICTURE_SUFFIXES and np.ptp(read_image(path), -1).max() > 0:
            raise InputError(
                f"{path}: a colour picture, but this initialization is for CT slices; "
                "give a slice, or a start for pictures such as faces"
            )
        pixels = read_slice(path, index=index)[None]
        square = resize_slices(pixels, self.size)
        nothing = square[:0]
        tasks = CTTasks(self, SliceScans([nothing, nothing, square]))
        task = tasks.held_out("test", 0, views)
        return Signal(task, Points(), self.size, max(pixels.shape[1:]), self.pixel_offset)


@runtime_checkable
class Scans(Protocol):
    """Slices that can be pictured and measured."""

    def size(self, split: SplitName) -> int: ...

    def picture(self, split: SplitName, index: int) -> Float[np.ndarray, "size size"]: ...

    def integrals(
        self, split: SplitName, index: int, segments: Segments
    ) -> Float[np.ndarray, " rays"]: ...


_SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


class PhantomScans:
    """Randomized Shepp-Logan phantoms, with exact line integrals."""

    def __init__(self, config: CTConfig):
        self._config = config

    def size(self, split: SplitName) -> int:
        return getattr(self._config, split)

    def _phantom(self, split: SplitName, index: int) -> Phantom:
        # Every split is a series of its own, so its phantoms do not depend on the others' sizes.
        return phantom(len(_SPLITS) * self._config.phantom_seed + _SPLITS.index(split), index)

    def picture(self, split, index):
        return self._phantom(split, index).rasterize(self._config.size)

    def integrals(self, split, index, segments):
        return self._phantom(split, index).line_integrals(segments.start, segments.end)


class SliceScans:
    """Pixel slices, interpolated bilinearly between pixel centres; nothing outside them."""

    def __init__(self, parts: Sequence[Float[np.ndarray, "slices size size"]]):
        self._parts = dict(zip(_SPLITS, parts, strict=True))

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


def parallel_beam(angles_rad: Float[np.ndarray, " views"], rays: int, chord: bool) -> Segments:
    """Parallel rays through the unit square's centre disc, view after view.

    At angle 0 rays run along the rows' axis (downwards) and the detector along the columns, as in
    ``skimage.transform.radon``, whose angles turn the same way. Detector pixel k of ``rays`` sits
    at ``(k + 0.5) / rays - 0.5`` from the centre.

    Args:
        angles_rad: view angles.
        rays: rays a view.
        chord: cut rays to the inscribed disc; otherwise they are one unit long.

    Returns:
        ``views * rays`` segments, float32.
    """
    offset = ((np.arange(rays) + 0.5) / rays - 0.5)[None, :, None]
    half = np.sqrt(0.25 - offset**2) if chord else np.full_like(offset, 0.5)
    cos, sin = np.cos(angles_rad)[:, None], np.sin(angles_rad)[:, None]
    across = np.stack([-sin, cos], axis=-1)
    along = np.stack([cos, sin], axis=-1)
    middle = 0.5 + offset * across
    flat = lambda points: points.reshape(-1, 2).astype(np.float32)
    return Segments(flat(middle - half * along), flat(middle + half * along))


class CTTasks:
    """Tasks from slices seen by a parallel-beam scanner."""

    query_forward = Points()

    def __init__(self, config: CTConfig, scans: Scans):
        self.training_query_forward = None if config.query_pixels is None else Points()
        self.config, self._scans = config, scans
        self._points = pixel_coordinates(config.size, config.size, config.pixel_offset)

    def size(self, split: SplitName) -> int:
        return self._scans.size(split)

    def _scan(self, split: SplitName, index: int, angles_rad) -> Observation:
        segments = parallel_beam(angles_rad, self.config.rays, self.config.chord)
        values = self._scans.integrals(split, index, segments)
        if self.config.measure == "mean":
            values = values / np.linalg.norm(segments.end - segments.start, axis=1)
        return Observation(segments, np.asarray(values, np.float32)[:, None])

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        return stack([self._training_task(rng) for _ in range(count)])

    def _training_task(self, rng: np.random.Generator) -> Task:
        index = int(rng.integers(self.size("train")))
        support = self._scan("train", index, self._training_angles(rng))
        if self.config.query_pixels is None:
            return Task(support, self._scan("train", index, self._training_angles(rng)))
        chosen = rng.choice(len(self._points), self.config.query_pixels, replace=False)
        values = self._scans.picture("train", index).reshape(-1, 1)
        return Task(support, Observation(self._points[chosen], values[chosen]))

    def _training_angles(self, rng: np.random.Generator) -> Float[np.ndarray, " views"]:
        views = self.config.training_views
        if self.config.training_angles == "random":
            return rng.uniform(0, np.pi, views)
        return (rng.uniform(0, np.pi) + np.arange(views) * np.pi / views) % np.pi

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        views = self.config.training_views if views is None else views
        if views < 1:
            raise InputError(f"views={views}: a reconstruction needs at least one view")
        angles_rad = np.linspace(0, np.pi, views, endpoint=False)
        values = self._scans.picture(split, index).reshape(-1, 1)
        return Task(self._scan(split, index, angles_rad), Observation(self._points, values))

    def mean_signal(self) -> Observation:
        # A thousand slices settle the mean; more would only cost time.
        chosen = range(min(self.size("train"), 1000))
        total = sum(self._scans.picture("train", index).astype(np.float64) for index in chosen)
        mean = np.asarray(total / len(chosen), np.float32)
        return Observation(self._points, mean.reshape(-1, 1))

    def picture(self, values):
        return np.asarray(values).reshape(self.config.size, self.config.size, -1)
