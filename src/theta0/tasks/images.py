"""Image regression: a task is one picture, observed at its pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from theta0.data import read_folder, read_image, split
from theta0.errors import InputError, require_positive
from theta0.forward import Points

from ._base import Observation, Signal, SplitName, Task, stack
from ._grid import pixel_coordinates


@dataclass(frozen=True)
class ImageConfig:
    """A folder of pictures, and how its pixels become tasks."""

    folder: str | None = None
    """folder of pictures (searched with the folders below it)"""
    size: int = 128
    """pictures are resized and centre-cropped to size x size"""
    validation: int = 25
    """pictures kept for validation"""
    test: int = 100
    """pictures kept for testing"""
    group: str | None = None
    """regular expression naming what must stay in one split, e.g. '^(\\d+)_' for a person"""
    limit: int | None = None
    """use only the first so many files by name"""
    inner_points: int | None = None
    """random pixels the inner loop sees in training; all of them when left out"""
    outer_points: int | None = None
    """other random pixels the outer loss sees; needed with inner_points, disjoint from them"""
    pixel_offset: float = 0.5
    """where in its pixel a sample lies: 0.5 the centre, 0 the corner as in the paper"""

    def __post_init__(self):
        require_positive(self, "size", "limit", "inner_points", "outer_points")

    def build(self) -> "ImageTasks":
        """Read the folder into memory and split it by file name."""
        if self.folder is None:
            raise InputError("images need a folder of pictures: give --data FOLDER")
        images = read_folder(self.folder, self.size, limit=self.limit)
        return ImageTasks(self, images.pixels, images.names, images.skipped)

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A picture as a signal: its short side becomes ``size``, then the centre is cropped."""
        path = Path(path)
        if path.is_dir() or path.suffix.lower() in (".npz", ".npy", ".dcm"):
            raise InputError(f"{path}: CT data, but this initialization is for pictures")
        if views is not None or index:
            raise InputError("views and index are for CT slices; leave them out for a picture")
        own = read_image(path, None)
        values = read_image(path, self.size).reshape(-1, own.shape[2])
        points = pixel_coordinates(self.size, self.size, self.pixel_offset)
        everything = Observation(points, values)
        return Signal(
            Task(everything, everything), Points(), self.size, min(own.shape[:2]), self.pixel_offset
        )


class ImageTasks:
    """Tasks from pictures of one size."""

    query_forward = Points()
    training_query_forward = None

    def __init__(
        self,
        config: ImageConfig,
        pixels: UInt8[np.ndarray, "images size size channels"],
        names: tuple[str, ...],
        skipped: tuple[tuple[str, str], ...] = (),
    ):
        self.config, self.names, self.skipped = config, names, skipped
        self._pixels = pixels.reshape(len(pixels), -1, pixels.shape[-1])
        self._points = pixel_coordinates(config.size, config.size, config.pixel_offset)
        self._split = split(names, config.validation, config.test, config.group)
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
        return self._pixels[index].astype(np.float32) / np.float32(255)

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        train = np.asarray(self._split.train)
        if count > len(train):
            raise InputError(
                f"tasks={count} pictures a step, but the training split has only {len(train)}"
            )
        chosen = rng.choice(train, count, replace=False)
        return stack([self._training_task(int(index), rng) for index in chosen])

    def _training_task(self, index: int, rng: np.random.Generator) -> Task:
        everything = Observation(self._points, self._values(index))
        inner, outer = self.config.inner_points, self.config.outer_points
        if inner is None or outer is None:
            return Task(everything, everything)
        # Disjoint: pixels seen by the inner loop would be memorized by the outer one.
        order = rng.permutation(len(self._points))[: inner + outer]
        pick = lambda rows: Observation(everything.p[rows], everything.y[rows])
        return Task(pick(order[:inner]), pick(order[inner:]))

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        if views is not None:
            raise InputError(f"views={views}: pictures have no views; leave it out")
        values = self._values(getattr(self._split, split)[index])
        everything = Observation(self._points, values)
        return Task(everything, everything)

    def mean_signal(self) -> Observation:
        total = sum(self._values(index).astype(np.float64) for index in self._split.train)
        mean = total / self.size("train")
        return Observation(self._points, np.asarray(mean, np.float32))

    def picture(self, values):
        return np.asarray(values).reshape(self.config.size, self.config.size, -1)
