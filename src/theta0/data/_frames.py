"""A view as described by a file: the path of its picture, its pose and its lens."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import UInt8

from theta0.data._files import existing_file, reason
from theta0.data.cameras import Camera, Distortion, checked_pose, undistort, undistorted_camera
from theta0.errors import InputError
from theta0.memory import check_memory

_LARGEST_JSON, _BYTES_PER_CHARACTER = 1 << 30, 24
"""Memory for a description; a number or an empty list takes up to 24 times its text."""
_LONGEST_NAME, _LONGEST_PART = 4096, 255


@dataclass(frozen=True, eq=False)
class Frame:
    """One view, before its picture is opened.

    Attributes:
        name: Of the view.
        image: Its picture; the file may be missing.
        pose: Camera to world, OpenGL axes, as given in the file.
        lens: Any of `fl_x fl_y cx cy w h` in pixels, `camera_angle_x camera_angle_y` in radians
            and the coefficients of `Distortion`; pixels refer to a picture of `w` x `h`.
        depth: A depth map, if there is one.
        depth_scale: World units per step of a 16-bit depth map; 1/1000 in nerfstudio.
        mask: An occlusion mask: a picture that is black where the scene is occluded.
        near: Near bound of the scene's depth, in units of the pose.
        far: Far bound of the scene's depth.
        part: 'train', 'val' or 'test', if the file defines a split.
        upright: The pose is of the picture turned as its file says, not as it is stored.
    """

    name: str
    image: Path
    pose: Any
    lens: Mapping[str, float]
    depth: Path | None = None
    depth_scale: float = 1e-3
    mask: Path | None = None
    near: float | None = None
    far: float | None = None
    part: str | None = None
    upright: bool = False


def camera_of(frame: Frame, width: int, height: int) -> Camera:
    """The camera of a frame whose picture has this size, with its distortion left out.

    Raises:
        InputError: The description is not a valid camera, or is of a picture of another shape.
    """
    lens = frame.lens
    w, h = described_size(frame, width, height)
    fl_x = lens["fl_x"] if "fl_x" in lens else _focal(frame, "camera_angle_x", w)
    if "fl_y" in lens or "camera_angle_y" not in lens or "fl_x" in lens:
        fl_y = lens.get("fl_y", fl_x)
    else:
        fl_y = _focal(frame, "camera_angle_y", h)
    x, y = width / w, height / h
    middle = lens.get("cx", w / 2) * x, lens.get("cy", h / 2) * y
    try:
        return Camera(width, height, fl_x * x, fl_y * y, *middle, checked_pose(frame.pose))
    except InputError as error:
        raise InputError(f"{frame.image}: {error}") from error


def described_size(frame: Frame, width: int, height: int) -> tuple[float, float]:
    """Width and height of the picture that the numbers in pixels refer to.

    Raises:
        InputError: It has another shape than the picture of the frame, or is unknown.
    """
    lens = frame.lens
    if "w" in lens or "h" in lens:
        w = lens["w"] if "w" in lens else lens["h"] * width / height
        h = lens["h"] if "h" in lens else w * height / width
        # Downscaling a picture may change its aspect by the rounding of one pixel.
        if w >= 1 and h >= 1 and abs(w * height - h * width) <= max(w, h):
            return w, h
        raise InputError(
            f"{frame.image}: is {width} x {height}, but its view is described as {w:g} x {h:g}; "
            "give the pictures that belong to the description"
        )
    focal, angle = lens.get("fl_x", 0), lens.get("camera_angle_x", 0)
    implied = 2 * focal * math.tan(angle / 2) if focal > 0 and 0 < angle < math.pi else width
    middle = lens.get("cx", width / 2), lens.get("cy", height / 2)
    if abs(implied - width) > 0.02 * width + 1:
        why = f"fl_x and camera_angle_x are of a picture {implied:.0f} wide"
    elif not (0 <= middle[0] <= width and 0 <= middle[1] <= height):
        why = f"its principal point is ({middle[0]:g}, {middle[1]:g})"
    else:
        return float(width), float(height)
    raise InputError(
        f"{frame.image}: is {width} x {height}, but {why}; add w and h, the size of the picture "
        "that the numbers belong to"
    )


def undistorted_camera_of(frame: Frame, width: int, height: int) -> Camera:
    """The camera of a frame after its picture of this size is undistorted.

    Raises:
        InputError: As for `camera_of` and `cameras.undistorted_camera`.
    """
    camera = camera_of(frame, width, height)
    try:
        return undistorted_camera(camera, Distortion.of(frame.lens))
    except InputError as error:
        raise InputError(f"{frame.image}: {error}") from error


def undistorted_pixels(
    frame: Frame, pixels: UInt8[np.ndarray, "height width channels"]
) -> UInt8[np.ndarray, "low narrow channels"]:
    """Undistort the picture of a frame; `undistorted_camera_of` is its camera."""
    height, width = pixels.shape[:2]
    return undistort(pixels, camera_of(frame, width, height), Distortion.of(frame.lens))


def _focal(frame: Frame, name: str, pixels: float) -> float:
    if name not in frame.lens:
        raise InputError(f"{frame.image}: its focal length is missing; add fl_x or {name}")
    if not 0 < (angle := frame.lens[name]) < math.pi:
        raise InputError(f"{frame.image}: {name} is {angle:g}; give radians, between 0 and pi")
    return pixels / 2 / math.tan(angle / 2)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: The file is missing, too large or not a JSON object.
    """
    value = read_any_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: contains a {type(value).__name__}, not a JSON object")
    return value


def read_any_json(path: Path) -> Any:
    """Read a JSON value of any kind.

    Raises:
        InputError: The file is missing, too large or not JSON.
    """
    path = existing_file(path)
    needed = _BYTES_PER_CHARACTER * path.stat().st_size
    check_memory(path, needed, _LARGEST_JSON, "it does not describe views")
    try:
        content = path.read_bytes()
        text = content.decode(json.detect_encoding(content))
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not JSON in UTF-8, but perhaps in another encoding ({reason(error)}); "
            "save it as UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({reason(error)}); write it again") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of two values of a key the readers of JSON take either."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is twice")
    return found


def inner_file(name: object, folder: Path, source: Path) -> Path:
    """The path of a file that a description names relative to a folder; it may be missing.

    Raises:
        InputError: It is not a file name, or leads out of the folder.
    """
    if (inner := inner_path(name, source)) is None:
        raise InputError(f"{source}: {name!r} leads out of its folder; make it relative")
    return folder / inner


def inner_path(name: object, source: Path) -> PurePosixPath | None:
    """A name as a relative path inside its folder; None if it leads out of the folder.

    Raises:
        InputError: It is not a file name.
    """
    if not isinstance(name, str) or not name.strip("./\\") or "\0" in name:
        raise InputError(f"{source}: {name!r:.80} is not the name of a file or folder; correct it")
    path = PurePosixPath(name.replace("\\", "/"))
    parts = (part.encode("utf-8", "surrogatepass") for part in path.parts)
    if len(name) > _LONGEST_NAME or max(map(len, parts)) > _LONGEST_PART:
        raise InputError(f"{source}: {name[:60]!r}... is longer than a name can be; correct it")
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return None
    return path
