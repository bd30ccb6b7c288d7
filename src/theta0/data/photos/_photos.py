"""Photographs of one scene, each with its camera, its depth range and its own illumination.

Cameras are pinholes: readers undistort the pictures. World coordinates are those of `cameras`, z
up, scaled so that the scene roughly fits into the unit sphere around the origin; depths are along
the viewing axis, in world units.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from theta0.data import Collection
from theta0.data.cameras import Camera
from theta0.errors import InputError


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph.

    Attributes:
        image: RGB, where 255 is 1.0.
        camera: Of the picture.
        name: Of the photograph in its collection.
        near: Near bound of the scene's depth, above 0.
        far: Far bound of the scene's depth.
        hidden: The occlusion mask: True where transient occluders, such as people, cover the scene;
            None if it is unknown.
    """

    image: UInt8[np.ndarray, "height width channels"]
    camera: Camera
    name: str
    near: float
    far: float
    hidden: Bool[np.ndarray, "rows columns"] | None = None

    def __post_init__(self):
        height, width, channels = self.image.shape
        if channels != 3 or (self.camera.width, self.camera.height) != (width, height):
            raise InputError(
                f"{self.name}: a picture of shape {self.image.shape} for a camera of "
                f"{self.camera.width} x {self.camera.height}; give RGB of the camera's size"
            )
        if self.hidden is not None and self.hidden.shape != (height, width):
            raise InputError(
                f"{self.name}: a mask of shape {self.hidden.shape} for a picture of {width} x "
                f"{height}; give one value per pixel"
            )
        if not 0 < self.near < self.far < np.inf:
            raise InputError(
                f"{self.name}: near is {self.near} and far {self.far}; give 0 < near < far"
            )

    def square(self, size: int) -> "Photo":
        """The centred square of the picture, resized to `size` pixels per side by averaging.

        Pixels that are partly occluded count as occluded.

        Raises:
            InputError: The picture is smaller.
        """
        camera = self.camera
        side = min(camera.width, camera.height)
        if not 0 < size <= side:
            raise InputError(
                f"{self.name}: is {camera.width} x {camera.height}, but photographs are read at "
                f"{size} x {size}; give a larger one (or, to train on these, --data.size {side})"
            )
        left, top = (camera.width - side) // 2, (camera.height - side) // 2
        box, factor = (left, top, left + side, top + side), side / size
        # BOX averages over the area of a pixel, including fractions of pixels.
        shrink = lambda of: np.asarray(
            Image.fromarray(of).resize((size, size), Image.Resampling.BOX, box)
        )
        hidden = None
        if self.hidden is not None:
            hidden = shrink(self.hidden.astype(np.float32)) > 1e-3
        focal = {"fl_x": camera.fl_x / factor, "fl_y": camera.fl_y / factor}
        middle = {"cx": (camera.cx - left) / factor, "cy": (camera.cy - top) / factor}
        return replace(
            self,
            image=shrink(self.image),
            camera=replace(camera, width=size, height=size, **focal, **middle),
            hidden=hidden,
        )


@runtime_checkable
class Photos(Collection[Photo], Protocol):
    """The photographs of a scene, in their stored sizes."""


@runtime_checkable
class Relightable(Photos, Protocol):
    """Photographs of a synthetic scene, whose viewpoints and looks can be combined freely."""

    def render(self, index: int, look: int | None = None, occluders: bool = True) -> Photo:
        """The viewpoint of photograph `index` in the look of photograph `look` (None: its own)."""
        ...
