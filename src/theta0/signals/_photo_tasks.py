"""Tasks from photographs of a scene."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from theta0.data.photos import Photo, Photos, Relightable
from theta0.errors import InputError
from theta0.forward import Observation

from ._base import SplitName, Task, TaskFamily, stack
from ._view_rays import check_rays, joined, of_many, rows

if TYPE_CHECKING:
    from ._photos import PhotoConfig


def _halves(size: int) -> Int[np.ndarray, "2 n"]:
    """Numbers of the pixels of the left and of the right half of a square, row by row."""
    halves = np.split(np.arange(size * size).reshape(size, size), 2, axis=1)
    return np.stack([half.ravel() for half in halves])


class PhotoTasks(TaskFamily):
    """Tasks from photographs."""

    def __init__(self, config: "PhotoConfig", photos: Photos):
        check_rays(config.rays)
        self.config, self.photos = config, photos
        self.names, self.skipped = photos.names, photos.skipped
        self.load = lru_cache(maxsize=2048)(self._load)

    def _load(self, number: int) -> Photo:
        """A photograph as tasks see it; small, so that they are all kept."""
        return self.photos.load(number).square(self.config.size)

    def size(self, split: SplitName) -> int:
        return len(getattr(self.photos.split, split))

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        numbers = rng.choice(np.asarray(self.photos.split.train), count)
        return stack([self._training_task(int(number), rng) for number in numbers])

    def _training_task(self, number: int, rng: np.random.Generator) -> Task:
        photo = self.load(number)
        config, observed = self.config, self.config.observe(photo)
        draw = lambda seen: rows(seen, rng.integers(len(seen.y), size=config.rays))
        # A photograph of which one half is to be left out altogether is learned from as a whole.
        hidden = photo.hidden if config.leave_out_hidden else None
        both = hidden is None or not hidden.reshape(-1)[_halves(config.size)].all(axis=1).any()
        if config.training_halves and both:
            halves = rng.permutation(_halves(config.size))
            return Task(*(draw(config.fitted(observed, photo.hidden, half)) for half in halves))
        everything = config.fitted(observed, photo.hidden)
        return Task(draw(everything), draw(everything))

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        if views not in (None, 1):
            raise InputError(f"views={views}: a fit is of one photograph; give 1")
        config, numbers = self.config, getattr(self.photos.split, split)
        photo = self.load(numbers[index])
        observed = config.observe(photo)
        if config.judge == "right-half":
            left, right = _halves(config.size)
            return Task(config.fitted(observed, photo.hidden, left), rows(observed, right))
        town = self.photos
        if not isinstance(town, Relightable):
            raise InputError(
                "judge is other-views, but no photograph shows a place from elsewhere in the same "
                "light; give right-half"
            )
        numbers = getattr(self.photos.split, split)
        count = config.other_views
        if count >= len(numbers):
            raise InputError(
                f"other_views is {count}, but beside a photograph the {split} split has "
                f"{len(numbers) - 1}; give fewer, or more photographs"
            )
        others = [numbers[(index + 1 + n) % len(numbers)] for n in range(count)]
        render = lambda number: town.render(number, look=numbers[index], occluders=False)
        seen = [config.observe(render(number).square(config.size)) for number in others]
        return Task(config.fitted(observed, photo.hidden), joined(seen))

    def observed(self, split: SplitName, *indexes: int) -> Observation:
        """All pixels of photographs, one after the other."""
        numbers = getattr(self.photos.split, split)
        return joined([self.config.observe(self.load(numbers[index])) for index in indexes])

    def mean_signal(self) -> Observation:
        def draw(rng: np.random.Generator, number: int, count: int) -> Observation:
            everything = self.config.observe(self.load(number))
            return rows(everything, rng.integers(len(everything.y), size=count))

        return of_many(self.photos.split.train, draw)

    def fitted_part(self, split: SplitName, index: int) -> Float[np.ndarray, "height width 3"]:
        """What the support of a test task shows; pixels that are not fitted are white."""
        photo = self.load(getattr(self.photos.split, split)[index])
        shown = photo.image.astype(np.float32) / np.float32(255)
        if self.config.judge == "right-half":
            shown[:, self.config.size // 2 :] = 1
        return shown

    def pictures(self, values):
        size = self.config.size
        width = size // 2 if self.config.judge == "right-half" else size
        return np.asarray(values).reshape(-1, size, width, 3)
