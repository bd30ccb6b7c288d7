"""The split that a `transforms.json` of nerfstudio defines by lists of file names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from theta0.data._frames import Frame
from theta0.errors import InputError, note

PARTS = ("train", "val", "test")


def with_parts(
    path: Path,
    whole: Mapping[str, Any],
    frames: Sequence[Frame],
    picture: Callable[[str], Path],
) -> list[Frame]:
    """The frames in `train_filenames`, `val_filenames` and `test_filenames`, in their order.

    As in nerfstudio, others are left out, which is noted.

    Args:
        path: The description, for messages.
        whole: Its content.
        frames: All of them.
        picture: Maps a file name to the picture of a frame.

    Returns:
        All frames as they are, if there are no such lists.

    Raises:
        InputError: A list is malformed, names no frame, or disagrees with another or with the
            split of a frame.
    """
    lists = {part: whole[key] for part in PARTS if (key := f"{part}_filenames") in whole}
    if not lists:
        return list(frames)
    known = {frame.image for frame in frames}
    parts: dict[Path, str] = {}
    for part, names in lists.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{path}: {part}_filenames is not a list of file names; correct it")
        for name in names:
            image = picture(name)
            if image not in known:
                raise InputError(
                    f"{path}: {part}_filenames has {name!r}, which is the file_path of no frame; "
                    "correct it or leave it out"
                )
            if parts.setdefault(image, part) != part:
                raise InputError(
                    f"{path}: {name!r} is in {parts[image]}_filenames and in {part}_filenames; "
                    "leave it out of one of them"
                )
    for frame in frames:
        listed = parts.get(frame.image)
        if frame.part and frame.part != listed:
            raise InputError(
                f"{path}: the split of {frame.image.name} is {frame.part}, but it is in "
                f"{f'{listed}_filenames' if listed else 'none of the lists of file names'}; "
                "correct one of them"
            )
    chosen = [replace(frame, part=parts[frame.image]) for frame in frames if frame.image in parts]
    if left := len(frames) - len(chosen):
        used = ", ".join(f"{part}_filenames" for part in lists)
        note(f"{path}: {left} of {len(frames)} frames are left out, as they are not in {used}")
    return chosen
