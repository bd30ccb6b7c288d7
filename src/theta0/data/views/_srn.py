"""Views in the folders of scene representation networks (Sitzmann et al. 2019).

rgb/000000.png      pictures
pose/000000.txt     camera to world in OpenCV axes, 16 numbers row by row
intrinsics.txt      "f cx cy 0", three more lines of 3, 1 and 1 numbers, "height width", and
                    optionally 1 if the poses are world to camera
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from theta0.data._files import existing_file
from theta0.data._frames import Frame
from theta0.data.cameras import checked_pose, inverse_pose, swap_opencv_opengl
from theta0.data.images import pictures_in
from theta0.errors import InputError
from theta0.memory import check_memory

_LARGEST_TEXT = 1 << 16


def is_srn(path: Path) -> bool:
    """Whether a folder has this layout."""
    return (path / "intrinsics.txt").is_file() and (path / "rgb").is_dir()


def read_srn(path: Path) -> Iterator[Frame]:
    """The frames of a folder, by file name.

    Raises:
        InputError: A file is missing or malformed.
    """
    lens, inverse = _intrinsics(path / "intrinsics.txt")
    images = pictures_in(path / "rgb")
    if not images:
        raise InputError(f"{path / 'rgb'}: holds no picture; copy them there")
    for image in images:
        file = path / "pose" / f"{image.stem}.txt"
        numbers = _numbers(file)
        if len(numbers) not in (12, 16):
            raise InputError(f"{file}: holds {len(numbers)} numbers; a pose has 16, row by row")
        pose = np.reshape(numbers, (-1, 4))
        if inverse:
            pose = _inverse(pose, file)
        yield Frame(image.stem, image, swap_opencv_opengl(pose), lens)


def _intrinsics(path: Path) -> tuple[dict[str, float], bool]:
    lines = [line for line in _text(path).splitlines() if line.strip()]
    rows = [_floats(line, path) for line in lines]
    lengths = [len(row) for row in rows]
    # The first line may lack its last number; only some tools write the last line.
    if not (lengths[0:1] in ([3], [4]) and lengths[1:5] == [3, 1, 1, 2] and len(rows) in (5, 6)):
        raise InputError(
            f"{path}: has lines of {lengths} numbers; SRN's have 'f cx cy 0', three, one, one and "
            "'height width'"
        )
    focal, cx, cy = rows[0][:3]
    height, width = rows[4]
    lens = {"fl_x": focal, "fl_y": focal, "cx": cx, "cy": cy, "w": width, "h": height}
    return lens, len(rows) == 6 and rows[5] == [1.0]


def _inverse(pose: np.ndarray, path: Path) -> np.ndarray:
    try:
        return inverse_pose(checked_pose(pose))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _numbers(path: Path) -> list[float]:
    return _floats(_text(path), path)


def _floats(text: str, path: Path) -> list[float]:
    try:
        return [float(word) for word in text.split()]
    except ValueError as error:
        raise InputError(f"{path}: {text[:60]!r} are not numbers; copy the file again") from error


def _text(path: Path) -> str:
    path = existing_file(path)
    check_memory(path, path.stat().st_size, _LARGEST_TEXT, "it is not a file of SRN")
    return path.read_bytes().decode("utf-8-sig", "replace")
