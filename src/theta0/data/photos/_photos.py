"""Photographs of one place, each with its camera, its range of depths and a light of its own.

Lenses are pinholes here: readers undo distortion. The world is that of `cameras`, z up, scaled so
that the place fits into the unit sphere around the origin, about; depths are along the viewing
axis, in world units.
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
        near: Depth before which nothing stands, above 0.
        far: Depth behind which nothing is looked for.
        hidden: Where something that does not belong to the place, such as people, stands before
            it; None if that is not known.
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
                f"{height}; give one value a pixel"
            )
        if not 0 < self.near < self.far < np.inf:
            raise InputError(
                f"{self.name}: near is {self.near} and far {self.far}; give 0 < near < far"
            )

    def square(self, size: int) -> "Photo":
        """The middle square of the picture, its pixels averaged to `size` a side.

        A pixel that is hidden in part is hidden.

        Raises:
            InputError: The picture is smaller.
        """
        camera = self.camera
        side = min(camera.width, camera.height)
        if not 0 < size <= side:
            raise InputError(
                f"{self.name}: size is {size}; give 1 to {side} for a picture of {camera.width} x "
                f"{camera.height}"
            )
        left, top = (camera.width - side) // 2, (camera.height - side) // 2
        box, factor = (left, top, left + side, top + side), side / size
        # BOX averages over the area that a pixel covers, whole or in part.
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
    """The photographs of a place, in the size they are kept in."""


@runtime_checkable
class Relightable(Photos, Protocol):
    """A made-up place, which can show what no collection of photographs has."""

    def render(self, index: int, look: int | None = None, occluders: bool = True) -> Photo:
        """From where photograph `index` was taken, in the light of photograph `look` (its own)."""
        ...
