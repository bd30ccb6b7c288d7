"""Tourist photographs: a task is one photograph of a scene, in the light it was taken in."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data import cameras
from theta0.data.images import require_seen
from theta0.data.photos import Photo, PhotoFolder, PhotoOptions, read_photos
from theta0.data.town import TouristTown
from theta0.errors import InputError, note, require_positive
from theta0.fields import Positional
from theta0.forward import Observation, Rays, Volume
from theta0.registry import SIGNALS

from . import camera_paths
from ._base import Task
from ._kind import required_path
from ._photo_sources import PhotoCollection, PhotoSource
from ._photo_tasks import PhotoTasks
from ._scene import PhotoSignal, SceneConfig, Standpoint
from ._signal import Signal
from ._view_rays import rows


@SIGNALS.register("photos")
@dataclass(frozen=True)
class PhotoConfig(SceneConfig):
    """Photographs of one scene, each in its own light, and how their pixels become tasks.

    A photograph is its middle square. In training a task is one of them. At test
    time a part of one is fitted, and the rest, or what only a procedural scene can show, judges the
    fit.
    """

    noun = "photographs of a scene"
    camera_path = "spiral"

    source: PhotoSource = field(default_factory=TouristTown)
    """where the photographs come from"""
    size: int = 64
    """pixels per side; a pixel is the mean over the area it covers"""
    rays: int = 2048
    """pixels of a training task, drawn anew each time; the inner loop draws from them"""
    judge: Literal["right-half", "other-views"] = "right-half"
    """what a fit is judged by: right-half fits the left half of a photograph and judges its right
    half, as in the paper; other-views fits a whole photograph and judges novel views in the same
    light without transient occluders, which only the procedural TouristTown can render"""
    other_views: int = 4
    """number of novel views for judge=other-views, from the viewpoints of the photographs that
    follow in the split"""
    training_halves: bool = False
    """train as judge=right-half judges: the support set is one half of a photograph, either one,
    and the query set of MAML, FOMAML and Meta-SGD the other; Reptile has no query set and sees only
    half of each photograph"""
    leave_out_hidden: bool = False
    """fit only pixels that the occlusion mask, where there is one, shows as free of transient
    occluders"""
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

    def network(self):
        return Positional(width=128), Volume(
            samples=48, density="softplus", background="none", last_interval=1e10
        )

    def build(self) -> "PhotoTasks":
        """Find the photographs; they are read when they are needed."""
        source = self.source
        if isinstance(source, TouristTown):
            return PhotoTasks(self, replace(source, size=self.size).read())
        path = required_path(source.path, "photographs")
        options = PhotoOptions(
            source.test, source.validation, source.rotation or 0, allow_missing=source.allow_missing
        )
        photos = read_photos(path, options)
        masks = sum(frame.mask is not None for frame in photos.frames)
        if masks and not self.leave_out_hidden:
            note(
                f"{path}: its {masks} occlusion masks (mask_path) are not used; theta0 train "
                "leaves out what they hide with --data.leave-out-hidden"
            )
        return PhotoTasks(self, photos)

    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A photograph of a collection as a signal, all of which is fitted.

        Args:
            path: a picture of the collection, or the collection's folder.
            views: of a photograph there is one: 1, or left out.
            index: of a folder: number of the photograph, in the order of its files.
        """
        if views not in (None, 1):
            raise InputError(f"views={views}: a fit is of one photograph; give 1")
        photos, index = _found(Path(path), index)
        own_mask = photos.frames[index].mask
        if own_mask is not None and not self.leave_out_hidden:
            note(f"{path}: its occlusion mask is not used, unless given as --mask {own_mask}")
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
        return PhotoSignal(
            Task(self.fitted(observed, photo.hidden), observed),
            None,
            self.size,
            min(whole.camera.width, whole.camera.height),
            colours,
            standpoint,
            read_mask,
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
    def radius(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of the sphere around the origin that about holds the scene, in world units."""
        return 1.0

    def poses(self, path, frames, azimuth_deg, elevation_deg):
        standpoint = self.taken_from()
        return camera_paths.forward_facing(frames, standpoint.pose, standpoint.middle)

    def refuse_camera(self, path, options):
        for name, value in options.items():
            if value is not None:
                raise InputError(
                    f"--{name} is for objects; a scene is rendered from close to where its "
                    "photograph was taken, so leave it out"
                )
        if path == "orbit":
            raise InputError(
                "--path orbit goes around an object; a photograph shows a scene from one side "
                "only, so give spiral"
            )

    def taken_from(self) -> Standpoint:
        """Where the photograph that was fitted was taken.

        Raises:
            InputError: none was fitted.
        """
        if self.standpoint is None:
            raise InputError(
                "an initialization has no camera to render its scene from; fit a photograph first "
                "(theta0 fit) and give the folder of the fit"
            )
        return self.standpoint

    def _rays(self, camera: cameras.Camera, near: float, far: float) -> Rays:
        lines = cameras.rays(camera, self.pixel_offset)
        ends = (np.full(len(lines.origin), end) for end in (near, far))
        return Rays(*(np.asarray(part, np.float32) for part in (*lines, *ends)))

    def fitted(
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


def _found(path: Path, index: int) -> tuple[PhotoFolder, int]:
    """The collection of a photograph, and its number there.

    Raises:
        InputError: there is no collection, or no such photograph in it.
    """
    collection = _collection(path)
    # The numbers of a folder are those of all of its photographs.
    options = PhotoOptions(test=0, validation=0, allow_missing=path.is_file())
    try:
        photos = read_photos(collection, options)
    except InputError as error:
        if not path.is_file():
            raise
        raise InputError(
            f"{path}: a photograph is fitted with the camera that its collection gives it; {error}"
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
    return photos, index


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
