"""Pinhole cameras: the only module that defines the directions of axes and the origin of pixels.

The world is right-handed with z up. A camera looks along its -z axis, with x to the right and y up
(OpenGL axes, as in Blender): column k of `c2w` is camera axis k in world coordinates, and the last
column is the position of the camera. Pixel coordinates start at the top left corner of the picture,
x to the right and y down, so the centre of the first pixel is (0.5, 0.5). The ray of column u and
row v is

    origin + t R [(u - cx) / fl_x, -(v - cy) / fl_y, -1]

where t is the depth, the distance along the viewing axis.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from theta0.data.cameras._poses import Matrix, Number, Vector, checked_pose
from theta0.errors import InputError


class Rays(NamedTuple):
    """Half lines `origin + t direction`, t > 0."""

    origin: Float[np.ndarray, "n 3"]
    direction: Float[np.ndarray, "n 3"]


class Projection(NamedTuple):
    """Where points appear: pixel coordinates (x, y), and depth along the viewing axis."""

    pixel: Float[np.ndarray, "*points 2"]
    depth: Float[np.ndarray, " *points"]


class Interval(NamedTuple):
    """Part of each ray, in units of its direction; empty unless `near < far`."""

    near: Float[np.ndarray, " n"]
    far: Float[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Camera:
    """Size, intrinsics and pose of a picture; see the module for the conventions.

    The pose may be 4x4, and its rotation may be scaled by one positive factor, as in the matrices
    that Blender writes for scaled cameras: the factor is removed and the position kept. The
    rotation is replaced by the nearest orthonormal one.

    Attributes:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        fl_x: Focal length, in pixel widths.
        fl_y: Focal length, in pixel heights.
        cx: Principal point, in pixels from the left edge.
        cy: Principal point, in pixels from the top edge.
        c2w: Camera to world, OpenGL axes; stored as 3x4.

    Raises:
        InputError: A number is not finite or not positive, or the pose is singular, left-handed
            or sheared.
    """

    width: int
    height: int
    fl_x: float
    fl_y: float
    cx: float
    cy: float
    c2w: Float[np.ndarray, "_ 4"]

    def __post_init__(self):
        for name in ("width", "height"):
            if (value := getattr(self, name)) < 1:
                raise InputError(f"camera: {name} is {value}; give whole pixels, at least 1")
        for name in ("fl_x", "fl_y"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(
                    f"camera: {name} is {getattr(self, name)}; give a focal length in pixels"
                )
        for name in ("cx", "cy"):
            if not np.isfinite(getattr(self, name)):
                raise InputError(f"camera: {name} is {getattr(self, name)}; give pixels")
        object.__setattr__(self, "c2w", checked_pose(self.c2w))

    @classmethod
    def from_fov(cls, c2w: Matrix, width: int, height: int, fov_x_deg: Number) -> "Camera":
        """A camera with square pixels and the principal point in the centre of the picture.

        Args:
            c2w: Camera to world, OpenGL axes, 3x4 or 4x4.
            width: In pixels.
            height: In pixels.
            fov_x_deg: Horizontal field of view, in degrees.
        """
        focal = width / 2 / float(np.tan(fov_rad(fov_x_deg) / 2))
        return cls(width, height, focal, focal, width / 2, height / 2, checked_pose(c2w))

    @property
    def position(self) -> Float[np.ndarray, "3"]:
        """Position of the camera in the world."""
        return self.c2w[:, 3]

    @property
    def fov_x_deg(self) -> float:
        """Horizontal field of view, if the principal point is in the centre."""
        return float(np.rad2deg(2 * np.arctan(self.width / 2 / self.fl_x)))

    def downscaled(self, factor: int) -> "Camera":
        """The camera of a picture whose pixels are means over blocks of `factor` x `factor` pixels.

        Incomplete blocks at the right and the bottom are cropped.

        Raises:
            InputError: `factor` is below 1 or larger than the picture.
        """
        if factor < 1 or factor > min(self.width, self.height):
            raise InputError(
                f"downscale is {factor}; give 1 to {min(self.width, self.height)} for a picture "
                f"of {self.width} x {self.height}"
            )
        intrinsics = {name: getattr(self, name) / factor for name in ("fl_x", "fl_y", "cx", "cy")}
        width, height = self.width // factor, self.height // factor
        return replace(self, width=width, height=height, **intrinsics)


def fov_rad(fov_deg: Number) -> float:
    """Convert a field of view to radians.

    Raises:
        InputError: It is not between 0 and 180 degrees.
    """
    if not 0 < fov_deg < 180:
        raise InputError(f"field of view: {fov_deg} degrees; give more than 0, below 180")
    return float(np.deg2rad(fov_deg))


def rays(camera: Camera, pixel_offset: Number = 0.5) -> Rays:
    """The rays through all pixels, row by row.

    Args:
        camera: `camera.downscaled(k)` for a smaller picture.
        pixel_offset: Position of the ray within its pixel, in both directions: 0.5 is the centre;
            the paper's authors use 0.

    Returns:
        Rays whose directions have unit length along the viewing axis, so that t is the depth.
    """
    x = (np.arange(camera.width) + pixel_offset - camera.cx) / camera.fl_x
    y = (np.arange(camera.height) + pixel_offset - camera.cy) / camera.fl_y
    x, y = np.meshgrid(x, y)
    local = np.stack([x.ravel(), -y.ravel(), np.full(x.size, -1.0)], axis=1)
    return Rays(np.tile(camera.position, (x.size, 1)), local @ camera.c2w[:, :3].T)


def project(points: Float[np.ndarray, "*points 3"], camera: Camera) -> Projection:
    """Project world points into the picture; NaN for points that are not in front of the camera."""
    right, up, back = np.moveaxis((points - camera.position) @ camera.c2w[:, :3], -1, 0)
    depth = -back
    divisor = np.where(depth > 0, depth, np.nan)
    x = camera.cx + camera.fl_x * right / divisor
    y = camera.cy - camera.fl_y * up / divisor
    return Projection(np.stack([x, y], axis=-1), depth)


def through_sphere(lines: Rays, radius: Number = 1.0, centre: Vector = (0.0, 0.0, 0.0)) -> Interval:
    """The parts of rays inside a sphere.

    Returns:
        Entry and exit; the entry is 0 for rays that start inside. Rays that miss the sphere, or
        that have it behind them, have near = inf and far = -inf.
    """
    start = lines.origin - np.asarray(centre, np.float64)
    square = np.square(lines.direction).sum(axis=1)
    middle = -(start * lines.direction).sum(axis=1) / square
    # Relative to the point nearest to the centre: no cancellation when the camera is far away.
    nearest = np.square(start + middle[:, None] * lines.direction).sum(axis=1)
    half = np.sqrt(np.maximum(radius**2 - nearest, 0) / square)
    hit = (half > 0) & (middle + half > 0)
    near = np.where(hit, np.maximum(middle - half, 0), np.inf)
    return Interval(near, np.where(hit, middle + half, -np.inf))
