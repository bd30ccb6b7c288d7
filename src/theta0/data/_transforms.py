"""Views described by a `transforms.json` of Blender, nerfstudio or the paper's authors."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from theta0.data._frames import Frame, inner_file, inner_path, read_json
from theta0.data.cameras import COEFFICIENTS
from theta0.errors import InputError

PARTS = ("train", "val", "test")

_LENS = ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y")
_MODELS = ("PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")


def transforms_files(path: Path, part: str | None) -> list[Path]:
    """The files that describe the views of one object: all of them, or those of one part.

    Args:
        path: A folder, or the file itself.
        part: 'train', 'val' or 'test'; None for `transforms.json`, or for all parts if there is
            no such file.
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
        raise InputError(f"{path}: contains no {file.name}; leave the part out to read all views")
    return [file]


def read_transforms(path: Path, ignore_distortion: bool) -> Iterator[Frame]:
    """The frames of one description, in order.

    Raises:
        InputError: It is malformed, leads out of its folder, or has an unsupported lens model.
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
        image = _picture(frame["file_path"], path)
        lens = {name: _number(settings, name, path) for name in _LENS if name in settings}
        if not ignore_distortion:
            lens |= _distortion(settings, path)
        yield Frame(
            name=image.relative_to(path.parent).with_suffix("").as_posix(),
            image=image,
            pose=frame["transform_matrix"],
            lens=lens,
            depth=_optional_file(frame, "depth_file_path", path),
            depth_scale=_number(whole, "depth_scale", path, Frame.depth_scale),
            mask=_optional_file(frame, "mask_path", path),
            near=_optional_number(settings, "near", path),
            far=_optional_number(settings, "far", path),
            part=_part(frame, path),
        )


def _distortion(settings: Mapping[str, Any], path: Path) -> dict[str, float]:
    """The distortion coefficients of a supported lens model."""
    model = settings.get("camera_model", _MODELS[0])
    strange = [f"camera_model {model!r}"] if model not in _MODELS else []
    if settings.get("is_fisheye") is True:
        strange = ["is_fisheye"]
    found = {name: _number(settings, name, path, 0.0) for name in COEFFICIENTS}
    if model != "FULL_OPENCV":  # nerfstudio's k4 is that of r^8, OpenCV's is below the fraction
        strange += [name for name in ("k4", "k5", "k6") if found[name] != 0]
    if strange:
        raise InputError(
            f"{path}: the distortion of the lens is not supported ({', '.join(strange)}; supported "
            f"are {', '.join(_MODELS)}); undistort the pictures, for instance with `colmap "
            "image_undistorter`, and describe those, or choose to ignore distortion"
        )
    return found


def _part(frame: Mapping[str, Any], path: Path) -> str | None:
    part = frame.get("split")
    if part is not None and part not in PARTS:
        raise InputError(f"{path}: split is {part!r}; choose from {', '.join(PARTS)}")
    return part


def _picture(name: object, path: Path) -> Path:
    """The picture of a frame; Blender leaves out the suffix."""
    given = inner_path(name, path)
    # The paper authors' files contain the paths of another machine; the pictures are beside them.
    beside = PurePosixPath(str(name).replace("\\", "/")).name
    for inner in (given, inner_path(beside, path)):
        for suffix in ("", ".png"):
            if inner is not None and (file := path.parent / f"{inner}{suffix}").is_file():
                return file
    if given is None:
        raise InputError(f"{path}: file_path {name!r} leads out of its folder; make it relative")
    return path.parent / given  # missing; the caller checks


def _optional_file(frame: Mapping[str, Any], name: str, path: Path) -> Path | None:
    return None if frame.get(name) is None else inner_file(frame[name], path.parent, path)


def _optional_number(values: Mapping[str, Any], name: str, path: Path) -> float | None:
    return None if values.get(name) is None else _number(values, name, path)


def _number(
    values: Mapping[str, Any], name: str, path: Path, default: float | None = None
) -> float:
    value = values.get(name, default)
    # Not `math.isfinite`, which fails for integers that are too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise InputError(f"{path}: {name} is {value!r}; give a number")
    return float(value)
