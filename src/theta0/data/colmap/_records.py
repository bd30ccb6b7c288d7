"""Records of cameras, images and points, as stored in COLMAP's binary and text files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theta0.errors import InputError

MODELS = (
    "SIMPLE_PINHOLE PINHOLE SIMPLE_RADIAL RADIAL OPENCV OPENCV_FISHEYE FULL_OPENCV FOV "
    "SIMPLE_RADIAL_FISHEYE RADIAL_FISHEYE THIN_PRISM_FISHEYE RAD_TAN_THIN_PRISM_FISHEYE "
    "SIMPLE_DIVISION DIVISION SIMPLE_FISHEYE FISHEYE EUCM EQUIRECTANGULAR"
).split()
"""Camera models, by COLMAP's number."""
PARAMETERS = {
    "SIMPLE_PINHOLE": "f cx cy",
    "PINHOLE": "fl_x fl_y cx cy",
    "SIMPLE_RADIAL": "f cx cy k1",
    "RADIAL": "f cx cy k1 k2",
    "OPENCV": "fl_x fl_y cx cy k1 k2 p1 p2",
    "FULL_OPENCV": "fl_x fl_y cx cy k1 k2 p1 p2 k3 k4 k5 k6",
}
LARGEST = 1e100
"""Numbers below it have finite squares."""


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """An image as stored.

    Attributes:
        quaternion: Rotation from world to camera, real part first.
        shift: Translation from world to camera.
        camera: Number of its camera.
        name: Path inside the folder of images.
        pixels: Positions of its features.
        points: Numbers of their points, negative for none.
    """

    quaternion: Sequence[float]
    shift: Sequence[float]
    camera: int
    name: str
    pixels: Float[np.ndarray, "n 2"]
    points: Int[np.ndarray, " n"]


class PointRecord(NamedTuple):
    """A point as stored; `photos` is the number of images in which it is seen."""

    number: int
    xyz: Sequence[float]
    rgb: Sequence[int]
    photos: int


def check_model(model: str, path: Path) -> None:
    """Refuse camera models that are not supported.

    Raises:
        InputError: The model is not in `PARAMETERS`.
    """
    if model not in PARAMETERS:
        raise InputError(
            f"{path}: the camera model {model} is not supported ({', '.join(PARAMETERS)} are); run "
            "`colmap image_undistorter` and read its folder"
        )


def lens_of(
    model: str, width: int, height: int, parameters: Sequence[float], path: Path
) -> dict[str, float]:
    """A camera in the form of `Frame.lens`.

    Raises:
        InputError: The parameters do not match the model.
    """
    names = PARAMETERS[model].split()
    if len(parameters) != len(names) or not (np.abs(parameters) < LARGEST).all():
        raise InputError(
            f"{path}: a {model} camera has the parameters {list(parameters)}; give {len(names)} "
            "finite numbers"
        )
    lens = dict(zip(names, map(float, parameters), strict=True))
    if "f" in lens:
        lens["fl_x"] = lens["fl_y"] = lens.pop("f")
    return lens | {"w": float(width), "h": float(height)}
