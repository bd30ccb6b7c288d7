"""Image regression: a task is one picture, observed at its pixels."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data import Split
from theta0.data.images import (
    SDF,
    Arrays,
    CelebA,
    Folder,
    Imagenette,
    Pictures,
    Text,
    image_names,
    image_size,
    read_image,
    read_mask,
    square_mask,
)
from theta0.errors import InputError, note, require_positive
from theta0.forward import Observation, Points
from theta0.memory import MAX_BYTES, check_memory
from theta0.registry import SIGNALS

from ._base import SplitName, Task, TaskFamily, stack
from ._given import as_picture, as_pictures, as_unit, squared
from ._grid import pixel_coordinates, z_order
from ._kind import SignalConfig
from ._render import LARGEST_SIZE
from ._shares import SHARES, Shares
from ._signal import PlanarSignal, Signal

FileSource = Folder | CelebA | Imagenette | Arrays
"""Sources that read from a path of the user's."""

ImageSource = FileSource | Text | SDF
"""Every source of a class of pictures; `theta0.config` stores them by name."""

_MEAN_OF = 2000


@SIGNALS.register("images")
@dataclass(frozen=True)
class ImageConfig(SignalConfig):
    """Pictures of a class, and how their pixels become tasks."""

    noun = "pictures"
    source: ImageSource = field(default_factory=Folder)
    """where the pictures come from"""
    size: int = 128
    """pictures are cropped to their centred squares, and resized to size x size"""
    inner_points: int | None = None
    """random pixels, evenly spread, that the inner loop sees in training; None: all of them"""
    outer_points: int | None = None
    """other such pixels that the outer loss sees; needed with inner_points, disjoint from them"""
    pixel_offset: float = 0.5
    """where in its pixel a sample lies: 0.5 the centre, 0 the corner as in the paper"""
    mirror: bool = False
    """in training, flip every other picture, left to right"""

    def __post_init__(self):
        require_positive(self, "size", "inner_points", "outer_points")

    @property
    def path(self) -> str | None:
        """Where the pictures lie; None if that was not given, or they are made by a procedure."""
        return self.source.path if isinstance(self.source, FileSource) else None

    def with_path(self, path: str) -> "ImageConfig":
        """The same on pictures that lie elsewhere."""
        if not isinstance(self.source, FileSource):
            raise InputError(
                f"{path}: pictures of {type(self.source).__name__} are made by a procedure and "
                "need no data; leave --data out"
            )
        return replace(self, source=replace(self.source, path=path))

    def with_shares(self, shares: Shares) -> "ImageConfig":
        """The same; of a folder, so many of its pictures are for validation and test."""
        if not isinstance(self.source, Folder) or self.source.path is None:
            return self
        parts = shares.of(len(image_names(self.source.path)))
        counts = {"validation": len(parts.validation), "test": len(parts.test)}
        return replace(self, source=replace(self.source, **counts))

    def on_new(self, path: str) -> "ImageConfig":
        """The same on pictures that were not learned from, whatever their names and number."""
        moved = self.with_path(path)
        if not isinstance(moved.source, Folder):
            return moved
        return replace(moved, source=moved.source.of_new_pictures())

    def with_size(self, size: int) -> "ImageConfig":
        if not 2 <= size <= LARGEST_SIZE:
            raise InputError(f"fit size is {size}; give 2 to {LARGEST_SIZE} pixels per side")
        # Pixels, their coordinates, and as much again where the fit is shown and judged.
        check_memory(f"fit size is {size}", 64 * size**2, MAX_BYTES, "give fewer pixels per side")
        return replace(self, size=size)

    def own_size(self, signal: Any) -> int:
        if isinstance(signal, str | Path):
            return min(image_size(Path(signal)))
        return min(as_picture(signal).shape[:2])

    def build(self) -> "ImageTasks":
        """Read the pictures."""
        return ImageTasks(self, self.source.read(self.size))

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A picture as a signal: its centred square, resized to ``size``; a note says so."""
        path = Path(path)
        if path.is_dir():
            raise InputError(f"{path}: a folder; give one picture, as this initialization is for")
        if path.suffix.lower() in (".npz", ".npy", ".dcm"):
            raise InputError(f"{path}: CT data, but this initialization is for pictures")
        if index:
            raise InputError("index is for stacks of slices; leave it out for a picture")
        return self._signal(read_image(path, self.size), image_size(path), views, str(path))

    def take(self, values: Any, views: int | None = None) -> Signal:
        """A picture given as an array (height, width, 3) or (height, width), or a PIL image."""
        picture = as_picture(values)
        height, width = picture.shape[:2]
        return self._signal(squared(picture, self.size), (height, width), views, "the image")

    def _signal(
        self, picture, shape: tuple[int, int], views: int | None, name: str
    ) -> PlanarSignal:
        """A square as a signal; ``shape`` is the height and width of the picture it is cut from."""
        if views is not None:
            raise InputError("views are of CT slices and objects; leave them out for a picture")
        height, width = shape
        if (left_out := abs(width - height)) > 0:
            note(
                f"{name}: of {width} x {height} pixels the centred square is fitted and judged, "
                f"without {left_out} {'columns' if width > height else 'rows'}"
            )
        points = pixel_coordinates(self.size, self.size, self.pixel_offset)
        everything = Observation(points, _flat(picture))
        task = Task(everything, everything)

        def seen_by(mask: Any) -> Bool[np.ndarray, "size size"]:
            if isinstance(mask, str | Path):
                return read_mask(mask, shape, self.size)
            values = as_unit(mask, "the mask")
            values = values if values.ndim == 2 else values.mean(axis=-1)
            return square_mask(values, shape, self.size, "the mask")

        return PlanarSignal(
            task, Points(), self.size, min(shape), self.pixel_offset, read_mask=seen_by
        )

    def from_arrays(self, arrays: Any, shares: Shares = SHARES) -> "ImageTasks":
        """Tasks from pictures: an array (N, height, width, 3), or a sequence of pictures."""
        pictures = as_pictures(arrays, self.size)
        return ImageTasks(self, _Given(np.stack(pictures), shares.of(len(pictures))))


@dataclass(frozen=True, eq=False)
class _Given:
    """Pictures given as arrays."""

    pixels: Float[np.ndarray, "pictures size size channels"]
    split: Split
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(len(self.pixels)))

    def load(self, index: int) -> Float[np.ndarray, "size size channels"]:
        return self.pixels[index]


class ImageTasks(TaskFamily):
    """Tasks from pictures of one size, wherever they come from."""

    query_forward = Points()

    def __init__(self, config: ImageConfig, pictures: Pictures):
        self.config, self._pictures, self._split = config, pictures, pictures.split
        self.names, self.skipped = pictures.names, pictures.skipped
        self._points = pixel_coordinates(config.size, config.size, config.pixel_offset)
        self._curve = z_order(config.size, config.size)
        inner, outer = config.inner_points, config.outer_points
        if (inner is None) != (outer is None):
            raise InputError("inner_points and outer_points go together: give both or neither")
        if inner is not None and outer is not None and inner + outer > len(self._points):
            raise InputError(
                f"inner_points={inner} and outer_points={outer} are disjoint, but a picture has "
                f"only {len(self._points)} pixels"
            )

    def size(self, split: SplitName) -> int:
        return len(getattr(self._split, split))

    def _values(self, index: int) -> Float[np.ndarray, "pixels channels"]:
        return _flat(self._pictures.load(index))

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        train = np.asarray(self._split.train)
        if count > len(train):
            raise InputError(
                f"tasks={count} pictures per step, but the training split has only {len(train)}"
            )
        chosen = rng.choice(train, count, replace=False)
        return stack([self._training_task(int(index), rng) for index in chosen])

    def _training_task(self, index: int, rng: np.random.Generator) -> Task:
        picture = self._pictures.load(index)
        mirrored = self.config.mirror and rng.random() < 0.5
        values = _flat(picture[:, ::-1] if mirrored else picture)
        everything = Observation(self._points, values)
        inner, outer = self.config.inner_points, self.config.outer_points
        if inner is None or outer is None:
            return Task(everything, everything)
        # Disjoint: pixels seen by the inner loop would be memorized by the outer one.
        chosen = _spread(inner, len(self._curve), rng)
        left = np.delete(self._curve, chosen)
        others = left[_spread(outer, len(left), rng)]
        pick = lambda rows: Observation(everything.p[rows], everything.y[rows])
        return Task(pick(self._curve[chosen]), pick(others))

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        if views is not None:
            raise InputError(f"views={views}: pictures have no views; leave it out")
        values = self._values(getattr(self._split, split)[index])
        everything = Observation(self._points, values)
        return Task(everything, everything)

    def places(self):
        return self._points

    def mean_signal(self) -> Observation:
        # Some thousand pictures settle the mean; more would only cost time.
        chosen = self._split.train[:_MEAN_OF]
        total = sum(self._values(index).astype(np.float64) for index in chosen)
        mean = total / len(chosen)
        return Observation(self._points, np.asarray(mean, np.float32))

    def pictures(self, values):
        return np.asarray(values).reshape(1, self.config.size, self.config.size, -1)


def _spread(count: int, total: int, rng: np.random.Generator) -> Int[np.ndarray, " count"]:
    """``count`` different numbers below ``total``, one at random in each of as many equal parts.

    Along a curve that keeps neighbours together this leaves no part of a picture unseen, as a
    plain draw would: the same number of pixels then says more of it.
    """
    edges = np.arange(count + 1) * total // count
    return edges[:-1] + rng.integers(np.diff(edges))


def _flat(
    picture: Float[np.ndarray, "height width channels"],
) -> Float[np.ndarray, "pixels channels"]:
    return picture.reshape(-1, picture.shape[-1])
