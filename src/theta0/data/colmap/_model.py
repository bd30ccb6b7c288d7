"""Reads COLMAP's models: cameras, posed images and sparse points, in binary or text form.

Poses are world to camera in OpenCV axes; pixel coordinates start at the corner, as in `cameras`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from theta0.data._files import existing_file
from theta0.data.colmap._binary import binary_cameras, binary_images, binary_points
from theta0.data.colmap._records import LARGEST, ImageRecord
from theta0.data.colmap._text import text_cameras, text_images, text_points
from theta0.errors import InputError


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """An image with its pose.

    Attributes:
        name: Path inside the folder of images.
        camera: Number of its camera.
        w2c: World to camera, OpenCV axes.
        seen: Rows of the points of the model that are seen in it.
        pixels: Their positions in the picture, with distortion.
    """

    name: str
    camera: int
    w2c: Float[np.ndarray, "3 4"]
    seen: Int[np.ndarray, " n"]
    pixels: Float[np.ndarray, "n 2"]


@dataclass(frozen=True, eq=False)
class ColmapModel:
    """A model.

    Attributes:
        lenses: By number: `fl_x fl_y cx cy w h` in pixels and the coefficients of `Distortion`.
        images: Sorted by name.
        xyz: The points; there may be none.
        rgb: Their colours.
        photos: Number of images in which each point is seen.
    """

    lenses: dict[int, dict[str, float]]
    images: tuple[ColmapImage, ...]
    xyz: Float[np.ndarray, "points 3"]
    rgb: UInt8[np.ndarray, "points 3"]
    photos: Int[np.ndarray, " points"]


def is_colmap(folder: Path) -> bool:
    """Whether a folder contains a model."""
    return _suffix(folder) is not None


def count_images(folder: Path) -> int:
    """The number of images in a model; binary files are only read up to this number."""
    if _suffix(folder) == ".bin":
        with existing_file(folder / "images.bin").open("rb") as file:
            head = file.read(8)
        return int.from_bytes(head, "little") if len(head) == 8 else 0
    return sum(1 for _ in text_images(folder / "images.txt"))


def read_colmap(folder: Path) -> ColmapModel:
    """Read a model, from its binary files if there are both. It may have no points.

    Raises:
        InputError: A file is damaged or truncated, a camera model is not supported, or an image has
            no camera or no pose.
    """
    suffix = _suffix(folder)
    assert suffix is not None
    binary = suffix == ".bin"
    cameras = (binary_cameras if binary else text_cameras)(folder / f"cameras{suffix}")
    records = list((binary_images if binary else text_images)(folder / f"images{suffix}"))
    source = folder / f"points3D{suffix}"
    points = []
    if source.is_file():
        points = sorted((binary_points if binary else text_points)(source))
    xyz = np.array([point.xyz for point in points], np.float64).reshape(-1, 3)
    if not (np.abs(xyz) < LARGEST).all():
        raise InputError(f"{source}: holds points that are not finite; write the model again")
    numbers = np.array([point.number for point in points], np.int64)
    images = [_image(record, numbers, cameras, folder) for record in records]
    return ColmapModel(
        lenses=cameras,
        images=tuple(sorted(images, key=lambda image: image.name)),
        xyz=xyz,
        rgb=np.array([point.rgb for point in points], np.uint8).reshape(-1, 3),
        photos=np.array([point.photos for point in points], np.int64),
    )


def _image(
    record: ImageRecord,
    numbers: Int[np.ndarray, " points"],
    lenses: dict[int, dict[str, float]],
    folder: Path,
) -> ColmapImage:
    """An image, with point numbers replaced by rows."""
    if record.camera not in lenses:
        raise InputError(
            f"{folder}: image {record.name} has camera {record.camera}, which is missing; "
            "write the model again"
        )
    known = np.isin(record.points, numbers)  # the others have the number -1 and no point
    return ColmapImage(
        name=record.name,
        camera=record.camera,
        w2c=np.column_stack([_rotation(record, folder), record.shift]),
        seen=np.searchsorted(numbers, record.points[known]),
        pixels=record.pixels[known],
    )


def _rotation(record: ImageRecord, folder: Path) -> Float[np.ndarray, "3 3"]:
    from scipy.spatial.transform import Rotation

    largest = np.abs(record.quaternion).max()
    if not (1e-9 < largest < LARGEST and (np.abs(record.shift) < LARGEST).all()):
        raise InputError(
            f"{folder}: image {record.name} has no pose (quaternion {list(record.quaternion)}, "
            f"translation {list(record.shift)}); leave it out of the model"
        )
    real, *imaginary = record.quaternion
    return Rotation.from_quat([*imaginary, real]).as_matrix()


def _suffix(folder: Path) -> str | None:
    for suffix in (".bin", ".txt"):
        if all((folder / f"{name}{suffix}").is_file() for name in ("cameras", "images")):
            return suffix
    return None
