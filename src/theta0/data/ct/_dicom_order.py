"""Orders the slices of a series, and refuses those of which two lie at one place."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data.ct._dicom_header import MOMENTS, Frame
from theta0.data.ct._geometry import normal_of
from theta0.errors import InputError, note

_SAME_MM = 1e-3
"""Slices less than this apart lie at one place."""

_WIDE = 1.5
"""Steps that are wider than most by this factor are gaps."""


def in_order(path: Path, frames: Sequence[Frame]) -> list[Frame]:
    """Sort by position along the slice normal, or by InstanceNumber where positions are missing.

    Slices that are there twice are left out with a note.

    Raises:
        InputError: Slices point in different directions, or several lie at one place.
    """
    frames = _without_copies(path, frames)
    directed = [(frame, frame.axes) for frame in frames if frame.axes is not None]
    for frame, axes in directed:
        if (axes * directed[0][1]).sum(axis=1).min() < 0.999:
            raise InputError(
                f"{path}: slices point in different directions, or are turned in their plane (see "
                f"{frame.file.name}); leave out localizers and keep one orientation"
            )
    if len(directed) < len(frames) or any(frame.position is None for frame in frames):
        return _by_number(path, frames)
    normal = normal_of(directed[0][1])
    along = lambda frame: float(np.dot(frame.position, normal))
    ordered = sorted(frames, key=lambda frame: (along(frame), *_by_name(frame)))
    _refuse_repeats(
        path, ordered, lambda one, other: along(other) - along(one) < _SAME_MM, "position"
    )
    _note_gaps(path, ordered, np.diff([along(frame) for frame in ordered]))
    return ordered


def _note_gaps(path: Path, ordered: Sequence[Frame], steps: Float[np.ndarray, " gaps"]) -> None:
    """Note steps, in mm, that are wider than others."""
    # The narrowest: of a series that lacks every other slice, most steps are wide.
    usual = float(steps.min()) if len(steps) else 0.0
    wide = np.flatnonzero(steps > _WIDE * usual)
    if len(wide):
        at = int(wide[0])
        note(
            f"{path}: slices are {usual:g} mm apart, but {steps[at]:g} mm at {len(wide)} places, "
            f"such as from {_name(ordered[at])} to {_name(ordered[at + 1])}; some may be missing"
        )


def _by_name(frame: Frame) -> tuple[float, str, int]:
    return frame.instance or 0.0, frame.file.as_posix(), frame.number or 0


def _by_number(path: Path, frames: Sequence[Frame]) -> list[Frame]:
    ordered = sorted(frames, key=_by_name)
    if len(ordered) == 1:
        return ordered
    if any(frame.position is not None for frame in frames):
        note(f"{path}: not all slices have a position; they are ordered by InstanceNumber")
    if any(frame.instance is None for frame in frames):
        note(f"{path}: slices have neither position nor InstanceNumber; they are ordered by name")
        return ordered
    if ordered[0].number is not None:
        note(f"{path}: its frames have no position; they are read as they are stored")
    _refuse_repeats(
        path, ordered, lambda one, other: one.instance == other.instance, "InstanceNumber"
    )
    return ordered


def _without_copies(path: Path, frames: Sequence[Frame]) -> list[Frame]:
    """The slices, without those of files that are the same byte for byte."""
    files = list(dict.fromkeys(frame.file for frame in frames))
    sizes = Counter(file.stat().st_size for file in files)
    first: dict[str, Path] = {}
    for file in files:
        if sizes[file.stat().st_size] > 1:
            with file.open("rb") as stream:
                first.setdefault(hashlib.file_digest(stream, "sha256").hexdigest(), file)
        else:
            first[file.as_posix()] = file
    kept = set(first.values())
    if len(kept) < len(files):
        note(f"{path}: {len(files) - len(kept)} files are copies of others and left out")
    return [frame for frame in frames if frame.file in kept]


def _refuse_repeats(
    path: Path, ordered: Sequence[Frame], same: Callable[[Frame, Frame], bool], what: str
) -> None:
    pairs = [(one, other) for one, other in pairwise(ordered) if same(one, other)]
    if not pairs:
        return
    one, other = pairs[0]
    differing = (
        keyword for keyword in MOMENTS if one.moments.get(keyword) != other.moments.get(keyword)
    )
    keyword = next(differing, None)
    if keyword is None:
        why = "and no tag tells them apart; leave out one of each"
    else:
        found = sorted({frame.moments.get(keyword, "none") for frame in ordered})
        values = ", ".join(found[:6])
        why = f"and differ in {keyword} ({values}); give only those with one of these values"
    raise InputError(
        f"{path}: {len(pairs)} slices have the same {what} as others, such as "
        f"{_name(one)} and {_name(other)}, {why}"
    )


def _name(frame: Frame) -> str:
    return frame.file.name + ("" if frame.number is None else f" frame {frame.number}")
