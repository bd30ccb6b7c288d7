"""Posed views of an object, read from folders in common layouts.

    transforms.json                     Blender, nerfstudio, instant-ngp and the paper's authors
    transforms_{train,val,test}.json    Blender, in parts
    rgb/ pose/ intrinsics.txt           SRN

Poses stay in the world coordinates of the file; see `cameras` for the axes. Pictures are
undistorted when they are read; see `cameras.Distortion`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data._arrays import read_array
from theta0.data._files import existing_file, named
from theta0.data._frames import Frame, undistorted_camera_of, undistorted_pixels
from theta0.data._picture_remarks import note_remarks
from theta0.data._pillow import opened
from theta0.data._transforms import read_transforms, transforms_files
from theta0.data._view_pixels import Header, downscaled, read_header, read_pixels
from theta0.data.cameras import Camera, Distortion, Number, fov_rad, orbit
from theta0.data.views._posed import Views
from theta0.data.views._srn import is_srn, read_srn
from theta0.errors import InputError, note
from theta0.memory import MAX_BYTES, check_memory


@dataclass(frozen=True)
class ViewOptions:
    """How views are read."""

    downscale: int = 1
    """downscale pictures by this factor, averaging over blocks of pixels"""
    need_alpha: bool = False
    """refuse pictures without an alpha channel"""
    ignore_distortion: bool = False
    """treat lenses as pinholes, without undistorting the pictures"""
    allow_missing: bool = False
    """leave out views whose picture is missing"""


@dataclass(frozen=True, eq=False)
class ViewFiles:
    """Views of one object whose pictures have not been decoded; see `open_views`.

    Attributes:
        object_id: Name of the folder.
        frames: The description of each view.
        cameras: Of the pictures as they will be read.
        channels: 4 if the pictures have alpha, else 3.
        downscale: See `ViewOptions`.
        missing: Names of the views left out because their pictures are missing.
    """

    object_id: str
    frames: tuple[Frame, ...]
    cameras: tuple[Camera, ...]
    channels: int
    downscale: int
    missing: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size_bytes(self) -> int:
        """Memory for the pictures and depths."""
        pixels = sum(camera.width * camera.height for camera in self.cameras)
        return pixels * (self.channels + 4 * self._has_depth)

    @property
    def _has_depth(self) -> bool:
        # Averaging depths over an edge is meaningless, so downscaled or undistorted pictures have
        # none.
        return self.downscale == 1 and all(
            frame.depth is not None and Distortion.of(frame.lens).is_zero for frame in self.frames
        )

    def load(self, max_bytes: int = MAX_BYTES) -> Views:
        """Decode the pictures, and the depths unless they are downscaled or undistorted.

        Raises:
            InputError: A picture is damaged, or they need too much memory.
        """
        remedy = "downscale them, or describe fewer views"
        check_memory(f"{self.object_id}: {len(self)} views", self.size_bytes, max_bytes, remedy)
        alpha = self.channels == 4
        size = self.cameras[0].height, self.cameras[0].width
        images = np.empty((len(self), *size, self.channels), np.uint8)
        for number, frame in enumerate(self.frames):
            pixels = read_pixels(frame.image, alpha, frame.upright)
            images[number] = downscaled(undistorted_pixels(frame, pixels), self.downscale)
        depth = None
        if self._has_depth:
            pairs = zip(self.frames, self.cameras, strict=True)
            depth = np.stack([_read_depth(frame, camera) for frame, camera in pairs])
        names = tuple(frame.name for frame in self.frames)
        return Views(images, self.cameras, names, self.object_id, depth)


def read_views(
    path: str | Path, options: ViewOptions = ViewOptions(), part: str | None = None
) -> Views:
    """Read all views of an object; see `open_views`."""
    return open_views(path, options, part).load()


def open_views(
    path: str | Path, options: ViewOptions = ViewOptions(), part: str | None = None
) -> ViewFiles:
    """Find the views of an object and check their headers, without decoding the pictures.

    Args:
        path: A folder in one of the module's layouts, or a `transforms.json`.
        options: How the views are read.
        part: 'train', 'val' or 'test' of a description in parts; None for all parts.

    Raises:
        InputError: There are no views, pictures are missing, too large, of different sizes or
            without the required alpha, or a lens or a pose is invalid.
    """
    path = named(path)
    if not path.exists():
        raise InputError(f"{path}: no such folder; check the path")
    if path.is_dir() and is_srn(path):
        frames = list(read_srn(path))
    else:
        files = transforms_files(path, part)
        found = (read_transforms(file, options.ignore_distortion) for file in files)
        frames = _of_part(path, [frame for of_file in found for frame in of_file], part)
    if not frames:
        raise InputError(
            f"{path}: holds no views; give a folder with transforms.json, or with rgb, pose and "
            "intrinsics.txt"
        )
    return _opened((path if path.is_dir() else path.parent).resolve().name, frames, options)


def _of_part(path: Path, frames: list[Frame], part: str | None) -> list[Frame]:
    """The frames of a part, where a file defines several; what is not used of others is noted."""
    if any(frame.mask for frame in frames):
        note(
            f"{path}: masks of the views (mask_path) are not used: what they hide is fitted and "
            "judged as all else; make it transparent in the pictures instead"
        )
    if not any(frame.part for frame in frames):
        return frames
    if part is not None:
        return [frame for frame in frames if frame.part == part]
    note(f"{path}: its split into training and test views is not used; all views are read in order")
    return frames


def read_photograph(
    path: str | Path,
    azimuth_deg: Number,
    elevation_deg: Number,
    distance: Number,
    fov_x_deg: Number,
    options: ViewOptions = ViewOptions(need_alpha=True),
) -> Views:
    """Read one picture of an object, taken from a known direction, as its only view.

    The picture is turned as its file says.

    Args:
        path: A picture whose alpha is the mask of the object.
        azimuth_deg: Azimuth of the camera, from +x towards +y; see `cameras.orbit`.
        elevation_deg: Elevation of the camera above the horizontal.
        distance: From the camera to the centre of the object, in world units.
        fov_x_deg: Horizontal field of view.
        options: How the picture is read.

    Raises:
        InputError: The picture cannot be read or has no alpha, or a number is out of range.
    """
    path = existing_file(path)
    pose = orbit(azimuth_deg, elevation_deg, distance)
    lens = {"camera_angle_x": fov_rad(fov_x_deg)}
    frame = Frame(path.stem, path, pose, lens, upright=True)
    return _opened(path.stem, [frame], options).load()


def _opened(object_id: str, frames: Sequence[Frame], options: ViewOptions) -> ViewFiles:
    """Check the headers of the pictures."""
    missing = [frame for frame in frames if not frame.image.is_file()]
    if missing and (not options.allow_missing or len(missing) == len(frames)):
        raise InputError(
            f"{missing[0].image}: the picture is missing, as are {len(missing) - 1} others of "
            f"{len(frames)} views; copy them there (from Python, allow_missing leaves them out)"
        )
    frames = [frame for frame in frames if frame not in missing]
    first = _common_header(frames, options.need_alpha)
    cameras = [undistorted_camera_of(frame, first.width, first.height) for frame in frames]
    if len({(camera.width, camera.height) for camera in cameras}) > 1:
        raise InputError(
            f"{frames[0].image.parent}: the views have different lens distortions, so that the "
            "undistorted pictures differ in size; undistort them first (`colmap "
            "image_undistorter`; from Python, ignore_distortion reads them as they are)"
        )
    return ViewFiles(
        object_id=object_id,
        frames=tuple(frames),
        cameras=tuple(camera.downscaled(options.downscale) for camera in cameras),
        channels=4 if first.alpha else 3,
        downscale=options.downscale,
        missing=tuple(frame.name for frame in missing),
    )


def _common_header(frames: Sequence[Frame], need_alpha: bool) -> Header:
    """The common header of the pictures of an object.

    Raises:
        InputError: They differ, one lacks the required alpha, or one is used twice.
    """
    headers = [read_header(frame.image, frame.upright) for frame in frames]
    whole = frames[0].image if len(frames) == 1 else frames[0].image.parent
    names = [str(frame.image) if len(frames) == 1 else frame.name for frame in frames]
    note_remarks(whole, {name: of.remarks for name, of in zip(names, headers, strict=True)})
    first, seen = headers[0], set()
    for frame, header in zip(frames, headers, strict=True):
        if need_alpha and not header.alpha:
            raise InputError(
                f"{frame.image}: has no alpha channel to tell the object from the background; "
                "cut the object out and save it as a PNG with transparency"
            )
        if header != first:
            kind = lambda x: f"{x.width} x {x.height} with{'' if x.alpha else 'out'} alpha"
            raise InputError(
                f"{frame.image}: is {kind(header)}, but {frames[0].image.name} is {kind(first)}; "
                "give the views of an object the same size and channels"
            )
        if frame.image in seen:
            raise InputError(f"{frame.image}: is the picture of two views; leave one out")
        seen.add(frame.image)
    return first


def _read_depth(frame: Frame, camera: Camera) -> Float[np.ndarray, "height width"]:
    path = frame.depth
    assert path is not None
    if path.suffix == ".npy":
        stored, scale = read_array(path), 1.0
    else:
        with opened(path) as picture:
            stored, scale = np.asarray(picture.image), frame.depth_scale
    if stored.shape != (camera.height, camera.width) or stored.dtype.kind not in "iuf":
        raise InputError(
            f"{path}: has shape {stored.shape}; give one depth per pixel of the "
            f"{camera.width} x {camera.height} picture"
        )
    if not scale > 0:
        raise InputError(f"{path}: depth_scale is {scale}; give world units per step, above 0")
    depth = stored.astype(np.float32) * np.float32(scale)
    return np.where(depth > 0, depth, np.float32(np.inf))
