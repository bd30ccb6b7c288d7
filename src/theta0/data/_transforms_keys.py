"""The keys of a `transforms.json`: which are used, which matter not, and which are noted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from theta0.data.cameras import COEFFICIENTS
from theta0.errors import InputError, note

LENS = ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y")
MODELS = ("PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
"""Lens models that are supported."""

_DISTORTED = (
    "FISHEYE FISHEYE624 FOV OPENCV_FISHEYE RADIAL_FISHEYE RAD_TAN_THIN_PRISM_FISHEYE "
    "SIMPLE_FISHEYE SIMPLE_RADIAL_FISHEYE THIN_PRISM_FISHEYE"
).split()
"""Models of perspective pictures whose distortion is not supported."""

_PANORAMAS = ("equirectangular", "latlong", "orthographic")
"""instant-ngp's names for pictures that have no perspective."""

_OTHERS = (
    "frames file_path transform_matrix camera_model is_fisheye depth_file_path depth_path "
    "depth_scale depth_unit_scale_factor integer_depth_scale mask_path near far split "
    "train_filenames val_filenames test_filenames normalised time"
).split()
_USED = frozenset((*LENS, *COEFFICIENTS, *_PANORAMAS, *_OTHERS))
_HARMLESS = frozenset(
    # What nerfstudio and instant-ngp note of how the file was made, or need for themselves.
    "aabb_scale applied_transform applied_scale ply_file_path colmap_im_id sharpness "
    "enable_depth_loading fps name "
    # Blender's step of rotation.
    "rotation "
    # What `write_views` and `write_photos` add.
    "format_version registered unregistered skipped points reprojection_error world_from_colmap "
    "settings theta0 pycolmap source version".split()
)


def note_ignored(path: Path, whole: Mapping[str, Any], frames: Sequence[Mapping[str, Any]]) -> None:
    """Note keys that are ignored although they may change the geometry or the values."""
    keys = dict.fromkeys((*whole, *(key for frame in frames for key in frame)))
    odd = [key for key in keys if key not in _USED and key not in _HARMLESS and key != ""]
    odd = [key for key in odd if not _empty(whole.get(key)) or key not in whole]
    if odd:
        shown = ", ".join(key[:40] for key in odd[:8]) + (", ..." if len(odd) > 8 else "")
        note(f"{path}: is read without {shown}; poses and pictures are taken as they are")
    times = {str(frame["time"]) for frame in frames if "time" in frame}
    if len(times) > 1:
        note(f"{path}: its frames are of different times, but are taken as one still scene")


def _empty(value: Any) -> bool:
    """Whether a setting changes nothing, such as a rolling shutter of zeros."""
    values = value if isinstance(value, list) else [value]
    return all(one in (None, False, 0, "", "none") for one in values if not isinstance(one, list))


def refuse_panoramas(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse pictures that no pinhole camera with a lens takes.

    Raises:
        InputError: They are panoramas or orthographic, or of an unknown model.
    """
    model = settings.get("camera_model", MODELS[0])
    found = [f"camera_model {model!r}"] if model not in (*MODELS, *_DISTORTED) else []
    found += [name for name in _PANORAMAS if settings.get(name)]
    if found:
        raise InputError(
            f"{path}: its pictures are not perspective ({', '.join(found)}); supported are "
            f"{', '.join(MODELS)}: make perspective pictures of them, and describe those"
        )
