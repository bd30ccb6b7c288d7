"""Options for reading a collection of photographs, and its split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from theta0.data import Split
from theta0.data._frames import Frame
from theta0.errors import InputError


@dataclass(frozen=True)
class PhotoOptions:
    """How a collection of photographs is read."""

    test: int = 20
    """number of photos for testing, the first by name, if the files define no split"""
    validation: int = 5
    """number of next photos for validation; with NeRF-W's split, the first training photos"""
    rotation: int = 0
    """number of names moved from the front to the end before the split, so that in a small
    collection each photo can be tested in turn"""
    near: float | None = None
    """near bound of the scene's depth, in units of the files; replaces that of the files"""
    far: float | None = None
    """far bound of the scene's depth, in units of the files"""
    images: str | None = None
    """folder of the pictures, if it is not beside COLMAP's model or the authors' arrays"""
    allow_missing: bool = False
    """leave out photos whose picture is missing"""


def split_photos(path: Path, frames: Sequence[Frame], options: PhotoOptions) -> Split:
    """The split of the files, or that of the options; see `read_photos`."""
    for name, number in (("test", options.test), ("validation", options.validation)):
        if number < 0:
            raise InputError(f"{name} is {number}; give a number of photographs, 0 or more")
    numbers = range(len(frames))
    if any(frame.part for frame in frames):
        parts = {
            part: tuple(number for number in numbers if (frames[number].part or "train") == part)
            for part in ("train", "val", "test")
        }
        if not parts["train"]:
            raise InputError(
                f"{path}: none of {len(frames)} photographs is for training; change their split, "
                "or ask for fewer for validation"
            )
        return Split(parts["train"], parts["val"], parts["test"])
    ordered = sorted(numbers, key=lambda number: str(frames[number].image))
    turned = options.rotation % len(ordered)
    ordered = ordered[turned:] + ordered[:turned]
    first, second = options.test, options.test + options.validation
    if second >= len(ordered):
        raise InputError(
            f"{path}: {len(frames)} photographs leave none for training after test={options.test} "
            f"and validation={options.validation}; add photographs, or ask theta0 train for fewer: "
            f"--data.source.test {len(frames) // 5} --data.source.validation {len(frames) // 10}"
        )
    train, validation, test = ordered[second:], ordered[first:second], ordered[:first]
    return Split(tuple(train), tuple(validation), tuple(test))
