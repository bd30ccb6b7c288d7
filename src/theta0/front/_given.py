"""What is given as arrays beside pictures and slices: measured sinograms, and posed views."""

from typing import Any, Literal

import numpy as np

from theta0.data import views as posed
from theta0.data.cameras import Camera
from theta0.data.ct import Sinogram as CheckedSinogram
from theta0.data.ct import checked_sinogram
from theta0.errors import InputError, implausible, trusting
from theta0.signals import as_array, as_picture, as_unit, check_bytes

from ._messages import in_python


@in_python()
def Sinogram(
    values: Any,
    *,
    angles_rad: Any = None,
    angles_deg: Any = None,
    beam: Literal["parallel", "fan"] = "parallel",
    source_distance: float | int | None = None,
    detector_spacing: float | int | None = None,
    axis: float | int | None = None,
    target: Any = None,
    trust: bool = False,
) -> CheckedSinogram:
    """What a scanner measured of one slice, for ``init.fit``.

    Args:
        values: (views, detectors) line integrals in units of the slice's side: a ray through the
            whole slice at value 1 reads 1. Of :func:`skimage.transform.radon` it is
            ``radon(picture, angles_deg).T / len(picture)``, with ``axis=len(picture) // 2``.
        angles_rad: (views,) angles in radians, as ``skimage.transform.radon`` counts them.
        angles_deg: the same in degrees; give one of the two.
        beam: how the rays run.
        source_distance: of a fan beam: source to centre, in units of the slice's side.
        detector_spacing: between detector pixels, in the same units; so that the detector covers
            the slice when left out.
        axis: detector pixel on which the axis of rotation falls; the middle when left out.
        target: (size, size) the true slice in [0, 1], if it is known.
        trust: take the values as they are where checks find them implausible.

    Raises:
        InputError: the arrays do not fit together, or are in other units.
    """
    given = {
        "sinogram": values, "angles_rad": angles_rad, "angles_deg": angles_deg, "beam": beam,
        "source_distance": source_distance, "detector_spacing": detector_spacing, "axis": axis,
        "target": target,
    }  # fmt: skip
    arrays = {name: as_array(value, name) for name, value in given.items() if value is not None}
    with trusting(trust):
        return checked_sinogram(arrays, "the sinogram")


@in_python()
def Views(
    images: Any,
    *,
    c2w: Any,
    fov_deg: Any,
    name: str = "views",
    trust: bool = False,
) -> posed.Views:
    """Posed views of one object, for ``init.fit`` and ``theta0.learn``.

    Args:
        images: (views, height, width, 3), or 4 channels with alpha; floats in [0, 1] or uint8.
        c2w: (views, 3, 4) or (views, 4, 4) camera to world, OpenGL axes (x right, y up, the camera
            looks along -z), in world units in which the object lies in the unit sphere.
        fov_deg: between the left and the right edge of a picture, in degrees.
        name: what messages call the object.
        trust: take the values as they are where checks find them implausible.

    Raises:
        InputError: the arrays do not fit together, or a camera cannot be.
    """
    images, poses = as_array(images, f"{name}: images"), as_array(c2w, f"{name}: c2w")
    fov = as_array(fov_deg, f"{name}: fov_deg")
    if fov.size != 1 or fov.dtype.kind not in "iuf" or poses.dtype.kind not in "iuf":
        raise InputError(
            f"{name}: fov_deg has dtype {fov.dtype} and shape {fov.shape}, c2w dtype "
            f"{poses.dtype}; give one number of degrees, and matrices of numbers"
        )
    if images.ndim != 4 or images.shape[3] not in (3, 4) or not images.size:
        raise InputError(
            f"{name}: images have shape {images.shape}; give (views, height, width, 3), or 4 "
            "channels with alpha"
        )
    if poses.shape not in ((len(images), 3, 4), (len(images), 4, 4)):
        raise InputError(
            f"{name}: c2w has shape {poses.shape} for {len(images)} images; give (views, 3, 4) or "
            "(views, 4, 4)"
        )
    with trusting(trust):
        if 0 < fov.item() <= np.pi:
            implausible(f"{name}: fov_deg is {fov.item():g}, as radians are; give degrees")
        check_bytes(images[..., :3], f"{name}: images")
    if images.dtype != np.uint8:  # checked as pictures are, alpha apart
        for number, image in enumerate(images):
            as_picture(image[..., :3], f"{name}: images[{number}]")
            as_unit(image[..., 3:], f"{name}: alpha of images[{number}]")
    cameras = _cameras(name, poses, images.shape[1], images.shape[2], fov.item())
    names = tuple(str(number) for number in range(len(images)))
    pixels = images if images.dtype == np.uint8 else images.astype(np.float32)
    return posed.Views(pixels, cameras, names, name)


def _cameras(
    name: str, poses: np.ndarray, height: int, width: int, fov_deg: float | int
) -> tuple[Camera, ...]:
    cameras = []
    for number, pose in enumerate(poses):
        try:
            cameras.append(Camera.from_fov(pose, width, height, fov_deg))
        except InputError as error:
            raise InputError(f"{name}: view {number}: {error}") from error
    return tuple(cameras)
