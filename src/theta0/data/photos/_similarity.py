"""Similarity transforms, and the one that normalizes the coordinates of a photographed scene.

The scale, origin and axes of a reconstruction from photographs are arbitrary. After normalization

- z points up: people roll cameras less than they tilt them, so up is the direction that is most
  perpendicular to the cameras' x axes and, as far as this leaves it undetermined (completely, if
  all cameras look in one direction), close to the mean of their y axes;
- the cameras look along +y on average, so the scene faces -y, as objects do;
- the scene lies roughly in the unit sphere around the origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.data.cameras import Camera, project
from theta0.errors import InputError

_INSIDE_PERCENT = 95
"""Percentage of the points in the unit sphere; distant ones mostly do not belong to the scene."""
_LEAST_SPREAD = 1e-3
"""Mean of sin^2 of the angles to the common direction below which viewing axes count as parallel:
below about 2 degrees their intersection is noise."""


_ROLL, _PITCH = np.deg2rad(2), np.deg2rad(15)
"""Typical roll of each camera, and typical mean pitch of all."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """The map x -> scale rotation x + shift.

    Attributes:
        scale: Above 0.
        rotation: With determinant 1.
        shift: In units of the result.
    """

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]

    @classmethod
    def identity(cls) -> "Similarity":
        """The identity."""
        return cls(1.0, np.eye(3), np.zeros(3))

    @property
    def inverse(self) -> "Similarity":
        """The inverse map."""
        back = self.rotation.T / self.scale
        return Similarity(1 / self.scale, self.rotation.T, -back @ self.shift)

    def points(self, points: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
        """Apply the map to points."""
        return self.scale * points @ self.rotation.T + self.shift

    def pose(self, c2w: Float[np.ndarray, "3 4"]) -> Float[np.ndarray, "3 4"]:
        """Apply the map to a pose: projections are unchanged, and depths are scaled."""
        position = self.points(c2w[:, 3])
        return np.concatenate([self.rotation @ c2w[:, :3], position[:, None]], axis=1)


def from_points(cameras: Sequence[Camera], points: Float[np.ndarray, "n 3"]) -> Similarity:
    """The normalization of a scene with known points.

    The median of each coordinate becomes 0, and the nearest 95 % of the points lie in the unit
    sphere.

    Raises:
        InputError: All points are equal.
    """
    rotation = _upright(cameras)
    turned = points @ rotation.T
    centre = np.median(turned, axis=0)
    radius = float(np.percentile(np.linalg.norm(turned - centre, axis=1), _INSIDE_PERCENT))
    if not radius > 0:
        raise InputError("all points of the scene are equal, so its size is unknown")
    return _placed(rotation, centre, radius)


def from_cameras(
    cameras: Sequence[Camera], ranges: Sequence[tuple[float, float] | None]
) -> Similarity:
    """The normalization of a scene without known points.

    The origin is the point nearest to all viewing axes. If these are parallel, or meet behind most
    cameras, it is the median of the points on them at the geometric mean of near and far. The
    radius of the unit sphere is the median of depth x side / (2 focal length), half the width of a
    picture at that depth, where `side` is the square root of the area of the picture.

    Args:
        cameras: At least two.
        ranges: Near and far of each, where known.

    Raises:
        InputError: The axes do not meet and not all ranges are known, or most cameras are at the
            origin.
    """
    rotation = _upright(cameras)
    centre = _meeting_point(cameras)
    if centre is None or np.median([project(centre, camera).depth for camera in cameras]) <= 0:
        centre = np.median(_halfway(cameras, ranges) @ rotation.T, axis=0) @ rotation
    halves = [
        project(centre, camera).depth
        * np.sqrt(camera.width * camera.height / (camera.fl_x * camera.fl_y))
        / 2
        for camera in cameras
    ]
    radius = float(np.median(halves))
    if not radius > 0:
        raise InputError(
            "most cameras are at the point they look at, so the size of the scene is unknown"
        )
    return _placed(rotation, rotation @ centre, radius)


def _halfway(
    cameras: Sequence[Camera], ranges: Sequence[tuple[float, float] | None]
) -> Float[np.ndarray, "cameras 3"]:
    """The points on the viewing axes at the geometric mean of near and far.

    Raises:
        InputError: Not all ranges are known.
    """
    points = [
        camera.position - np.sqrt(pair[0] * pair[1]) * camera.c2w[:, 2]
        for camera, pair in zip(cameras, ranges, strict=True)
        if pair is not None
    ]
    if len(points) < len(cameras):
        raise InputError(
            "the cameras do not look at one point from several sides, so its distance is unknown; "
            "give near and far"
        )
    return np.array(points)


def _placed(
    rotation: Float[np.ndarray, "3 3"], centre: Float[np.ndarray, "3"], radius: float
) -> Similarity:
    """The similarity that rotates, and then maps a sphere to the unit sphere."""
    return Similarity(1 / radius, rotation, -centre / radius)


def _upright(cameras: Sequence[Camera]) -> Float[np.ndarray, "3 3"]:
    """The rotation to the module's axes, which are its rows."""
    poses = np.array([camera.c2w for camera in cameras])
    z = up_direction(poses)
    ahead = -poses[:, :, 2].mean(axis=0)
    ahead -= (ahead @ z) * z
    if not np.linalg.norm(ahead) > 1e-6:  # cameras all around: any direction will do
        ahead = np.eye(3)[np.abs(z).argmin()]
        ahead -= (ahead @ z) * z
    y = ahead / np.linalg.norm(ahead)
    return np.stack([np.cross(y, z), y, z])


def up_direction(poses: Float[np.ndarray, "cameras 3 4"]) -> Float[np.ndarray, "3"]:
    """The up direction, estimated from the cameras; see the module.

    It minimizes, over unit vectors u, the negative log-likelihood

        sum_i w_i (x_i . u)^2 / roll^2 + (1 - (mean . u)^2) / pitch^2

    with x_i the cameras' x axes and `mean` the mean of their y axes. Cameras with a roll much
    larger than `roll`, such as portrait photos that were not rotated, are down-weighted (Cauchy
    weights w_i, iterated). The error is about roll / sqrt(n) / (spread of the viewing directions,
    in radians), several degrees for ten photos of one front.

    Args:
        poses: Camera to world, OpenGL axes; at least one.
    """
    right, upwards = poses[:, :, 0], poses[:, :, 1]
    up = upwards.mean(axis=0)
    for _ in range(20):
        weight = 1 / (1 + (right @ up / (3 * _ROLL)) ** 2)
        mean = weight @ upwards / weight.sum()
        doubt = np.einsum("n,ni,nj->ij", weight, right, right) / _ROLL**2
        doubt += (np.eye(3) - np.outer(mean, mean)) / _PITCH**2
        up = np.linalg.eigh(doubt)[1][:, 0]
        up *= np.sign(up @ mean) or 1.0
    return up


def _meeting_point(cameras: Sequence[Camera]) -> Float[np.ndarray, "3"] | None:
    """The point with the least sum of squared distances to the axes; None if they are parallel."""
    poses = np.array([camera.c2w for camera in cameras])
    axes, eyes = poses[:, :, 2], poses[:, :, 3]
    beside = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    if np.linalg.eigvalsh(beside.mean(axis=0))[0] < _LEAST_SPREAD:
        return None
    return np.linalg.solve(beside.sum(axis=0), np.einsum("nij,nj->i", beside, eyes))
