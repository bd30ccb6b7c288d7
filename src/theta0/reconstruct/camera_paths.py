"""Ways of a camera: a number of frames becomes so many poses (OpenGL axes).

Around an object they look at the origin, and z is up; around a standpoint they look at what is
before it.
"""

import numpy as np
from jaxtyping import Float

from theta0.data.cameras import Number, look_at
from theta0.data.cameras import orbit as standing
from theta0.errors import InputError

_SWING_DEG = 30
"""How far a spiral goes up and down."""


def orbit(
    frames: int,
    azimuth_deg: Number = 0,
    elevation_deg: Number = 20,
    distance: Number = 4,
    turn_deg: Number = 360,
) -> Float[np.ndarray, "frames 3 4"]:
    """A turn at one height; a whole one (360 degrees) closes, for its end is the next beginning.

    Args:
        frames: poses, spaced evenly.
        azimuth_deg: where the camera begins; see :func:`theta0.data.cameras.orbit`.
        elevation_deg: above the horizontal.
        distance: to the origin.
        turn_deg: how far it goes, anticlockwise seen from above; the last frame is one step short.
    """
    shares = _shares(frames)
    return np.stack(
        [standing(azimuth_deg + turn_deg * share, elevation_deg, distance) for share in shares]
    )


def spiral(
    frames: int,
    azimuth_deg: Number = 0,
    elevation_deg: Number = 20,
    distance: Number = 4,
    turns: int = 2,
) -> Float[np.ndarray, "frames 3 4"]:
    """Turns while going 30 degrees up, down past ``elevation_deg`` and back; it closes."""
    swing = lambda share: _SWING_DEG * np.sin(2 * np.pi * share)
    return np.stack(
        [
            standing(azimuth_deg + 360 * turns * share, elevation_deg + swing(share), distance)
            for share in _shares(frames)
        ]
    )


def around(
    frames: int, pose: Float[np.ndarray, "3 4"], depth: Number, turns: int = 1
) -> Float[np.ndarray, "frames 3 4"]:
    """Sideways and up and down about a standpoint, nearer and farther meanwhile; it closes.

    Args:
        frames: poses, spaced evenly.
        pose: the standpoint.
        depth: of what all frames look at, along its viewing axis; the circle's radius is a seventh.
        turns: circles in all; it goes nearer and farther once.
    """
    right, up, back, place = pose.T
    target, radius = place - depth * back, depth / 7
    found = []
    for share in _shares(frames):
        angle = 2 * np.pi * turns * share
        swing = np.cos(angle) * right + np.sin(angle) * up / 2
        eye = place + radius * (swing + np.sin(2 * np.pi * share) * back / 2)
        found.append(look_at(eye, target, up))
    return np.stack(found)


def _shares(frames: int) -> list[float]:
    if frames < 1:
        raise InputError(f"frames is {frames}; give at least 1")
    return (np.arange(frames) / frames).tolist()
