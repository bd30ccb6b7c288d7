"""View synthesis: a task is one object, observed through the pixels of a few posed pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from theta0.data import cameras
from theta0.data.meshes import Variant
from theta0.data.views import (
    GivenObjects,
    ProceduralObjects,
    ViewOptions,
    Views,
    open_views,
    read_objects,
    read_photograph,
)
from theta0.errors import InputError, require_positive
from theta0.fields import Positional
from theta0.forward import Observation, Rays, Volume
from theta0.registry import SIGNALS

from . import camera_paths
from ._base import Task
from ._kind import required_path
from ._scene import ObjectSignal, SceneConfig
from ._shares import SHARES, Shares
from ._signal import Signal
from ._view_rays import joined, meeting
from ._view_sources import ObjectFolder, ViewSource
from ._view_tasks import ViewTasks, task_of_one_view


@SIGNALS.register("views")
@dataclass(frozen=True)
class ViewConfig(SceneConfig):
    """Objects of a class seen by cameras, and how the pixels of their views become tasks."""

    noun = "objects seen by cameras"
    camera_path = "orbit"

    source: ViewSource = field(default_factory=ProceduralObjects)
    """where the views come from"""
    size: int = 64
    """pixels per side; stored views, whose sides it must divide, are averaged over blocks"""
    training_views: int = 25
    """views of an object that training sees, the first ones (1: single-view training)"""
    inner_views: int | None = None
    """of these so many, others each time, are what the inner loop of a training task sees, and MAML
    learns to show the rest; None: all"""
    rays: int = 4096
    """pixels of a training task, drawn anew each time; the inner loop draws from them"""
    foreground: float = 0.0
    """share of them that show the object, drawn from its alpha; 0: as the pictures have it"""
    augment: float = 0.0
    """share of training tasks whose object is stretched, mirrored and recoloured at random; views
    need an alpha channel for it"""
    first_held_out: int = 25
    """number of the first view that judges a fit; the input views are those from 0 on"""
    held_out_views: int = 25
    """so many judge a fit to a test object, or to one of those learned from"""
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
    distance: float = 4.0
    """from the camera of a new view to the origin, in world units"""
    fov_deg: float = 30.0
    """and how much it sees, from its left edge to its right"""
    background: Literal["white", "black"] = "white"
    """what is behind transparent pixels, the same as the renderer's"""
    pixel_offset: float = 0.5
    """where in its pixel a ray passes: 0.5 the centre, 0 the corner as in the paper"""

    def __post_init__(self):
        require_positive(self, "size", "training_views", "rays", "first_held_out")
        require_positive(self, "held_out_views", "validation_views", "inner_views")
        for name in ("foreground", "augment"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; give a share from 0 to 1")
        if not 0 < self.radius < np.inf:
            raise InputError(f"radius is {self.radius}; give world units above 0")
        if not self.radius < self.distance < np.inf:
            raise InputError(
                f"distance is {self.distance}; give more than the bounding sphere's radius, "
                f"{self.radius}, to see it from outside"
            )
        if not 0 <= self.near < self.far < np.inf:
            raise InputError(f"near is {self.near} and far {self.far}; give 0 <= near < far")
        cameras.fov_rad(self.fov_deg)
        if self.training_views > self.first_held_out:
            raise InputError(
                f"training_views is {self.training_views}, but views from {self.first_held_out} on "
                "are held out; give fewer, or a larger first_held_out"
            )
        if (self.inner_views or 1) > self.training_views:
            raise InputError(
                f"inner_views is {self.inner_views}, but training sees {self.training_views} views "
                "of an object; give fewer"
            )

    @property
    def path(self) -> str | None:
        """Where the objects lie; None if that was not given, or they are made by a procedure."""
        return self.source.path if isinstance(self.source, ObjectFolder) else None

    def with_path(self, path: str) -> "ViewConfig":
        """The same on objects from a folder."""
        source = self.source if isinstance(self.source, ObjectFolder) else ObjectFolder()
        return replace(self, source=replace(source, path=path))

    def network(self):
        return Positional(width=128), Volume(
            samples=48, density="softplus", background=self.background
        )

    def build(self) -> "ViewTasks":
        """Find the objects; views are read when they are needed."""
        if isinstance(self.source, ProceduralObjects):
            views = self.first_held_out + max(self.held_out_views, self.validation_views)
            return ViewTasks(self, replace(self.source, size=self.size, views=views).read())
        source = self.source
        path = required_path(source.path, "objects")
        counts = source.validation, source.test, source.seed, source.allow_absent
        found = read_objects(path, source.category, *counts)
        options = self._options(Path(path), found.open(0).cameras[0])
        # A fit takes every pixel, of no variant, and can do without.
        options = replace(options, need_alpha=self.foreground > 0 or self.augment > 0)
        return ViewTasks(self, replace(found, options=options))

    def _options(self, path: Path, stored: cameras.Camera) -> ViewOptions:
        """How views of a stored size are read."""
        if stored.width != stored.height or stored.width % self.size:
            raise InputError(
                f"{path}: its views are {stored.width} x {stored.height} pixels; crop or resize "
                f"them to squares of {self.size} pixels or a multiple, with w, h, cx and cy of "
                "their cameras (or train on squares with a --data.size that divides their side)"
            )
        return ViewOptions(stored.width // self.size)

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """The views of one object as a signal: the first ``views`` are fitted, others judge.

        These are the views from ``first_held_out`` on, or all others where there are no such. A
        single view is fitted, and nothing judges it.

        Args:
            path: its folder, or a ``transforms.json``.
            views: pictures that are fitted; half of them if there are fewer than
                ``first_held_out``, when left out.
            index: of objects there is one: 0.
        """
        path = Path(path)
        if index:
            raise InputError(f"{path}: index={index}, but this is one object: 0")
        if path.is_file() and path.suffix.lower() != ".json":
            raise InputError(
                f"{path}: is no folder of views; if it is a photograph, say where it was taken "
                "from with --azimuth and --elevation"
            )
        stored = open_views(path).cameras[0]
        seen = open_views(path, self._options(path, stored)).load()
        return self._of_views(str(path), seen, views, stored.width)

    def _of_views(self, source: str, seen: Views, views: int | None, own_side: int) -> Signal:
        """An object of which the first ``views`` are fitted, and others judge, if it has others."""
        if len(seen) == 1 and views in (None, 1):
            return self._signal(task_of_one_view(self, seen, source), seen, own_side)
        count = min(self.first_held_out, max(1, len(seen) // 2)) if views is None else views
        if not 0 < count < len(seen):
            raise InputError(
                f"{source}: views={count} of its {len(seen)} views; give 1"
                + (f" to {len(seen) - 1}, so that one is left to judge the fit" * (len(seen) > 1))
            )
        first = self.first_held_out if count <= self.first_held_out < len(seen) else count
        judged = range(first, len(seen))[: self.held_out_views]
        task = Task(meeting(self.observe(seen, range(count)), source), self.observe(seen, judged))
        return self._signal(task, seen.select(range(count)), own_side)

    def read_all(self, path: str | Path, views: int | None = None) -> list[Signal]:
        """Objects come one by one; see :meth:`read`."""
        raise InputError(f"{path}: is one object, no stack of slices; leave out --index all")

    def photograph(
        self,
        path: str | Path,
        azimuth_deg: cameras.Number,
        elevation_deg: cameras.Number,
        distance: cameras.Number | None = None,
        fov_deg: cameras.Number | None = None,
    ) -> Signal:
        """One photograph of an object as a signal; nothing judges it, its query are new views.

        Args:
            path: a picture whose alpha says where the object is; its sides become ``size``, about.
            azimuth_deg: where the camera stood; see :func:`theta0.data.cameras.orbit`.
            elevation_deg: above the horizontal.
            distance: to the object's centre, in world units; as in this data when left out.
            fov_deg: what the picture's width spans; the same.
        """
        given = {"distance": distance, "fov_deg": fov_deg}
        here = replace(self, **{name: float(of) for name, of in given.items() if of is not None})
        taken = azimuth_deg, elevation_deg, here.distance, here.fov_deg
        own = read_photograph(path, *taken).cameras[0]
        options = ViewOptions(max(1, max(own.width, own.height) // self.size), need_alpha=True)
        seen = read_photograph(path, *taken, options)
        return self._signal(task_of_one_view(self, seen, str(path)), seen, self.size)

    def take(self, values: Any, views: int | None = None) -> Signal:
        """An object given as :class:`theta0.data.views.Views`."""
        if not isinstance(values, Views):
            raise InputError(
                f"an object is given as theta0.Views, or as the path of its folder, not as a "
                f"{type(values).__name__}"
            )
        factor = self._options(Path(values.object_id), values.cameras[0]).downscale
        return self._of_views(
            values.object_id, values.downscaled(factor), views, values.cameras[0].width
        )

    def from_arrays(self, arrays: Any, shares: Shares = SHARES) -> "ViewTasks":
        """Tasks from a sequence of :class:`theta0.data.views.Views`."""
        objects = [
            views.downscaled(self._options(Path(views.object_id), views.cameras[0]).downscale)
            for views in arrays
        ]
        return ViewTasks(self, GivenObjects(tuple(objects), shares.of(len(objects))))

    def _signal(self, task: Task, fitted: Views, own_side: int) -> Signal:
        positions = np.stack([camera.position for camera in fitted.cameras])
        distance = float(np.linalg.norm(positions, axis=1).mean())
        return ObjectSignal(
            task, None, self.size, own_side, fitted.colours(self.background),
            distance, fitted.cameras[0].fov_x_deg,
        )  # fmt: skip

    def poses(self, path, frames, azimuth_deg, elevation_deg):
        where = azimuth_deg, elevation_deg, self.distance
        return camera_paths.around_object(path, frames, *where)

    def camera(self, c2w: Float[np.ndarray, "3 4"], size: int | None = None) -> cameras.Camera:
        """The camera of a new view."""
        size = size or self.size
        return cameras.Camera.from_fov(c2w, size, size, self.fov_deg)

    def check_camera(self, camera):
        distance = float(np.linalg.norm(camera.position))
        if self.bounds == "range" and not self.near < distance < self.far:
            raise InputError(
                f"distance is {distance:g}, but rays of this field are sampled from {self.near:g} "
                f"to {self.far:g} of the camera; stay between"
            )

    @property
    def depths(self) -> tuple[float, float]:
        """Where the object begins and ends before a new view, in world units."""
        return self.distance - self.radius, self.distance + self.radius

    def rays_of(self, camera: cameras.Camera, variant: Variant | None = None) -> Rays:
        """The rays of a view, row by row; those that meet nothing have ``near = far``.

        With a variant they meet it where the view's own meet the object.
        """
        lines = cameras.rays(camera, self.pixel_offset)
        if variant is not None:
            lines = variant.rays(lines)
        near, far = (np.full(len(lines.origin), end) for end in (self.near, self.far))
        if self.bounds == "sphere":
            inside = cameras.through_sphere(lines, self.radius)
            hit = inside.near < inside.far
            # Finite: infinities would become NaN in the products of the renderer.
            near, far = (np.where(hit, ends, 0) for ends in inside)
        return Rays(*(np.asarray(part, np.float32) for part in (*lines, near, far)))

    def observe(
        self, views: Views, numbers: Sequence[int], variant: Variant | None = None
    ) -> Observation:
        """All pixels of some views of an object, view after view, row by row.

        With a variant it is that which they show.
        """
        chosen = views.select(numbers)
        places = [self.rays_of(camera, variant) for camera in chosen.cameras]
        if variant is not None:
            chosen = variant.views(chosen)
        colours = chosen.colours(self.background).reshape(-1, 3)
        return Observation(joined(places), np.asarray(colours, np.float32))
