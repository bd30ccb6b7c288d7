"""Pinhole cameras: the only module that defines the directions of axes and the origin of pixels.

The world is right-handed with z up. A camera looks along its -z axis, with x to the right and y up
(OpenGL axes, as in Blender): column k of `c2w` is camera axis k in world coordinates, and the last
column is the position of the camera. Pixel coordinates start at the top left corner of the picture,
x to the right and y down, so the centre of the first pixel is (0.5, 0.5). The ray of column u and
row v is

    origin + t R [(u - cx) / fl_x, -(v - cy) / fl_y, -1]

where t is the depth, the distance along the viewing axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError

_ORTHONORMAL = 1e-3
"""Largest entry of `R^T R - 1` that counts as rounding; transforms.json may have only 4 digits."""

Number = float | int
Vector = Sequence[Number] | Float[np.ndarray, "3"]
Matrix = Sequence[Any] | Float[np.ndarray, "_ 4"]


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


def checked_pose(c2w: object) -> Float[np.ndarray, "3 4"]:
    """A pose as a read-only 3x4 matrix; see `Camera`.

    Raises:
        InputError: It is not a pose; values that come from a file may be anything.
    """
    try:
        matrix = np.array(c2w, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("c2w is not a matrix of numbers; give 3x4 or 4x4") from error
    if matrix.shape not in ((3, 4), (4, 4)):
        raise InputError(f"c2w has shape {matrix.shape}; give 3x4 or 4x4")
    if not (np.abs(matrix) < 1e100).all():  # whose squares are finite too
        raise InputError("c2w contains values that are not finite; leave the view out")
    if len(matrix) == 4 and not np.allclose(matrix[3], [0, 0, 0, 1], rtol=0, atol=1e-6):
        raise InputError(
            f"c2w has the last row {matrix[3].tolist()}, not 0 0 0 1; give camera to world, row "
            "by row (it may be transposed)"
        )
    axes = matrix[:3, :3]
    if np.abs(axes.T @ axes - np.eye(3)).max() < 1e-14 and np.linalg.det(axes) > 0:
        return _read_only(matrix[:3])  # unchanged, so that written poses are read back exactly
    u, stretch, vt = np.linalg.svd(axes)
    scale = stretch.mean()
    if not stretch[2] > 1e-9 * max(1.0, stretch[0]):
        raise InputError("c2w is singular: its three axes lie in one plane; leave the view out")
    if np.linalg.det(u @ vt) < 0:
        raise InputError(
            "c2w is left-handed (determinant below 0): it mirrors the world; negate one axis"
        )
    if np.abs((axes / scale).T @ (axes / scale) - np.eye(3)).max() > _ORTHONORMAL:
        raise InputError(
            f"c2w is not a rotation: it stretches by {stretch[2]:.4g} to {stretch[0]:.4g}; give "
            "orthogonal axes of equal length"
        )
    return _read_only(np.concatenate([u @ vt, matrix[:3, 3:]], axis=1))


def _read_only(pose: Float[np.ndarray, "3 4"]) -> Float[np.ndarray, "3 4"]:
    pose.flags.writeable = False
    return pose


def look_at(
    eye: Vector, target: Vector = (0.0, 0.0, 0.0), up: Vector = (0.0, 0.0, 1.0)
) -> Float[np.ndarray, "3 4"]:
    """The pose of a camera at `eye` that looks at `target`, with `up` pointing up in the picture.

    Raises:
        InputError: `eye` equals `target`, or the camera looks along `up`.
    """
    eye, target, up = (np.asarray(vector, np.float64) for vector in (eye, target, up))
    back = eye - target
    right = np.cross(up, back)
    lengths = np.linalg.norm(back), np.linalg.norm(right)
    if not lengths[1] > 1e-9 * lengths[0] * np.linalg.norm(up):
        raise InputError(
            f"look_at: from eye={eye.tolist()} to target={target.tolist()} the view is along "
            f"up={up.tolist()}, or has no direction; give another up"
        )
    back, right = back / lengths[0], right / lengths[1]
    return np.stack([right, np.cross(back, right), back, eye], axis=1)


def orbit(
    azimuth_deg: Number, elevation_deg: Number, distance: Number, target: Vector = (0.0, 0.0, 0.0)
) -> Float[np.ndarray, "3 4"]:
    """The pose of a camera on a sphere around `target` that looks at the target.

    Args:
        azimuth_deg: From +x towards +y, anticlockwise seen from above.
        elevation_deg: Above the horizontal; at 90 the top of the picture points away from
            `azimuth_deg`.
        distance: To the target, in world units.
        target: Centre of the sphere.

    Raises:
        InputError: An angle is not finite, or the distance is not positive.
    """
    if not (np.isfinite([azimuth_deg, elevation_deg]).all() and 0 < distance < np.inf):
        raise InputError(
            f"orbit: azimuth={azimuth_deg} and elevation={elevation_deg} degrees at "
            f"distance={distance}; give finite angles and a distance above 0"
        )
    azimuth, elevation = np.deg2rad([azimuth_deg, elevation_deg])
    outwards = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0])
    z = np.array([0, 0, 1])
    up = np.cos(elevation) * z - np.sin(elevation) * outwards
    back = np.cos(elevation) * outwards + np.sin(elevation) * z
    return np.stack([right, up, back, np.asarray(target) + distance * back], axis=1)


def swap_opencv_opengl(c2w: Float[np.ndarray, "rows 4"]) -> Float[np.ndarray, "rows 4"]:
    """Convert a pose between OpenCV axes (y down, looking along +z) and OpenGL axes."""
    return np.asarray(c2w, np.float64) * np.array([1, -1, -1, 1])


def inverse_pose(pose: Float[np.ndarray, "3 4"]) -> Float[np.ndarray, "3 4"]:
    """Convert between camera to world and world to camera."""
    turned_back = pose[:, :3].T
    return np.concatenate([turned_back, -turned_back @ pose[:, 3:]], axis=1)


def z_up_from_y_up(vectors: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
    """Convert points or directions from a world with y up (glTF) to the world with z up."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    return np.stack([x, -z, y], axis=-1)


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
