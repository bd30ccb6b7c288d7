"""Collections of photographs of a scene, read from folders in common layouts.

    transforms.json                     `write_photos`, nerfstudio, instant-ngp, Blender
    transforms_{train,val,test}.json    Blender, in parts
    sparse/0, sparse, dense/sparse, colmap_text: cameras, images, points3D (.bin or .txt)
                                        COLMAP, with images/ beside it; or the model itself
    NAME.tsv, dense/sparse, dense/images
                                        NeRF-W's split of the Phototourism scenes
    bds.npy c2w_mats.npy kinv_mats.npy res_mats.npy, images/ or dense/images/
                                        cameras of the paper's authors for these scenes
    cameras_gt.json                     Strecha's benchmark, as a list of cameras

The first of these that a folder contains is read; give a file itself to choose. Pictures are
undistorted when they are read (see `cameras.Distortion`), and their EXIF orientation is ignored, as
poses refer to the stored pixels.

Files with `"normalised": true` keep their world coordinates. Other worlds are rotated upright, and
scaled so that the scene roughly fits into the unit sphere; see `Similarity`. This uses all poses of
the files, including those of photographs that are missing or not selected, so that a photograph has
the same pose in every selection.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from theta0.data import Split
from theta0.data._frames import Frame, camera_of, undistorted_camera_of, undistorted_pixels
from theta0.data._picture_remarks import note_remarks
from theta0.data._transforms import transforms_files
from theta0.data._view_pixels import over, read_header, read_hidden, read_pixels
from theta0.data.cameras import Camera
from theta0.data.photos._colmap_layouts import colmap_layout, model_folders, nerfw_layout
from theta0.data.photos._layouts import (
    AUTHORS_ARRAYS,
    STRECHA,
    Layout,
    authors_layout,
    strecha_layout,
    transforms_layout,
)
from theta0.data.photos._options import PhotoOptions, split_photos
from theta0.data.photos._photos import Photo
from theta0.data.photos._placement import moved_frames, moved_points, world_from_file
from theta0.data.photos._similarity import Similarity
from theta0.data.photos._write import Points
from theta0.errors import InputError

_FEWEST = 3
_USUAL = PhotoOptions()


@dataclass(frozen=True, eq=False)
class PhotoFolder:
    """Photographs that are decoded on demand; see `Photos` and `read_photos`.

    Attributes:
        names: One per photograph.
        skipped: (name, reason) of photographs that were left out.
        split: Numbers of the photographs for training, validation and test.
        frames: The description of each photograph, in world coordinates.
        points: Positions and colours of points of the scene, if they are known.
        world_from_file: Maps the coordinates of the files to world coordinates.
    """

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    frames: tuple[Frame, ...]
    points: Points | None
    world_from_file: Similarity

    def camera(self, index: int) -> Camera:
        """The camera of photograph number `index`, without decoding the picture."""
        header = read_header(self.frames[index].image)
        return undistorted_camera_of(self.frames[index], header.width, header.height)

    def with_mask(self, index: int, mask: str | Path) -> "PhotoFolder":
        """Replace the occlusion mask of photograph number `index`.

        Args:
            index: Number of the photograph.
            mask: A picture of its stored size, below half brightness where the scene is occluded.

        Raises:
            InputError: It has another size, or is not a picture.
        """
        frames = list(self.frames)
        frames[index] = replace(frames[index], mask=Path(mask))
        _judged(frames[index])
        return replace(self, frames=tuple(frames))

    def load(self, index: int) -> Photo:
        """Photograph number `index`, undistorted, in its stored size.

        Transparent pixels are composited over white.

        Raises:
            InputError: It is damaged.
        """
        frame, name, camera = self.frames[index], self.names[index], self.camera(index)
        assert frame.near is not None and frame.far is not None
        pixels = read_pixels(frame.image, read_header(frame.image).alpha)
        hidden = None
        if frame.mask is not None:
            mask = read_hidden(frame.mask)[..., None] * np.uint8(255)
            hidden = undistorted_pixels(frame, mask)[..., 0] > 0
        pixels = undistorted_pixels(frame, pixels)
        if pixels.shape[2] == 4:
            pixels = np.rint(over(pixels, "white") * 255).astype(np.uint8)
        return Photo(pixels, camera, name, frame.near, frame.far, hidden)


def read_photos(path: str | Path, options: PhotoOptions = _USUAL) -> PhotoFolder:
    """Find a collection of photographs and check its headers, without decoding pictures.

    The bounds near and far are those of the options, of the files or of the points of a COLMAP
    model (see `colmap_layout`), in this order. If none are known, they are 0.9 (d - 1) and
    1.2 (d + 1) for a camera at depth d from the origin, which encloses the unit sphere.

    If the files define a split, photographs without a part are for training. Otherwise the names
    are sorted; the first `test` are for testing and the next `validation` for validation.

    Args:
        path: A folder in one of the module's layouts, or a `transforms.json`, `cameras_gt.json` or
            `.tsv` file.
        options: How the collection is read.

    Raises:
        InputError: There are fewer than 3 photographs or none for training, pictures are missing,
            duplicate or too large, or a lens, a pose, a mask or a range is invalid.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such folder; check the path")
    layout = _layout(path, options)
    frames, missing = _present(path, layout.frames, options.allow_missing)
    judged = [_judged(frame) for frame in frames]
    cameras = [camera for camera, _ in judged]
    note_remarks(path, {frame.name: of for frame, (_, of) in zip(frames, judged, strict=True)})
    try:
        world = world_from_file(layout, frames, cameras, options)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    absent = tuple((frame.name, "the picture is missing") for frame in missing)
    return PhotoFolder(
        names=_names(frames),
        skipped=layout.skipped + absent,
        split=split_photos(path, frames, options),
        frames=moved_frames(layout, frames, cameras, world, options),
        points=moved_points(layout, world),
        world_from_file=world,
    )


def _layout(path: Path, options: PhotoOptions) -> Layout:
    """Read the first layout that is found."""
    images = None if options.images is None else Path(options.images)
    if path.suffix == ".tsv":
        return nerfw_layout(path, images, options.validation)
    strecha = path if path.name == STRECHA else path / STRECHA
    transforms = path != strecha and transforms_files(path, None)
    if transforms or strecha.is_file():
        if images is not None:
            raise InputError(
                f"{path}: defines the paths of its pictures; leave out images={images}"
            )
        return transforms_layout(path) if transforms else strecha_layout(strecha)
    if all((path / name).is_file() for name in AUTHORS_ARRAYS):
        return authors_layout(path, images)
    tables = sorted(path.glob("*.tsv"))
    if len(tables) > 1:
        raise InputError(f"{path}: holds {len(tables)} .tsv files; give the path of one of them")
    if tables:
        return nerfw_layout(tables[0], images, options.validation)
    if model_folders(path):
        return colmap_layout(path, images)
    raise InputError(
        f"{path}: holds no photographs with cameras; give a folder with transforms.json, a COLMAP "
        "model (sparse/0, and images beside it), NeRF-W's .tsv and dense, the authors' "
        f"{' '.join(AUTHORS_ARRAYS)}, or {STRECHA}"
    )


def _present(
    path: Path, frames: Sequence[Frame], allow_missing: bool
) -> tuple[list[Frame], list[Frame]]:
    """The frames whose pictures exist, and the others."""
    missing = [frame for frame in frames if not frame.image.is_file()]
    if missing and not allow_missing:
        some = ", ".join(str(frame.image) for frame in missing[:3])
        raise InputError(
            f"{path}: {len(missing)} of {len(frames)} pictures are missing, such as {some}; copy "
            "them there, or leave them out (allow_missing; --data.source.allow-missing of theta0 "
            "train; theta0 fit of the picture itself)"
        )
    present = [frame for frame in frames if frame.image.is_file()]
    if len(present) < _FEWEST:
        raise InputError(
            f"{path}: holds {len(present)} photographs; a scene needs at least {_FEWEST}"
        )
    seen = set()
    for frame in present:
        if frame.image in seen:
            raise InputError(f"{frame.image}: is the picture of two photographs; leave one out")
        seen.add(frame.image)
    return present, missing


def _judged(frame: Frame) -> tuple[Camera, tuple[str, ...]]:
    """The camera of a frame, after a check of the headers of its picture and mask.

    With it comes what of the picture's file is not used.
    """
    header = read_header(frame.image)
    if frame.mask is not None:
        mask = read_header(frame.mask)
        if (mask.width, mask.height) != (header.width, header.height):
            size = lambda x: f"{x.width} x {x.height}"
            raise InputError(
                f"{frame.mask}: a mask of {size(mask)} for a picture of {size(header)}; give it "
                "the size of the picture"
            )
    return camera_of(frame, header.width, header.height), header.remarks


def _names(frames: Sequence[Frame]) -> tuple[str, ...]:
    """File names without suffix; if they are not unique, with their folders."""
    stems = tuple(frame.image.stem for frame in frames)
    if len(set(stems)) == len(stems):
        return stems
    shared = os.path.commonpath([frame.image.parent for frame in frames])
    return tuple("_".join(frame.image.relative_to(shared).parts) for frame in frames)
