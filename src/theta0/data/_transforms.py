"""Views described by a `transforms.json` of Blender, nerfstudio or the paper's authors."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from theta0.data._frames import Frame, inner_file, inner_path, read_json
from theta0.data._transforms_keys import LENS, MODELS, note_ignored, refuse_panoramas
from theta0.data._transforms_sense import note_contradictions
from theta0.data._transforms_split import PARTS, with_parts
from theta0.data.cameras import COEFFICIENTS
from theta0.errors import InputError

_DEPTH_FILES = ("depth_file_path", "depth_path")
_DEPTH_SCALES = ("depth_scale", "depth_unit_scale_factor", "integer_depth_scale")


def transforms_files(path: Path, part: str | None) -> list[Path]:
    """The files that describe the views of one object: all of them, or those of one part.

    Args:
        path: A folder, or the file itself.
        part: 'train', 'val' or 'test'; None for `transforms.json`, or for all parts if there is
            no such file. A `transforms.json` may define parts itself.
    """
    if path.is_file():
        return [path]
    whole = path / "transforms.json"
    parts = [path / f"transforms_{name}.json" for name in PARTS]
    if part is None:
        return [whole] if whole.is_file() else [file for file in parts if file.is_file()]
    if part not in PARTS:
        raise InputError(f"part is {part!r}; choose from {', '.join(PARTS)}")
    file = path / f"transforms_{part}.json"
    if not file.is_file() and not whole.is_file():
        raise InputError(f"{path}: contains no {file.name}; leave the part out to read all views")
    return [file if file.is_file() else whole]


def read_transforms(path: Path, ignore_distortion: bool) -> list[Frame]:
    """The frames of one description, in order.

    If it defines a split by lists of file names (nerfstudio), frames in none of them are left out.

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
    note_ignored(path, whole, frames)
    found = [_frame(whole, frame, path, ignore_distortion) for frame in frames]
    note_contradictions(path, found)
    return with_parts(path, whole, found, lambda name: _picture(name, path))


def _frame(
    whole: Mapping[str, Any], frame: Mapping[str, Any], path: Path, ignore_distortion: bool
) -> Frame:
    settings = _settings(whole, frame)
    refuse_panoramas(path, settings)
    image = _picture(frame["file_path"], path)
    lens = {name: _number(settings, name, path) for name in LENS if name in settings}
    if not ignore_distortion:
        lens |= _distortion(settings, path)
    depths = (_optional_file(frame, name, path) for name in _DEPTH_FILES)
    scales = (_optional_number(settings, name, path) for name in _DEPTH_SCALES)
    return Frame(
        name=image.relative_to(path.parent).with_suffix("").as_posix(),
        image=image,
        pose=frame["transform_matrix"],
        lens=lens,
        depth=next((file for file in depths if file is not None), None),
        depth_scale=next((scale for scale in scales if scale is not None), Frame.depth_scale),
        mask=_optional_file(frame, "mask_path", path),
        near=_optional_number(settings, "near", path),
        far=_optional_number(settings, "far", path),
        part=_part(frame, path),
    )


def _settings(whole: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a frame: its own before those of the file."""
    shared = dict(whole)
    if "camera_angle_x" in frame and "fl_x" not in frame:  # else the shared one would win
        for name in ("fl_x", "fl_y", "camera_angle_y"):
            shared.pop(name, None)
    return shared | dict(frame)


def _distortion(settings: Mapping[str, Any], path: Path) -> dict[str, float]:
    """The distortion coefficients of a supported lens model."""
    model = settings.get("camera_model", MODELS[0])
    strange = [f"camera_model {model!r}"] if model not in MODELS else []
    if settings.get("is_fisheye") is True:
        strange = ["is_fisheye"]
    found = {name: _number(settings, name, path, 0.0) for name in COEFFICIENTS}
    if model != "FULL_OPENCV":  # nerfstudio's k4 is that of r^8, OpenCV's is below the fraction
        strange += [name for name in ("k4", "k5", "k6") if found[name] != 0]
    if strange:
        raise InputError(
            f"{path}: the distortion of the lens is not supported ({', '.join(strange)}; supported "
            f"are {', '.join(MODELS)}); undistort the pictures, for instance with `colmap "
            "image_undistorter`, and describe those"
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
