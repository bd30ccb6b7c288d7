"""What the frames of a `transforms.json` say twice, or all alike, and hardly mean."""

import math
from collections.abc import Sequence
from pathlib import Path

from theta0.data._frames import Frame, described_size
from theta0.data._view_pixels import read_header
from theta0.errors import InputError, note

_SAME = 0.02
"""Relative difference of two focal lengths that is rounding."""


def note_contradictions(path: Path, frames: Sequence[Frame]) -> None:
    """Note lenses that are given in two ways, or for pictures of another size; and a single pose.

    Args:
        path: The description, for messages.
        frames: All of its frames.
    """
    for frame in frames:
        if told := _two_lenses(frame):
            note(f"{path}: {told}, such as of {frame.image.name}; the focal length is used")
            break
    if len(frames) > 1 and all(frame.pose == frames[0].pose for frame in frames):
        note(
            f"{path}: its {len(frames)} frames have one pose, as if the camera never moved; write "
            "the transform_matrix of each"
        )
    if there := next((frame for frame in frames if frame.image.is_file()), None):
        _note_size(path, there)


def _two_lenses(frame: Frame) -> str | None:
    """A focal length and a field of view that contradict each other.

    Without `w` and `h` they tell of how large a picture they are; see `camera_of`.
    """
    lens = frame.lens
    for axis, side in (("x", "w"), ("y", "h")):
        focal, angle = lens.get(f"fl_{axis}", 0), lens.get(f"camera_angle_{axis}", 0)
        if side not in lens or not (focal > 0 and 0 < angle < math.pi):
            continue
        if abs(2 * focal * math.tan(angle / 2) - lens[side]) > _SAME * lens[side]:
            implied = 2 * math.atan(lens[side] / 2 / focal)
            return (
                f"fl_{axis} and {side} make a field of view of {implied:.3g} radians, but "
                f"camera_angle_{axis} is {angle:.3g}"
            )
    return None


def _note_size(path: Path, frame: Frame) -> None:
    """Note that a lens is scaled, as its numbers are of a picture of another size."""
    try:
        found = read_header(frame.image)
        w, h = described_size(frame, found.width, found.height)
    except InputError:  # told when its camera is asked for
        return
    if (w, h) != (found.width, found.height):
        note(
            f"{path}: its lenses are of pictures of {w:g} x {h:g}, but {frame.image.name} is "
            f"{found.width} x {found.height}; they are scaled to the pictures"
        )
