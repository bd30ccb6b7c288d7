"""What signals that cameras see share: objects, and scenes in photographs."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from theta0.data.cameras import Camera
from theta0.errors import InputError
from theta0.forward import Rays
from theta0.metrics import psnr
from theta0.report import picture_grid

from ._kind import SignalConfig
from ._signal import Signal, judged_unseen, part_of_pixels

_ACROSS = 8
"""Pictures in a row of a contact sheet."""


class SceneConfig(SignalConfig):
    """A kind of signal that fills space and is seen by cameras."""

    radius: float
    """of the sphere around the origin that holds the scene, in world units"""
    camera_path: str
    """the path of a camera that shows it best"""

    def as_scene(self, source: str) -> "SceneConfig":
        """Itself."""
        return self

    @property
    @abstractmethod
    def depths(self) -> tuple[float, float]:
        """Where the scene begins and ends before a novel view, in world units."""
        raise NotImplementedError

    @abstractmethod
    def camera(self, c2w: Float[np.ndarray, "3 4"], size: int | None = None) -> Camera:
        """The camera of a novel view."""
        raise NotImplementedError

    @abstractmethod
    def rays_of(self, camera: Camera) -> Rays:
        """The rays of a novel view, row by row; those that meet nothing have ``near = far``."""
        raise NotImplementedError

    def check_camera(self, camera: Camera) -> None:
        """Refuse a camera from which the scene cannot be rendered.

        Raises:
            InputError: says why.
        """

    @abstractmethod
    def poses(
        self, path: str, frames: int, azimuth_deg: float | None, elevation_deg: float | None
    ) -> Float[np.ndarray, "frames 3 4"]:
        """Camera poses along a path: orbit, spiral, or that between two fits (interpolate)."""
        raise NotImplementedError

    def refuse_camera(self, path: str | None, options: Mapping[str, Any]) -> None:
        """Refuse options of novel views, by name, that have no meaning for such a scene.

        Raises:
            InputError: names the first of them.
        """


@dataclass(frozen=True)
class Standpoint:
    """Where a photograph was taken from, and how far it sees."""

    c2w: tuple[float, ...]
    """camera to world, 3x4 row by row, OpenGL axes"""
    fov_deg: float
    """between the left and the right edge of the square picture"""
    near: float
    """depth at which samples begin"""
    far: float
    """depth at which they end"""

    def __post_init__(self):
        # It comes from a file of fitted weights.
        if len(self.c2w) != 12 or not np.isfinite(self.c2w).all():
            raise InputError(f"c2w has {len(self.c2w)} numbers; give 12, all of them finite")
        if not 0 < self.near < self.far < np.inf:
            raise InputError(f"near is {self.near} and far {self.far}; give 0 < near < far")

    @property
    def pose(self) -> Float[np.ndarray, "3 4"]:
        """Camera to world."""
        return np.reshape(self.c2w, (3, 4))

    @property
    def middle(self) -> float:
        """A depth between near and far, nearer to near as what is near fills more of a picture."""
        return (self.near * self.far) ** 0.5


@dataclass(frozen=True)
class SceneSignal(Signal):
    """A signal whose query are pictures of it."""

    side: int
    """pixels per side of these pictures"""
    own_side: int
    """pixels per side of the same squares in the files"""
    inputs: Float[np.ndarray, "pictures height width 3"]
    """the pictures that are fitted, in [0, 1], over the background"""

    refused = ("size", "region", "mask", "keep", "tv")
    shows_held_out: ClassVar[bool] = True
    """whether other pictures judge the fit than those that are fitted"""

    def pictures(self, values):
        values = np.asarray(values)
        return values.reshape(-1, self.side, self.side, values.shape[1])

    def refuse(self, options):
        for name in self.refused:
            if options.get(name):
                what = "the values of a picture or slice" if name == "tv" else "pictures and slices"
                raise InputError(
                    f"--{name} is of {what}, not of an object seen by cameras; leave it out, and "
                    "see theta0 render --help for pictures of any size"
                )

    def files(self, field, forward, size=None, region=None):
        return {"reconstruction.png": self.contact_sheet(self.predicted(forward, field))}

    def contact_sheet(self, values: Float[np.ndarray, "n 3"]) -> bytes:
        """A PNG of input views, then those that judge the fit over what it shows there.

        Of many views some are shown, evenly spaced in their order. Where nothing judges a fit,
        novel views take its place; a photograph of a scene judges its own fit.
        """
        shown, target = self.pictures(values), self.target
        rows: dict[str, tuple[Any, list[str]]]
        rows, chosen = {"input": (self.inputs[_spread(len(self.inputs))], [])}, _spread(len(shown))
        if target is None:
            rows["novel views"] = shown[chosen], []
        else:
            truths = self.pictures(target)[chosen]
            told = [f"{psnr(*pair):.1f} dB" for pair in zip(shown[chosen], truths, strict=True)]
            if self.shows_held_out:
                rows["held out"] = truths, []
            rows["fitted"] = shown[chosen], told
        width = max(len(pictures) for pictures, _ in rows.values())
        filled = lambda cells: [*cells, *[None] * (width - len(cells))]
        pictures, captions = ([filled(list(row[i])) for row in rows.values()] for i in (0, 1))
        return picture_grid(pictures, list(rows), [""] * width, captions, 1_000_000)


@dataclass(frozen=True)
class ObjectSignal(SceneSignal):
    """An object seen by cameras around it."""

    distance: float
    """from the camera to the object's centre, in world units; the mean of all"""
    fov_deg: float
    """between the left and the right edge of a picture"""

    def settings_of_fit(self, data):
        """With the camera it was seen by, to render it again.

        Views from within the bounding sphere are fitted as others are, but new ones stay outside,
        where all of it can be seen: their camera is then that of the initialization.
        """
        if self.distance <= getattr(data, "radius"):  # noqa: B009
            return data
        return replace(data, distance=self.distance, fov_deg=self.fov_deg)


@dataclass(frozen=True)
class PhotoSignal(SceneSignal):
    """A scene in one photograph, all of whose pixels judge a fit."""

    standpoint: Standpoint
    """of the photograph"""
    read_mask: Any
    """reads a mask as large as the photograph's file, white where the scene is seen"""
    seen: Bool[np.ndarray, " pixels"] | None = None
    """which pixels of the query the support holds, if only a part is observed"""

    refused = ("size", "region", "tv")
    shows_held_out = False

    def observe_part(self, mask, share, seed):
        return part_of_pixels(self, self.read_mask, mask, share, seed)

    def judge(self, values):
        return {**super().judge(values), **judged_unseen(self.seen, values, self.target)}

    def settings_of_fit(self, data):
        """With the standpoint, to render the scene from around it."""
        return replace(data, standpoint=self.standpoint)


def _spread(count: int) -> list[int]:
    """At most so many numbers as stand in a row."""
    return np.unique(np.linspace(0, count - 1, min(count, _ACROSS)).round().astype(int)).tolist()
