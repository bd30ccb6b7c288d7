"""Views described by a `transforms.json`: Blender's, nerfstudio's and the paper authors'."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from theta0.data._frames import Frame, inner_path, read_json
from theta0.errors import InputError

PARTS = ("train", "val", "test")

_LENS = ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y")
_DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
_MODELS = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "SIMPLE_RADIAL", "RADIAL")


def transforms_files(path: Path, part: str | None) -> list[Path]:
    """The descriptions of one object's views: all of them, or one part's.

    Args:
        path: A folder, or the file itself.
        part: 'train', 'val' or 'test'; None for `transforms.json`, or all parts if there is none.
    """
    if path.is_file():
        return [path]
    parts = [path / f"transforms_{name}.json" for name in PARTS]
    if part is None:
        whole = path / "transforms.json"
        return [whole] if whole.is_file() else [file for file in parts if file.is_file()]
    if part not in PARTS:
        raise InputError(f"part is {part!r}; choose from {', '.join(PARTS)}")
    file = path / f"transforms_{part}.json"
    if not file.is_file():
        raise InputError(f"{path}: holds no {file.name}; leave the part out to read all its views")
    return [file]


def read_transforms(path: Path, ignore_distortion: bool) -> Iterator[Frame]:
    """The frames of one description, in its order.

    Raises:
        InputError: It is malformed, leads out of its folder, or its lens is no pinhole.
    """
    whole = read_json(path)
    frames = whole.get("frames")
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{path}: has no list of frames; it describes no views")
    for number, frame in enumerate(frames):
        if not isinstance(frame, dict) or not {"file_path", "transform_matrix"} <= frame.keys():
            raise InputError(
                f"{path}: frame {number} lacks file_path or transform_matrix; add it or leave "
                "the frame out"
            )
        settings = whole | frame
        if not ignore_distortion:
            _check_pinhole(settings, path)
        image = _picture(frame["file_path"], path)
        depth = frame.get("depth_file_path")
        yield Frame(
            name=image.relative_to(path.parent).with_suffix("").as_posix(),
            image=image,
            pose=frame["transform_matrix"],
            lens={name: _number(settings, name, path) for name in _LENS if name in settings},
            depth=None if depth is None else _inside(depth, path),
            depth_scale=_number(whole, "depth_scale", path, Frame.depth_scale),
        )


def _check_pinhole(settings: Mapping[str, Any], path: Path) -> None:
    bent = [name for name in _DISTORTION if _number(settings, name, path, 0.0) != 0]
    model = settings.get("camera_model", _MODELS[0])
    if model not in _MODELS or settings.get("is_fisheye") is True:
        bent = [f"camera_model {model!r}" if model not in _MODELS else "is_fisheye"]
    if bent:
        raise InputError(
            f"{path}: the lens bends straight lines ({', '.join(bent)}), which pinhole cameras do "
            "not; undistort the pictures (as `colmap image_undistorter` does) and describe those, "
            "or ask to ignore distortion"
        )


def _picture(name: object, path: Path) -> Path:
    """The picture of a frame; Blender leaves out the suffix."""
    given = inner_path(name, path)
    # The paper authors' files name pictures by where they once lay; they are beside the file.
    beside = PurePosixPath(str(name).replace("\\", "/")).name
    for inner in (given, inner_path(beside, path)):
        for suffix in ("", ".png"):
            if inner is not None and (file := path.parent / f"{inner}{suffix}").is_file():
                return file
    if given is None:
        raise InputError(f"{path}: file_path {name!r} leads out of its folder; make it relative")
    return path.parent / given  # missing, which the caller judges


def _inside(name: object, path: Path) -> Path:
    inner = inner_path(name, path)
    if inner is None:
        raise InputError(f"{path}: {name!r} leads out of its folder; make it relative")
    return path.parent / inner


def _number(
    values: Mapping[str, Any], name: str, path: Path, default: float | None = None
) -> float:
    value = values.get(name, default)
    # Not `math.isfinite`, which fails for integers that no float holds.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise InputError(f"{path}: {name} is {value!r}; give a number")
    return float(value)
