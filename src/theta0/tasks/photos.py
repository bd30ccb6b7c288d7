"""Tourist photographs: a task is one photograph of a place, in the light it was taken in."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data import cameras
from theta0.data.images import require_seen
from theta0.data.photos import Photo, PhotoOptions, Photos, Relightable, read_photos
from theta0.data.town import TouristTown
from theta0.errors import InputError, require_positive
from theta0.forward import Rays

from ._base import Observation, Shots, Signal, SplitName, Standpoint, Task, stack
from ._photo_sources import PhotoCollection, PhotoSource
from ._view_rays import joined, of_many, rows


@dataclass(frozen=True)
class PhotoConfig:
    """A collection of photographs of one place, and how their pixels become tasks.

    A photograph is its middle square. In training a task is one of them; held out, one of which a
    part is fitted, and the rest, or what only a made-up place can show, judges the fit.
    """

    source: PhotoSource = field(default_factory=TouristTown)
    """where the photographs come from"""
    size: int = 64
    """pixels a side; a pixel is the mean over the area it covers"""
    rays: int = 2048
    """pixels of a training task, drawn anew each time; the inner loop draws from them"""
    judge: Literal["right-half", "other-views"] = "right-half"
    """what is fitted, and judges: the left half of a photograph and its right half, as in the
    paper; or a whole photograph and the place in its light from other standpoints, without people
    (a TouristTown alone can show it)"""
    other_views: int = 4
    """standpoints of judge=other-views, those of the photographs that follow in the split"""
    training_halves: bool = False
    """learn as judge=right-half judges: the inner loop sees one half of a photograph, either one,
    and the outer loss of MAML, FOMAML and Meta-SGD the other; Reptile, which has none, loses half
    of what it sees"""
    leave_out_hidden: bool = False
    """fit only pixels where nothing stands before the place, as far as that is known"""
    pixel_offset: float = 0.5
    """where in its pixel a ray passes: 0.5 the centre, 0 the corner as in the paper"""
    standpoint: Standpoint | None = None
    """of the photograph that was fitted, in a file of fitted weights"""

    def __post_init__(self):
        require_positive(self, "size", "rays", "other_views")
        if self.size % 2:
            raise InputError(f"size is {self.size}; give an even number, to halve a photograph")

    @property
    def path(self) -> str | None:
        """Where the photographs lie; None if that was not given, or they are made up."""
        return self.source.path if isinstance(self.source, PhotoCollection) else None

    def with_path(self, path: str) -> "PhotoConfig":
        """The same on a collection from a folder."""
        source = self.source
        if isinstance(source, TouristTown):
            source = PhotoCollection(validation=source.validation, test=source.test)
        return replace(self, source=replace(source, path=path))

    def build(self) -> "PhotoTasks":
        """Find the photographs; they are read when they are needed."""
        source = self.source
        if isinstance(source, TouristTown):
            return PhotoTasks(self, replace(source, size=self.size).read())
        if not source.path:
            raise InputError("no path to read the photographs from: give --data PATH")
        options = PhotoOptions(
            source.test, source.validation, source.rotation or 0, allow_missing=source.allow_missing
        )
        return PhotoTasks(self, read_photos(source.path, options))

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A photograph of a collection as a signal, all of which is fitted.

        Args:
            path: a picture of the collection, or the collection's folder.
            views: of a photograph there is one: 1, or left out.
            index: of a folder: number of the photograph, in the order of its files.
        """
        if views not in (None, 1):
            raise InputError(f"views={views}: a fit takes on the look of one photograph; give 1")
        path = Path(path)
        collection = _collection(path)
        # The numbers of a folder are those of all of its photographs.
        options = PhotoOptions(test=0, validation=0, allow_missing=path.is_file())
        try:
            photos = read_photos(collection, options)
        except InputError as error:
            if not path.is_file():
                raise
            raise InputError(
                f"{path}: a photograph is fitted with the camera that its collection gives it; "
                f"{error}"
            ) from error
        if path.is_file():
            if index:
                raise InputError(f"{path}: index={index} is of a folder; leave it out")
            if path.stem not in photos.names:
                raise InputError(
                    f"{path}: is no photograph of {collection}, whose cameras say where each was "
                    f"taken; give one of its {len(photos.names)}, such as {photos.names[0]}"
                )
            index = photos.names.index(path.stem)
        if not 0 <= index < len(photos.names):
            raise InputError(f"{path}: index={index}; give 0 to {len(photos.names) - 1}")
        whole = photos.load(index)
        photo = whole.square(self.size)
        observed = self.observe(photo)
        standpoint = standpoint_of(photo)

        def read_mask(mask: Path) -> Bool[np.ndarray, "side side"]:
            hidden = photos.with_mask(index, mask).load(index).square(self.size).hidden
            assert hidden is not None
            require_seen(mask, ~hidden)
            return ~hidden

        colours = np.asarray(photo.image, np.float32)[None] / 255
        return Signal(
            Task(self._fitted(observed, photo.hidden), observed),
            None,
            self.size,
            min(whole.camera.width, whole.camera.height),
            self.pixel_offset,
            shots=Shots(colours, standpoint.middle, standpoint.fov_deg, standpoint),
            read_mask=read_mask,
        )

    def read_all(self, path: str | Path, views: int | None = None) -> list[Signal]:
        """Photographs come one by one; see :meth:`read`."""
        raise InputError(f"{path}: --index all is for the slices of a stack; give a number")

    def camera(self, c2w: Float[np.ndarray, "3 4"], size: int | None = None) -> cameras.Camera:
        """The camera of a new view, like that of the photograph that was fitted."""
        size = size or self.size
        return cameras.Camera.from_fov(c2w, size, size, self.taken_from().fov_deg)

    def rays_of(self, camera: cameras.Camera) -> Rays:
        """The rays of a new view, as deep as those of the photograph that was fitted."""
        standpoint = self.taken_from()
        return self._rays(camera, standpoint.near, standpoint.far)

    def observe(self, photo: Photo) -> Observation:
        """All pixels of a photograph, row by row."""
        colours = photo.image.reshape(-1, 3).astype(np.float32) / np.float32(255)
        return Observation(self._rays(photo.camera, photo.near, photo.far), colours)

    @property
    def depths(self) -> tuple[float, float]:
        """Between which a new view sees, in world units."""
        standpoint = self.taken_from()
        return standpoint.near, standpoint.far

    @property
    def radius(self) -> float:
        """Of the sphere around the origin into which the place fits, about, in world units."""
        return 1.0

    def taken_from(self) -> Standpoint:
        """Where the photograph that was fitted was taken.

        Raises:
            InputError: none was fitted.
        """
        if self.standpoint is None:
            raise InputError(
                "a start learned from photographs shows the place from nowhere in particular; fit "
                "a photograph first (theta0 fit) and give the folder of the fit"
            )
        return self.standpoint

    def _rays(self, camera: cameras.Camera, near: float, far: float) -> Rays:
        lines = cameras.rays(camera, self.pixel_offset)
        ends = (np.full(len(lines.origin), end) for end in (near, far))
        return Rays(*(np.asarray(part, np.float32) for part in (*lines, *ends)))

    def _fitted(
        self,
        observed: Observation,
        hidden: Bool[np.ndarray, "height width"] | None,
        part: Int[np.ndarray, " n"] | None = None,
    ) -> Observation:
        """What a fit sees of a photograph, or of the pixels of a part of it; as many, so that all
        photographs share a program."""
        if not self.leave_out_hidden or hidden is None:
            return observed if part is None else rows(observed, part)
        part = np.arange(len(observed.y)) if part is None else part
        kept = part[~hidden.reshape(-1)[part]]
        if not len(kept):
            raise InputError("the mask hides all of the photograph; leave it out")
        return rows(observed, np.resize(kept, len(part)))


def standpoint_of(photo: Photo) -> Standpoint:
    """Where a photograph was taken from."""
    pose = tuple(float(value) for value in photo.camera.c2w.ravel())
    return Standpoint(pose, photo.camera.fov_x_deg, photo.near, photo.far)


def _collection(path: Path) -> Path:
    """The collection that a picture, or a folder, belongs to."""
    if not path.is_file():
        return path
    folder = path.absolute().parent
    folder = folder.parent if folder.name == "images" else folder
    # The authors' arrays lie above dense, which may hold COLMAP's model, of another world.
    above = folder.name == "dense" and (folder.parent / "bds.npy").is_file()
    return folder.parent if above else folder


def _halves(size: int) -> Int[np.ndarray, "2 n"]:
    """Numbers of the pixels of the left and of the right half of a square, row by row."""
    halves = np.split(np.arange(size * size).reshape(size, size), 2, axis=1)
    return np.stack([half.ravel() for half in halves])


class PhotoTasks:
    """Tasks from photographs."""

    query_forward = None
    training_query_forward = None

    def __init__(self, config: PhotoConfig, photos: Photos):
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
            return Task(*(draw(config._fitted(observed, photo.hidden, half)) for half in halves))
        everything = config._fitted(observed, photo.hidden)
        return Task(draw(everything), draw(everything))

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        if views not in (None, 1):
            raise InputError(f"views={views}: a fit takes on the look of one photograph; give 1")
        config, numbers = self.config, getattr(self.photos.split, split)
        photo = self.load(numbers[index])
        observed = config.observe(photo)
        if config.judge == "right-half":
            left, right = _halves(config.size)
            return Task(config._fitted(observed, photo.hidden, left), rows(observed, right))
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
        return Task(config._fitted(observed, photo.hidden), joined(seen))

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
        """What the support of a held-out task shows; pixels that are not fitted are white."""
        photo = self.load(getattr(self.photos.split, split)[index])
        shown = photo.image.astype(np.float32) / np.float32(255)
        if self.config.judge == "right-half":
            shown[:, self.config.size // 2 :] = 1
        return shown

    def pictures(self, values):
        size = self.config.size
        width = size // 2 if self.config.judge == "right-half" else size
        return np.asarray(values).reshape(-1, size, width, 3)
