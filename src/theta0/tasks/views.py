"""View synthesis: a task is one object, observed through the pixels of a few posed pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data import (
    Objects,
    ProceduralObjects,
    ViewOptions,
    Views,
    cameras,
    open_views,
    read_objects,
)
from theta0.errors import InputError, require_positive
from theta0.forward import Rays

from ._base import Observation, Signal, SplitName, Task, stack


@dataclass(frozen=True)
class ObjectFolder:
    """A class of objects in folders; see :func:`theta0.data.read_objects`."""

    path: str = ""
    """folder of the class (an empty path: still to be given)"""
    kind: str | None = None
    """which class, such as chair, if there are several"""
    validation: int = 4
    """objects for validation, where the data has no split of its own"""
    test: int = 10
    """objects for testing, the same"""
    seed: int = 0
    """another seed gives another such split"""
    allow_absent: bool = False
    """leave out objects that a split file names and the folder lacks"""


ViewSource = ProceduralObjects | ObjectFolder
"""Sources of views; `theta0.config` stores them by name."""


@dataclass(frozen=True)
class ViewConfig:
    """A class of objects, and how the pixels of their views become tasks."""

    source: ViewSource = field(default_factory=ProceduralObjects)
    """where the views come from"""
    size: int = 64
    """pixels a side; stored views, whose sides it must divide, are averaged over blocks"""
    training_views: int = 25
    """views of an object that training sees, the first ones (1: single-view training)"""
    rays: int = 4096
    """pixels of a training task, drawn anew each time; the inner loop draws from them"""
    foreground: float = 0.0
    """share of them that show the object, drawn from its alpha; 0: as the pictures have it"""
    first_held_out: int = 25
    """number of the first view that judges a fit; the input views are those from 0 on"""
    held_out_views: int = 25
    """so many judge a fit to a test object"""
    validation_views: int = 4
    """and so many a fit to a validation object"""
    bounds: Literal["sphere", "range"] = "sphere"
    """a ray is sampled where it is inside the sphere around the origin, or from near to far"""
    radius: float = 1.0
    """of that sphere, in world units"""
    near: float = 2.0
    """with bounds=range: where samples begin, in units along the viewing axis"""
    far: float = 6.0
    """with bounds=range: where they end"""
    background: Literal["white", "black"] = "white"
    """what is behind transparent pixels, the same as the renderer's"""
    pixel_offset: float = 0.5
    """where in its pixel a ray passes: 0.5 the centre, 0 the corner as in the paper"""

    def __post_init__(self):
        require_positive(self, "size", "training_views", "rays", "first_held_out")
        require_positive(self, "held_out_views", "validation_views")
        if not 0 <= self.foreground <= 1:
            raise InputError(f"foreground is {self.foreground}; give a share from 0 to 1")
        if not 0 < self.radius < np.inf:
            raise InputError(f"radius is {self.radius}; give world units above 0")
        if not 0 <= self.near < self.far < np.inf:
            raise InputError(f"near is {self.near} and far {self.far}; give 0 <= near < far")
        if self.training_views > self.first_held_out:
            raise InputError(
                f"training_views is {self.training_views}, but views from {self.first_held_out} on "
                "are held out; give fewer, or a larger first_held_out"
            )

    @property
    def path(self) -> str | None:
        """Where the objects lie; None if that was not given, or they are made by a procedure."""
        return self.source.path if isinstance(self.source, ObjectFolder) else None

    def with_path(self, path: str) -> "ViewConfig":
        """The same on objects from a folder."""
        source = self.source if isinstance(self.source, ObjectFolder) else ObjectFolder()
        return replace(self, source=replace(source, path=path))

    def build(self) -> "ViewTasks":
        """Find the objects; views are read when they are needed."""
        if isinstance(self.source, ProceduralObjects):
            views = self.first_held_out + max(self.held_out_views, self.validation_views)
            return ViewTasks(self, replace(self.source, size=self.size, views=views).read())
        source = self.source
        if not source.path:
            raise InputError("no path to read the objects from: give --data PATH")
        counts = source.validation, source.test, source.seed, source.allow_absent
        found = read_objects(source.path, source.kind, *counts)
        options = self._options(Path(source.path), found.open(0).cameras[0])
        return ViewTasks(self, replace(found, options=options))

    def _options(self, path: Path, stored: cameras.Camera) -> ViewOptions:
        """How views of a stored size are read."""
        if stored.width != stored.height or stored.width % self.size:
            raise InputError(
                f"{path}: views of {stored.width} x {stored.height} pixels cannot become "
                f"{self.size} x {self.size} by whole blocks; give a size that divides both sides"
            )
        return ViewOptions(stored.width // self.size, need_alpha=self.foreground > 0)

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """The views of one object as a signal: the first ``views`` are fitted, the rest judge.

        Args:
            path: its folder, or a ``transforms.json``.
            views: pictures that are fitted; half of them if there are fewer than
                ``first_held_out``, when left out.
            index: of objects there is one: 0.
        """
        if index:
            raise InputError(f"{path}: index={index}, but this is one object: 0")
        found = open_views(path)
        stored = found.cameras[0]
        seen = open_views(path, self._options(Path(path), stored)).load()
        count = min(self.first_held_out, max(1, len(seen) // 2)) if views is None else views
        if not 0 < count < len(seen):
            raise InputError(
                f"{path}: views={count} of its {len(seen)} views; give 1 to {len(seen) - 1}, so "
                "that one is left to judge the fit"
            )
        judged = range(count, len(seen))[: self.held_out_views]
        task = Task(_fitted(self.observe(seen, range(count))), self.observe(seen, judged))
        return Signal(task, None, self.size, stored.width, self.pixel_offset)

    def read_all(self, path: str | Path, views: int | None = None) -> list[Signal]:
        """One object; see :meth:`read`."""
        return [self.read(path, views)]

    def observe(self, views: Views, numbers: Sequence[int]) -> Observation:
        """All pixels of some views of an object, view after view, row by row."""
        chosen = views.select(numbers)
        lines = [cameras.rays(camera, self.pixel_offset) for camera in chosen.cameras]
        origin, direction = (np.concatenate(part) for part in zip(*lines, strict=True))
        near, far = np.full(len(origin), self.near), np.full(len(origin), self.far)
        if self.bounds == "sphere":
            inside = cameras.through_sphere(cameras.Rays(origin, direction), self.radius)
            hit = inside.near < inside.far
            # Finite: infinities would become NaN in the products of the renderer.
            near, far = (np.where(hit, ends, 0) for ends in inside)
        parts = (np.asarray(part, np.float32) for part in (origin, direction, near, far))
        colours = chosen.colours(self.background).reshape(-1, 3)
        return Observation(Rays(*parts), np.asarray(colours, np.float32))


class ViewTasks:
    """Tasks from views of objects."""

    query_forward = None
    training_query_forward = None

    def __init__(self, config: ViewConfig, objects: Objects):
        self.config, self._objects = config, objects
        self.names, self.skipped = objects.names, objects.skipped
        self._load = lru_cache(maxsize=256)(objects.load)

    def size(self, split: SplitName) -> int:
        return len(getattr(self._objects.split, split))

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        numbers = rng.choice(np.asarray(self._objects.split.train), count)
        return stack([self._training_task(int(number), rng) for number in numbers])

    def _training_task(self, number: int, rng: np.random.Generator) -> Task:
        everything, shown = self._seen(number, self.config.training_views)
        draw = lambda: _rows(everything, _chosen(rng, self.config, everything, shown))
        return Task(draw(), draw())

    def _seen(self, number: int, count: int) -> tuple[Observation, Bool[np.ndarray, " n"] | None]:
        """Pixels of the first views of an object, and which of them show it, if alpha says so."""
        views = self._load(number)
        if len(views) < count:
            raise InputError(
                f"{views.object_id}: has {len(views)} views, but {count} are asked for; give fewer"
            )
        alpha = views.images[:count, ..., 3] if views.images.shape[-1] == 4 else None
        shown = None if alpha is None else (alpha > 0).ravel()
        return self.config.observe(views, range(count)), shown

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        config = self.config
        number = getattr(self._objects.split, split)[index]
        count = config.training_views if views is None else views
        if not 0 < count <= config.first_held_out:
            raise InputError(
                f"views={count}: give 1 to {config.first_held_out}, for the views from there on "
                "judge the fit"
            )
        support, _ = self._seen(number, count)
        seen, first = self._load(number), config.first_held_out
        wanted = config.held_out_views if split == "test" else config.validation_views
        judged = range(first, min(first + wanted, len(seen)))
        if not judged:
            raise InputError(
                f"{seen.object_id}: has {len(seen)} views, none from number {first} on to judge a "
                "fit; give a smaller first_held_out"
            )
        return Task(_fitted(support), config.observe(seen, judged))

    def mean_signal(self) -> Observation:
        # Rays of many objects: what fits them all in the mean is the mean object.
        rng = np.random.default_rng(0)
        train = np.asarray(self._objects.split.train)
        chosen = rng.permutation(train)[:64]
        share = replace(self.config, rays=max(1, 16384 // len(chosen)), foreground=0.0)
        parts = []
        for number in chosen:
            everything, shown = self._seen(int(number), self.config.training_views)
            parts.append(_rows(everything, _chosen(rng, share, everything, shown)))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    def inputs(
        self, split: SplitName, index: int, views: int
    ) -> Float[np.ndarray, "views height width 3"]:
        """The pictures that the support of a held-out task is drawn from."""
        number = getattr(self._objects.split, split)[index]
        return self._load(number).select(range(views)).colours(self.config.background)

    def pictures(self, values):
        size = self.config.size
        return np.asarray(values).reshape(-1, size, size, 3)


def _rows(observation: Observation, rows: Int[np.ndarray, " n"]) -> Observation:
    return jax.tree.map(lambda leaf: leaf[rows], observation)


def _chosen(
    rng: np.random.Generator,
    config: ViewConfig,
    everything: Observation,
    shown: Bool[np.ndarray, " n"] | None,
) -> Int[np.ndarray, " rays"]:
    """Pixels of a training task: a share of those that show the object, the rest from all."""
    meets = np.flatnonzero(everything.p.near < everything.p.far)
    if config.foreground and shown is None:
        raise InputError("foreground is given, but the pictures have no alpha; leave it out")
    front = meets[:0] if shown is None else np.flatnonzero(shown)
    wanted = round(config.foreground * config.rays) if len(front) else 0
    parts = (
        rng.choice(front, wanted) if wanted else front[:0],
        rng.choice(meets, config.rays - wanted),
    )
    return np.concatenate(parts)


_BLOCK = 256


def _fitted(support: Observation) -> Observation:
    """Without the rays that meet nothing, which no fit can change.

    Their number is rounded up by repeating the first ones, so that objects whose views differ by a
    few such rays share a compiled program.
    """
    meets = np.flatnonzero(support.p.near < support.p.far)
    if not len(meets):
        raise InputError("no ray of these views meets the bounding sphere; give a larger radius")
    return _rows(support, np.resize(meets, -(-len(meets) // _BLOCK) * _BLOCK))
