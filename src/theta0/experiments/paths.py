"""Ways of a camera around an object: a number of frames becomes so many poses (OpenGL axes).

All look at the origin; z is up.
"""

import numpy as np
from jaxtyping import Float

from theta0.data.cameras import Number
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


def _shares(frames: int) -> list[float]:
    if frames < 1:
        raise InputError(f"frames is {frames}; give at least 1")
    return (np.arange(frames) / frames).tolist()
