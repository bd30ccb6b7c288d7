"""Camera paths: functions that return a pose (OpenGL axes) for each frame.

Paths around an object look at the origin, with z up; the forward-facing path of a photographed
scene stays close to the pose of a photograph.
"""

import numpy as np
from jaxtyping import Float

from theta0.data.cameras import Number, look_at
from theta0.data.cameras import orbit as orbit_pose
from theta0.errors import InputError

_SPIRAL_DEG = 30
"""Amplitude of a spiral's elevation."""


def orbit(
    frames: int,
    azimuth_deg: Number = 0,
    elevation_deg: Number = 20,
    distance: Number = 4,
    turn_deg: Number = 360,
) -> Float[np.ndarray, "frames 3 4"]:
    """A circle at constant elevation; a full turn (360 degrees) loops without a jump.

    Args:
        frames: number of poses, evenly spaced.
        azimuth_deg: azimuth of the first pose; see :func:`theta0.data.cameras.orbit`.
        elevation_deg: above the horizontal.
        distance: to the origin.
        turn_deg: total angle, anticlockwise seen from above; the last frame is one step before it.
    """
    return np.stack(
        [
            orbit_pose(azimuth_deg + turn_deg * share, elevation_deg, distance)
            for share in _shares(frames)
        ]
    )


def spiral(
    frames: int,
    azimuth_deg: Number = 0,
    elevation_deg: Number = 20,
    distance: Number = 4,
    turns: int = 2,
) -> Float[np.ndarray, "frames 3 4"]:
    """Circles while the elevation oscillates by 30 degrees; loops without a jump.

    Args:
        frames: number of poses, evenly spaced.
        azimuth_deg: azimuth of the first pose.
        elevation_deg: mean angle above the horizontal.
        distance: to the origin.
        turns: number of circles.
    """
    rise_deg = lambda share: _SPIRAL_DEG * np.sin(2 * np.pi * share)
    return np.stack(
        [
            orbit_pose(azimuth_deg + 360 * turns * share, elevation_deg + rise_deg(share), distance)
            for share in _shares(frames)
        ]
    )


_BEGIN_DEG, _ABOVE_DEG = -60.0, 20.0
"""Azimuth and elevation at which a path around an object begins, when left out."""


def around_object(
    path: str,
    frames: int,
    azimuth_deg: Number | None = None,
    elevation_deg: Number | None = None,
    distance: Number = 4,
) -> Float[np.ndarray, "frames 3 4"]:
    """A path around an object by its name.

    Args:
        path: ``orbit``, ``spiral``, or ``interpolate``: a quarter of an orbit.
        frames: number of poses.
        azimuth_deg: where it begins.
        elevation_deg: above the horizontal; of a spiral in the middle.
        distance: to the origin, in world units.
    """
    azimuth_deg = _BEGIN_DEG if azimuth_deg is None else azimuth_deg
    elevation_deg = _ABOVE_DEG if elevation_deg is None else elevation_deg
    if path == "spiral":
        return spiral(frames, azimuth_deg, elevation_deg, distance)
    turn_deg = 90 if path == "interpolate" else 360
    return orbit(frames, azimuth_deg, elevation_deg, distance, turn_deg)


def forward_facing(
    frames: int, pose: Float[np.ndarray, "3 4"], depth: Number, turns: int = 1
) -> Float[np.ndarray, "frames 3 4"]:
    """The spiral path of forward-facing scenes (as of LLFF); loops without a jump.

    The camera moves on an ellipse in the image plane of ``pose``, and back and forth, while it
    looks at a fixed point.

    Args:
        frames: number of poses, evenly spaced.
        pose: the centre of the path.
        depth: of the fixed point on the viewing axis of ``pose``; the radius is a seventh of it.
        turns: number of ellipses; the camera moves back and forth once.
    """
    right, up, back, centre = pose.T
    target, radius = centre - depth * back, depth / 7
    poses = []
    for share in _shares(frames):
        angle = 2 * np.pi * turns * share
        shift = np.cos(angle) * right + np.sin(angle) * up / 2
        eye = centre + radius * (shift + np.sin(2 * np.pi * share) * back / 2)
        poses.append(look_at(eye, target, up))
    return np.stack(poses)


def _shares(frames: int) -> list[float]:
    """The fraction of the path at which each frame is."""
    if frames < 1:
        raise InputError(f"frames is {frames}; give at least 1")
    return (np.arange(frames) / frames).tolist()
