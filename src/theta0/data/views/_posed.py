"""Posed views of one object in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from theta0.data._view_pixels import Background, downscaled, over
from theta0.data.cameras import Camera
from theta0.errors import InputError


@dataclass(frozen=True, eq=False)
class Views:
    """Views of one object, all of one size.

    Attributes:
        images: RGB, or RGBA with colours not multiplied by alpha; in [0, 1], or bytes where 255
            is 1.0.
        cameras: One per view.
        names: One per view.
        object_id: Name of the object.
        depth: Along the viewing axis at pixel centres, in world units; inf in the background.
    """

    images: (
        UInt8[np.ndarray, "views height width channels"]
        | Float[np.ndarray, "views height width channels"]
    )
    cameras: tuple[Camera, ...]
    names: tuple[str, ...]
    object_id: str
    depth: Float[np.ndarray, "views height width"] | None = None

    def __post_init__(self):
        views, height, width, channels = self.images.shape
        if not views == len(self.cameras) == len(self.names) or channels not in (3, 4):
            raise InputError(
                f"{self.object_id}: images of shape {self.images.shape} for {len(self.cameras)} "
                f"cameras and {len(self.names)} names; give one of each per view, and RGB or RGBA"
            )
        if any((camera.width, camera.height) != (width, height) for camera in self.cameras):
            raise InputError(
                f"{self.object_id}: the size of a camera differs from its picture of {width} x "
                f"{height}; see Camera.downscaled"
            )

    def __len__(self) -> int:
        return len(self.names)

    def colours(self, background: Background = "white") -> Float[np.ndarray, "views h w 3"]:
        """RGB composited over a background colour, float32 in [0, 1]."""
        return over(self.images, background)

    def select(self, numbers: Sequence[int]) -> "Views":
        """Select views, in the given order."""
        return Views(
            images=self.images[list(numbers)],
            cameras=tuple(self.cameras[number] for number in numbers),
            names=tuple(self.names[number] for number in numbers),
            object_id=self.object_id,
            depth=None if self.depth is None else self.depth[list(numbers)],
        )

    def downscaled(self, factor: int) -> "Views":
        """Smaller by a factor, as bytes: means of blocks of pixels, which have no depth."""
        if factor == 1:
            return self
        images = self.images
        if images.dtype != np.uint8:
            images = np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8)
        return Views(
            np.stack([downscaled(image, factor) for image in images]),
            tuple(camera.downscaled(factor) for camera in self.cameras),
            self.names,
            self.object_id,
        )
