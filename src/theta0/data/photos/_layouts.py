"""Reads the layouts of photo collections that `read_photos` describes.

COLMAP's layouts are in `_colmap_layouts`.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from theta0.data._arrays import read_array
from theta0.data._frames import Frame, inner_file, read_any_json, read_json
from theta0.data._transforms import read_transforms, transforms_files
from theta0.data._transforms_split import PARTS
from theta0.data._view_pixels import read_header
from theta0.data.cameras import swap_opencv_opengl
from theta0.data.images import PICTURE_SUFFIXES, pictures_in
from theta0.data.photos._write import Points
from theta0.errors import InputError

AUTHORS_ARRAYS = ("bds.npy", "c2w_mats.npy", "kinv_mats.npy", "res_mats.npy")
STRECHA = "cameras_gt.json"

NEAR_FACTOR, FAR_FACTOR = 0.9, 1.2
"""Factors by which the paper widens the depth range of the points of the scene."""

_RELIABLE_PHOTOS, _RELIABLE_POINTS = 3, 10

_FEW = 10
"""With at most this many points, all count."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A collection before its pictures are opened.

    Attributes:
        frames: In order.
        points: Of the scene, in the coordinates of the poses.
        skipped: (name, reason) of photographs that are left out.
        normalised: The coordinates are upright, with the scene roughly in the unit sphere.
        whole: All frames, including those that are not read, whose poses also determine the world
            coordinates; None if all are read.
    """

    frames: tuple[Frame, ...]
    points: Points | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    normalised: bool = False
    whole: tuple[Frame, ...] | None = None


def reliable_points(photos: Int[np.ndarray, " points"]) -> Bool[np.ndarray, " points"]:
    """Select points that are seen in at least three photographs.

    The depths of others are often wrong. If fewer than ten are left, all points are selected.
    """
    reliable = photos >= _RELIABLE_PHOTOS
    return reliable if reliable.sum() >= _RELIABLE_POINTS else np.ones_like(reliable)


def range_of(depths: Float[np.ndarray, " n"]) -> tuple[float | None, float | None]:
    """Near and far of a photograph from the depths of its points; None if there are none.

    These are the 0.1 and 99.9 percentiles of the positive depths, times 0.9 and 1.2, the margins of
    the paper. With a few hundred points the percentiles would be the extreme points, which may be
    false matches, so the nearest and the farthest point are excluded.
    """
    depths = np.sort(depths[depths > 0])
    if not len(depths):
        return None, None
    depths = depths[1:-1] if len(depths) > _FEW else depths
    near, far = np.percentile(depths, (0.1, 99.9))
    return float(near * NEAR_FACTOR), float(far * FAR_FACTOR)


def transforms_layout(path: Path) -> Layout:
    """Read `transforms.json`, or Blender's files in parts.

    Raises:
        InputError: It is malformed, or has an unsupported lens model.
    """
    files = transforms_files(path, None)
    beside = transforms_files(files[0].parent, None)  # all parts, where one is given
    found = {file: _transforms_frames(file) for file in (beside if path in beside else files)}
    normalised = {read_json(file).get("normalised", False) for file in files}
    if normalised not in ({True}, {False}):
        raise InputError(f"{files[0]}: normalised is {normalised}; give true or false")
    points = files[0].parent / "points.npz"
    return Layout(
        frames=tuple(frame for file in files for frame in found[file]),
        points=_points(points) if points.is_file() else None,
        normalised=normalised.pop(),
        whole=tuple(frame for frames in found.values() for frame in frames),
    )


def _transforms_frames(file: Path) -> list[Frame]:
    part = file.stem.removeprefix("transforms_")
    part = part if part in PARTS else None
    frames = read_transforms(file, ignore_distortion=False)
    return [replace(frame, part=frame.part or part) for frame in frames]


def _points(path: Path) -> Points:
    xyz, rgb = read_array(path, "xyz"), read_array(path, "rgb")
    good = xyz.dtype.kind == "f" and rgb.dtype == np.uint8 and xyz.shape == rgb.shape
    if not good or xyz.ndim != 2 or xyz.shape[1] != 3 or not np.isfinite(xyz).all():
        raise InputError(
            f"{path}: xyz is {xyz.dtype} {xyz.shape} and rgb {rgb.dtype} {rgb.shape}; give finite "
            "floats and bytes of one shape (n, 3)"
        )
    return xyz, rgb


def strecha_layout(path: Path) -> Layout:
    """Read Strecha's benchmark: a list of `file K cam_to_world_R centre width height`.

    Poses are in OpenCV axes. There are no points, as the scenes were measured by laser.

    Raises:
        InputError: It is malformed.
    """
    entries = read_any_json(path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: is not a list of cameras; give Strecha's cameras_gt.json")
    return Layout(tuple(_strecha_frame(entry, path) for entry in entries))


def _strecha_frame(entry: dict[str, Any], path: Path) -> Frame:
    file = inner_file(entry.get("file"), path.parent, path)
    matrix = _numbers(entry, "K", (3, 3), path)
    rotation = _numbers(entry, "cam_to_world_R", (3, 3), path)
    centre = _numbers(entry, "centre", (3,), path)
    size = [float(_numbers(entry, name, (), path)) for name in ("width", "height")]
    lens = _lens(matrix, f"{path}: K of {file.name}")
    pose = swap_opencv_opengl(np.column_stack([rotation, centre]))
    return Frame(file.stem, file, pose, {**lens, "w": size[0], "h": size[1]})


def _numbers(
    entry: dict[str, Any], name: str, shape: tuple[int, ...], path: Path
) -> Float[np.ndarray, "..."]:
    try:
        values = np.array(entry.get(name), np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.full(1, np.nan)
    if values.shape != shape or not np.isfinite(values).all():
        raise InputError(
            f"{path}: {name} of {entry.get('file')!r} is {str(entry.get(name))[:60]}; give numbers "
            f"of shape {shape}"
        )
    return values


def _lens(matrix: Float[np.ndarray, "3 3"], source: str) -> dict[str, float]:
    """Focal lengths and principal point of a camera matrix."""
    (fl_x, skew, cx), (zero, fl_y, cy), last = matrix.tolist()
    if max(abs(skew), abs(zero)) > 1e-6 * abs(fl_x) or not np.allclose(last, [0, 0, 1], atol=1e-6):
        raise InputError(
            f"{source} is {matrix.tolist()}; give [[fl_x, 0, cx], [0, fl_y, cy], [0, 0, 1]], "
            "without skew"
        )
    return {"fl_x": fl_x, "fl_y": fl_y, "cx": cx, "cy": cy}


def authors_layout(path: Path, images: Path | None) -> Layout:
    """Read the four arrays of the paper's authors, one row per picture in order of file names.

        c2w_mats   (n 4 4)  camera to world
        kinv_mats  (n 3 3)  pixel (column, row, 1) to a direction in camera axes
        bds        (n 2)    depths of the nearest and the farthest visible point
        res_mats   (n 2)    width and height in pixels, or height and width

    As in the authors' code, the ray of a pixel is along c2w kinv (column, row, 1); no other
    assumption is made about the camera axes. Pixel coordinates start at the corner, as in COLMAP,
    which computed these poses (the authors' rays use integer coordinates, off by half a pixel).
    Their code scales the world by 0.05; here `Similarity` scales it.

    Raises:
        InputError: An array has another shape or length, or a matrix is not that of a pinhole.
    """
    folder = _images_folder(path, images)
    files = pictures_in(folder)
    bounds, poses, inverses, sizes = _authors_arrays(path, folder, len(files))
    if not _in_order(files, sizes):
        sizes = sizes[:, ::-1]
    frames = []
    for row, file in enumerate(files):
        lens, signs = _inverse_lens(inverses[row], path / "kinv_mats.npy")
        pose = np.array(poses[row], np.float64)[:3] * np.append(signs, 1.0)
        near, far = bounds[row].tolist()
        size = {"w": float(sizes[row, 0]), "h": float(sizes[row, 1])}
        frames.append(
            Frame(
                name=file.stem,
                image=file,
                pose=swap_opencv_opengl(pose),
                lens=lens | size,
                near=near * NEAR_FACTOR,
                far=far * FAR_FACTOR,
            )
        )
    return Layout(tuple(frames))


def _authors_arrays(path: Path, folder: Path, count: int) -> list[np.ndarray]:
    """Read `AUTHORS_ARRAYS`, and check that they have one row for each picture in the folder."""
    shapes = ([(count, 2)], [(count, 4, 4), (count, 3, 4)], [(count, 3, 3)], [(count, 2)])
    arrays = [read_array(path / name) for name in AUTHORS_ARRAYS]
    for name, array, allowed in zip(AUTHORS_ARRAYS, arrays, shapes, strict=True):
        if array.shape not in allowed or array.dtype.kind not in "iuf":
            raise InputError(
                f"{path / name}: is {array.dtype} {array.shape}; give numbers of shape "
                f"{allowed[0]}: one row for each of the {count} pictures in {folder}"
            )
    return arrays


def _in_order(files: list[Path], sizes: np.ndarray) -> bool:
    """Whether the sizes are widths and heights, rather than heights and widths."""
    straight, swapped = 0.0, 0.0
    for file, (first, second) in zip(files, sizes.tolist(), strict=True):
        header = read_header(file)
        straight += abs(first * header.height - second * header.width)
        swapped += abs(second * header.height - first * header.width)
    return straight <= swapped


def _inverse_lens(
    inverse: np.ndarray, path: Path
) -> tuple[dict[str, float], Float[np.ndarray, "3"]]:
    """A lens, and the signs of the camera axes relative to OpenCV's."""
    inverse = inverse.astype(np.float64)
    signs = np.sign(np.diag(inverse))
    try:
        matrix = np.linalg.inv(signs[:, None] * inverse)
    except np.linalg.LinAlgError as error:
        raise InputError(f"{path}: holds {inverse.tolist()}, which has no inverse") from error
    return _lens(matrix, f"{path}: the inverse of a matrix"), signs


def _images_folder(path: Path, images: Path | None) -> Path:
    for folder in (images,) if images else (path / "images", path / "dense" / "images", path):
        if folder.is_dir() and any(x.suffix.lower() in PICTURE_SUFFIXES for x in folder.iterdir()):
            return folder
    raise InputError(
        f"{images or path}: holds no pictures; copy them to its folder images (or, from Python, "
        "give their folder as images)"
    )
