"""Tasks from views of objects."""

from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from theta0.data.meshes import Variant, random_variant
from theta0.data.views import Objects, Views
from theta0.errors import InputError
from theta0.forward import Observation

from ._base import SplitName, Task, TaskFamily, stack
from ._view_rays import check_rays, drawn, joined, meeting, of_many, rows

if TYPE_CHECKING:
    from ._views import ViewConfig


class ViewTasks(TaskFamily):
    """Tasks from views of objects."""

    def __init__(self, config: "ViewConfig", objects: Objects):
        check_rays(config.rays)
        self.config, self._objects = config, objects
        self.names, self.skipped = objects.names, objects.skipped
        self._load = lru_cache(maxsize=256)(partial(_loaded, objects, config.size))

    def size(self, split: SplitName) -> int:
        return len(getattr(self._objects.split, split))

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        rng = np.random.default_rng((seed, step))
        numbers = rng.choice(np.asarray(self._objects.split.train), count)
        return stack([self._training_task(int(number), rng) for number in numbers])

    def _training_task(self, number: int, rng: np.random.Generator) -> Task:
        config, name = self.config, self._objects.names[number]
        variant = random_variant(rng) if config.augment and rng.random() < config.augment else None
        everything, shown = self._seen(number, config.training_views, variant)
        draw = lambda among: rows(
            everything, drawn(rng, config.rays, config.foreground, everything, shown, name, among)
        )
        if config.inner_views is None:
            return Task(draw(None), draw(None))
        chosen = rng.permutation(config.training_views)[: config.inner_views]
        pixels = np.arange(len(everything.y)).reshape(config.training_views, -1)
        return Task(draw(pixels[chosen].ravel()), draw(None))

    def _seen(
        self, number: int, count: int, variant: Variant | None = None
    ) -> tuple[Observation, Bool[np.ndarray, " n"] | None]:
        """Pixels of the first views of an object, and which of them show it, if alpha says so."""
        views = self._load(number)
        if len(views) < count:
            raise InputError(
                f"{views.object_id}: has {len(views)} views, but {count} are asked for "
                "(--data.training-views, --views); give fewer, and leave some to judge fits "
                "(--data.first-held-out)"
            )
        alpha = views.images[:count, ..., 3] if views.images.shape[-1] == 4 else None
        shown = None if alpha is None else (alpha > 0).ravel()
        return self.config.observe(views, range(count), variant), shown

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
        wanted = config.validation_views if split == "validation" else config.held_out_views
        judged = range(first, min(first + wanted, len(seen)))
        if not judged:
            raise InputError(
                f"{seen.object_id}: has {len(seen)} views, none from number {first} on to judge a "
                "fit; add views, or train with a smaller --data.first-held-out"
            )
        return Task(meeting(support, seen.object_id), config.observe(seen, judged))

    def mean_signal(self) -> Observation:
        def draw(rng: np.random.Generator, number: int, count: int) -> Observation:
            everything, shown = self._seen(number, self.config.training_views)
            name = self._objects.names[number]
            return rows(everything, drawn(rng, count, 0.0, everything, shown, name))

        return of_many(self._objects.split.train, draw)

    def inputs(
        self, split: SplitName, index: int, views: int
    ) -> Float[np.ndarray, "views height width 3"]:
        """The pictures that the support of a test task is drawn from."""
        number = getattr(self._objects.split, split)[index]
        return self._load(number).select(range(views)).colours(self.config.background)

    def pictures(self, values):
        size = self.config.size
        return np.asarray(values).reshape(-1, size, size, 3)


def task_of_one_view(config: "ViewConfig", seen: Views, source: str) -> Task:
    """One view of an object: nothing judges it, its query are eight new views.

    They are its own and those to which it is turned around the z axis. ``source`` is for errors.
    """
    camera = seen.cameras[0]
    config = replace(config, fov_deg=camera.fov_x_deg)
    around = []
    for angle in np.deg2rad(range(0, 360, 45)):
        sine, cosine = np.sin(angle), np.cos(angle)
        turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        around.append(config.rays_of(config.camera(turn @ camera.c2w)))
    places = joined(around)
    unknown = Observation(places, np.zeros((len(places.near), 0), np.float32))
    return Task(meeting(config.observe(seen, [0]), source), unknown)


def _loaded(objects: Objects, size: int, number: int) -> Views:
    """The views of an object.

    Raises:
        InputError: they are of another size, because they are stored in another than the first's.
    """
    views = objects.load(number)
    height, width = views.images.shape[1:3]
    if (height, width) != (size, size):
        raise InputError(
            f"{views.object_id}: its views become {width} x {height} pixels, by the blocks that "
            f"make those of {objects.names[0]} {size} x {size}; store the views of all objects in "
            "one size"
        )
    return views
