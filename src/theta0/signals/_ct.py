"""Computed tomography: a task is one slice, observed through line integrals at a few angles."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from theta0.data.ct import (
    Sinogram,
    check_slice,
    constant,
    holds_sinogram,
    read_sinogram,
    read_slice,
    read_slices,
    resize_slices,
)
from theta0.errors import InputError, require_positive, require_seed
from theta0.fields import Siren
from theta0.forward import Lines, Observation, Points
from theta0.memory import MAX_BYTES, check_memory
from theta0.registry import SIGNALS

from ._base import SplitName, Task, TaskFamily, stack
from ._beams import Beam, BeamName
from ._ct_sources import CTSource, Phantoms, SliceFile
from ._given import as_slice, several
from ._grid import in_disc, pixel_coordinates
from ._kind import SignalConfig
from ._measured import measured_task
from ._noise import Detector
from ._scans import SPLITS, Scans, Slice, SliceScans, augmented
from ._shares import SHARES, Shares
from ._signal import PlanarSignal, Signal


@SIGNALS.register("ct")
@dataclass(frozen=True)
class CTConfig(SignalConfig):
    """CT slices: phantoms or slices of a file, and the scanner that measures them."""

    noun = "CT slices"
    source: CTSource = field(default_factory=Phantoms)
    """where the slices come from"""
    size: int = 128
    """pixels per side of the reconstructed slice"""
    training_views: int = 20
    """angles a task is seen from in training"""
    also_views: tuple[int, ...] = ()
    """other numbers of angles: each step of training draws one of them all"""
    training_angles: Literal["random", "even", "fixed"] = "random"
    """each angle drawn at random, as in the paper; evenly spaced from a random first one; or
    evenly spaced from 0, the very angles that a slice is measured from at test time"""
    query_pixels: int | None = None
    """random pixels of the slice itself that the outer loss of MAML sees; other rays if left out"""
    rays: int = 128
    """detector pixels: rays per view"""
    beam: BeamName = "parallel"
    """parallel rays, views over half a turn; or a fan from a point to an arc of pixels of equal
    angles that just covers the disc inscribed in the slice, views over a full turn"""
    source_distance: float = 2.0
    """of a fan beam's source from the centre, in units of the slice's side"""
    photons: float | None = None
    """photons expected on a detector pixel behind no matter, which are counted (Poisson) on every
    ray that is fitted; no such noise if left out. What judges a fit is always exact"""
    attenuation: float = 10.0
    """optical depth of a ray of one side's length through value 1, which decides how many photons
    pass: 10 is 25 cm of bone (+1000 HU, twice the 0.19 / cm of water at 70 keV)"""
    noise: float = 0.0
    """standard deviation of Gaussian noise on the line integrals, in units of value x side"""
    noise_seed: int = 0
    """of the noise on validation and test slices, and on slices of the user's"""
    augment: float = 0.0
    """of slices to learn from: mirrored or not, and at 1 turned by up to 10 degrees, stretched by
    10 %, shifted by 5 % and bent by some 2 % of the side; 0: as they are"""
    chord: bool = True
    """cut rays to the disc inscribed in the slice, outside which nothing is measured, and which
    alone is judged: all else is shown as 0; False: every ray crosses the whole turned square, and
    all of the slice is judged, as in the paper"""
    measure: Literal["mean", "sum"] = "sum"
    """what the detector reads: the integral along the ray, or its mean (as in the paper)"""
    pixel_offset: float = 0.5
    """where in its pixel a sample of the slice lies: 0.5 the centre, 0 the corner"""

    def __post_init__(self):
        require_positive(self, "size", "training_views", "query_pixels")
        if min(self.also_views, default=1) < 1:
            raise InputError(f"also_views is {self.also_views}; give numbers above 0")
        if self.rays < 2:
            raise InputError(f"rays is {self.rays}; give at least 2 detector pixels")
        require_seed(self.noise_seed, "noise_seed")
        if not (self.augment >= 0 and np.isfinite(self.augment)):
            raise InputError(f"augment is {self.augment}; give a finite strength, 0 or more")
        self.scanner()
        if self.query_pixels is not None and self.query_pixels > self.size**2:
            raise InputError(
                f"query_pixels is {self.query_pixels}, but a slice has only {self.size**2} pixels"
            )

    def scanner(self) -> tuple[Beam, Detector]:
        """How the rays run, and how they are read; refuses what cannot be."""
        beam = Beam(self.beam, self.source_distance)
        return beam, Detector(self.photons, self.attenuation, self.noise)

    @property
    def path(self) -> str | None:
        """Where the slices lie; None for phantoms."""
        return self.source.path if isinstance(self.source, SliceFile) else None

    def with_path(self, path: str) -> "CTConfig":
        """The same on slices from a file or folder."""
        counts = {"validation": self.source.validation, "test": self.source.test}
        return replace(self, source=SliceFile(path, **counts))

    def network(self):
        field = Siren(out_size=1, width=64, layers=4, w0=30.0, squash=True)
        return field, Lines(samples=32, reduce=self.measure, stratified=False)

    def build(self) -> "CTTasks":
        """Read or procure the slices."""
        return CTTasks(self, self.source.scans(self.size))

    def from_arrays(self, arrays: Any, shares: Shares = SHARES) -> "CTTasks":
        """Tasks from slices: an array (N, height, width), or a sequence of (height, width)."""
        arrays = several(arrays, "slices", "(N, height, width)")
        slices = [as_slice(one, f"slices[{number}]") for number, one in enumerate(arrays)]
        squares = [resize_slices(one[None], self.size)[0] for one in slices]
        parts = [np.stack(part) for part in shares.parts(squares)]
        return CTTasks(self, SliceScans(parts))

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A slice as a signal, measured from ``views`` angles, or a measured sinogram as one.

        Args:
            path: slices, or a sinogram file (.npz or .mat; see ``theta0 fit --help``).
            views: angles a slice is measured from, evenly spaced; of a sinogram, so many of its
                own. ``training_views``, or all of them, when left out.
            index: chooses a slice of a stack.
        """
        if holds_sinogram(path):
            if index:
                raise InputError(f"{path}: index={index}, but a sinogram is of one slice: 0")
            return self._measured(read_sinogram(path), str(path), views)
        pixels = read_slice(path, index=index)[None]
        if reason := constant(pixels[0]):
            raise InputError(f"{path}: slice {index} {reason}")
        check_slice(f"{path}: slice {index}", pixels[0])
        return self._signals(pixels, views)[0]

    def take(self, values: Any, views: int | None = None) -> Signal:
        """A slice given as an array (height, width), or a :class:`theta0.data.ct.Sinogram`."""
        if isinstance(values, Sinogram):
            return self._measured(values, "the sinogram", views)
        pixels = as_slice(values)
        if reason := constant(pixels):
            raise InputError(f"the slice {reason}")
        check_slice("the slice", pixels)
        return self._signals(pixels[None], views)[0]

    def read_all(self, path: str | Path, views: int | None = None) -> list[Signal]:
        """Every slice of a stack, those that show nothing too; see :meth:`read`."""
        if holds_sinogram(path):
            return [self.read(path, views)]
        slices = read_slices(path)
        for name, pixels in zip(slices.names, slices.pixels, strict=True):
            check_slice(f"{path}: slice {name!r}", pixels)
        return self._signals(slices.pixels, views)

    def _signals(
        self, pixels: Float[np.ndarray, "slices height width"], views: int | None
    ) -> list[Signal]:
        squares, side = resize_slices(pixels, self.size), max(pixels.shape[1:])
        tasks = CTTasks(self, SliceScans([squares[:0], squares[:0], squares]))
        measured = (tasks.held_out("test", number, views) for number in range(len(squares)))
        return [self._planar(task, side) for task in measured]

    def _measured(self, sinogram: Sinogram, source: str, views: int | None) -> Signal:
        """What a scanner measured, as a signal."""
        task, side = measured_task(
            sinogram, source, self.size, self.chord, self.measure, self.pixel_offset, views
        )
        return self._planar(task, side)

    def _planar(self, task: Task, own_side: int) -> Signal:
        offset = self.pixel_offset
        return PlanarSignal(task, Points(), self.size, own_side, offset, disc_only=self.chord)


_BYTES_A_RAY = 1500
"""Both ends, and of each of a phantom's ten ellipses where the ray enters and leaves it."""


def _check_rays(name: str, views: int, rays: int) -> None:
    """Refuse more rays than can be measured; ``name`` is of the setting that gives the views."""
    needed, what = _BYTES_A_RAY * views * rays, f"{name} is {views}, with {rays} data.rays each"
    check_memory(what, needed, MAX_BYTES, "ask for fewer views, or rays per view")


class CTTasks(TaskFamily):
    """Tasks from slices seen by a scanner."""

    query_forward = Points()

    def __init__(self, config: CTConfig, scans: Scans):
        self.training_query_forward = None if config.query_pixels is None else Points()
        self.config, self._scans, self.skipped = config, scans, scans.skipped
        self._beam, self._detector = config.scanner()
        self._points = pixel_coordinates(config.size, config.size, config.pixel_offset)
        self._beyond = ~in_disc(self._points) & config.chord
        for views in (config.training_views, *config.also_views):
            _check_rays("data.training_views", views, config.rays)

    def size(self, split: SplitName) -> int:
        return self._scans.size(split)

    def _scan(
        self,
        slice: Slice,
        angles_rad: Float[np.ndarray, " views"],
        noise: np.random.Generator | None = None,
    ) -> Observation:
        """Measure a slice; exactly if no ``noise`` is given."""
        segments = self._beam.segments(angles_rad, self.config.rays, self.config.chord)
        values = slice.integrals(segments)
        if noise is not None:
            values = self._detector.read(values, noise)
        if self.config.measure == "mean":
            values = values / np.linalg.norm(segments.end - segments.start, axis=1)
        return Observation(segments, np.asarray(values, np.float32)[:, None])

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        views = self.config.training_views
        if self.config.also_views:
            views = int(rng.choice([views, *self.config.also_views]))
        return stack([self._training_task(rng, views) for _ in range(count)])

    def _training_task(self, rng: np.random.Generator, views: int) -> Task:
        slice = self._scans.slice("train", int(rng.integers(self.size("train"))))
        if self.config.augment:
            slice = augmented(slice, self.config.augment, rng)
        support = self._scan(slice, self._training_angles(rng, views), rng)
        if self.config.query_pixels is None:
            return Task(support, self._scan(slice, self._training_angles(rng, views)))
        chosen = rng.choice(len(self._points), self.config.query_pixels, replace=False)
        values = slice.picture().reshape(-1, 1)
        return Task(support, Observation(self._points[chosen], values[chosen]))

    def _training_angles(self, rng: np.random.Generator, views: int) -> Float[np.ndarray, " views"]:
        turn_rad = self._beam.turn_rad
        if self.config.training_angles == "random":
            return rng.uniform(0, turn_rad, views)
        if self.config.training_angles == "fixed":
            return self._even_angles(views)
        return (rng.uniform(0, turn_rad) + self._even_angles(views)) % turn_rad

    def _even_angles(self, views: int) -> Float[np.ndarray, " views"]:
        """Those of the test, which training sees too if they are fixed."""
        return np.linspace(0, self._beam.turn_rad, views, endpoint=False)

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        views = self.config.training_views if views is None else views
        if views < 1:
            raise InputError(f"views={views}: a reconstruction needs at least one view")
        _check_rays("views", views, self.config.rays)
        slice = self._scans.slice(split, index)
        noise = np.random.default_rng((self.config.noise_seed, SPLITS.index(split), index, views))
        support = self._scan(slice, self._even_angles(views), noise)
        return Task(support, Observation(self._points, slice.picture().reshape(-1, 1)))

    def places(self):
        return self._points

    def mean_signal(self) -> Observation:
        # A thousand slices settle the mean; more would only cost time.
        count = min(self.size("train"), 1000)
        slices = (self._scans.slice("train", index) for index in range(count))
        mean = np.asarray(
            sum(one.picture().astype(np.float64) for one in slices) / count, np.float32
        )
        return Observation(self._points, mean.reshape(-1, 1))

    def pictures(self, values):
        values = np.array(values).reshape(len(self._points), -1)
        values[self._beyond] = 0
        return values.reshape(1, self.config.size, self.config.size, -1)
