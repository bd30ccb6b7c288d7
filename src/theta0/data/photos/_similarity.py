"""Similarities of space, and the one that puts a photographed place upright, small and central.

A reconstruction from photographs floats: its scale, its origin and its axes are arbitrary. Here

- z points up: people hold cameras level more exactly than they hold them upright, so up is the
  direction that the cameras' x axes are most at right angles to, and as near to the mean of their
  y axes as that leaves open (it leaves all of it open if they look in one direction);
- the cameras look along +y in the mean, so that the place faces -y, as objects do;
- the place comes to lie about in the unit sphere around the origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.data.cameras import Camera, project
from theta0.errors import InputError

_INSIDE_PERCENT = 95
"""So many of the points come into the unit sphere; what is far away is mostly not of the place."""
_LEAST_SPREAD = 1e-3
"""Mean of sin^2 of the angles to the common direction below which viewing axes are parallel, about
2 degrees: where they meet is then noise."""


_ROLL, _PITCH = np.deg2rad(2), np.deg2rad(15)
"""How far cameras lean to a side, each for itself, and look up or down in the mean; typical ones"""


@dataclass(frozen=True, eq=False)
class Similarity:
    """The map x -> scale rotation x + shift.

    Attributes:
        scale: Above 0.
        rotation: Of determinant 1.
        shift: In units of the result.
    """

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]

    @classmethod
    def identity(cls) -> "Similarity":
        """The map that leaves all as it is."""
        return cls(1.0, np.eye(3), np.zeros(3))

    @property
    def inverse(self) -> "Similarity":
        """The map back."""
        back = self.rotation.T / self.scale
        return Similarity(1 / self.scale, self.rotation.T, -back @ self.shift)

    def points(self, points: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
        """Where points come to lie."""
        return self.scale * points @ self.rotation.T + self.shift

    def pose(self, c2w: Float[np.ndarray, "3 4"]) -> Float[np.ndarray, "3 4"]:
        """The pose of a camera that sees the moved world as it saw the old one; depths scale."""
        position = self.points(c2w[:, 3])
        return np.concatenate([self.rotation @ c2w[:, :3], position[:, None]], axis=1)


def from_points(cameras: Sequence[Camera], points: Float[np.ndarray, "n 3"]) -> Similarity:
    """The module's similarity for a place of which points are known.

    The median of each coordinate comes to 0, and all but the furthest 5 % of the points into the
    unit sphere.

    Raises:
        InputError: The points are one point.
    """
    rotation = _upright(cameras)
    turned = points @ rotation.T
    centre = np.median(turned, axis=0)
    radius = float(np.percentile(np.linalg.norm(turned - centre, axis=1), _INSIDE_PERCENT))
    if not radius > 0:
        raise InputError("the points of the place are all one; nothing says how large it is")
    return _placed(rotation, centre, radius)


def from_cameras(
    cameras: Sequence[Camera], ranges: Sequence[tuple[float, float] | None]
) -> Similarity:
    """The module's similarity for a place of which only photographs are known.

    The origin is the point nearest to all viewing axes. Where these are parallel, or meet behind
    most cameras, it is the median of the points on them half-way, in ratio, from near to far. The
    unit sphere is as wide as most pictures at that depth: the median of depth x side / (2 focal
    length), where the side is that of a square as large as the picture.

    Args:
        cameras: At least two.
        ranges: Near and far of each, where they are known.

    Raises:
        InputError: The axes do not meet and not all ranges are known, or most cameras stand at the
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
        raise InputError("most cameras stand where they look; nothing says how large the place is")
    return _placed(rotation, rotation @ centre, radius)


def _halfway(
    cameras: Sequence[Camera], ranges: Sequence[tuple[float, float] | None]
) -> Float[np.ndarray, "cameras 3"]:
    """The points on the viewing axes half-way, in ratio, from near to far.

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
            "the cameras do not look at one place from several sides, so that nothing says "
            "how far away it is; give near and far"
        )
    return np.array(points)


def _placed(
    rotation: Float[np.ndarray, "3 3"], centre: Float[np.ndarray, "3"], radius: float
) -> Similarity:
    """The similarity after which a sphere of the turned world is the unit sphere."""
    return Similarity(1 / radius, rotation, -centre / radius)


def _upright(cameras: Sequence[Camera]) -> Float[np.ndarray, "3 3"]:
    """The rotation into the module's axes, whose rows they are."""
    poses = np.array([camera.c2w for camera in cameras])
    z = up_direction(poses)
    ahead = -poses[:, :, 2].mean(axis=0)
    ahead -= (ahead @ z) * z
    if not np.linalg.norm(ahead) > 1e-6:  # from all around: any side will do
        ahead = np.eye(3)[np.abs(z).argmin()]
        ahead -= (ahead @ z) * z
    y = ahead / np.linalg.norm(ahead)
    return np.stack([np.cross(y, z), y, z])


def up_direction(poses: Float[np.ndarray, "cameras 3 4"]) -> Float[np.ndarray, "3"]:
    """The unit vector against gravity, as the cameras tell it; see the module.

    It minimises, over unit vectors u, the negative logarithm of the likelihood

        sum_i w_i (x_i . u)^2 / roll^2 + (1 - (mean . u)^2) / pitch^2

    with x_i the cameras' axes to the right and `mean` the mean of their axes upwards. Cameras that
    lean by much more than `roll`, as those held upright whose pictures were not turned, lose weight
    (Cauchy's w_i, iterated). How far it is off: by about roll / sqrt(n) / (spread of the directions
    they look in, in radians), which for ten photos of one front is several degrees.

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
    """The point with the least sum of squared distances to the viewing axes; None if parallel."""
    poses = np.array([camera.c2w for camera in cameras])
    axes, eyes = poses[:, :, 2], poses[:, :, 3]
    beside = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    if np.linalg.eigvalsh(beside.mean(axis=0))[0] < _LEAST_SPREAD:
        return None
    return np.linalg.solve(beside.sum(axis=0), np.einsum("nij,nj->i", beside, eyes))
