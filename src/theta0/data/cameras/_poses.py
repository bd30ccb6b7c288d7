"""Camera poses: checked, converted between conventions, and made from points and angles.

See `_cameras` for the directions of the axes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError

_ORTHONORMAL = 1e-3
"""Largest entry of `R^T R - 1` that counts as rounding; transforms.json may have only 4 digits."""

Number = float | int
Vector = Sequence[Number] | Float[np.ndarray, "3"]
Matrix = Sequence[Any] | Float[np.ndarray, "_ 4"]


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
