"""Collections of photographs of a place, from the folders people keep them in.

    transforms.json                     `write_photos`', nerfstudio's, instant-ngp's, Blender's
    transforms_{train,val,test}.json    Blender's, in parts
    sparse/0, sparse, dense/sparse, colmap_text: cameras, images, points3D (.bin or .txt)
                                        COLMAP's, with images/ beside it; or the model itself
    NAME.tsv, dense/sparse, dense/images
                                        NeRF-W's split of the Phototourism scenes
    bds.npy c2w_mats.npy kinv_mats.npy res_mats.npy, images/ or dense/images/
                                        the paper authors' cameras for them
    cameras_gt.json                     Strecha's benchmark, as a list of cameras

The first of these that a folder holds is read; give a file itself to choose. What a lens has bent
is straightened on reading (see `cameras.Distortion`), and pictures are taken as they are stored: a
camera's note that they are to be turned is not followed, for poses are of the stored pixels.

Files with `"normalised": true` are read exactly as they are. The world of others is put upright,
and the place about into the unit sphere; see `Similarity` for the rules. All poses of the files
count there, also those of photographs that are missing or not chosen: what was learned from some
photographs is fitted to another, which has to have the same pose however it is reached.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from theta0.data import Split
from theta0.data._frames import Frame, camera_of, straight_camera, straight_pixels
from theta0.data._pillow import opened
from theta0.data._transforms import transforms_files
from theta0.data._view_pixels import over, read_header, read_pixels
from theta0.data.cameras import Camera, project
from theta0.data.photos._colmap_layouts import colmap_layout, model_folders, nerfw_layout
from theta0.data.photos._layouts import (
    AUTHORS_ARRAYS,
    FAR_FACTOR,
    NEAR_FACTOR,
    STRECHA,
    Layout,
    authors_layout,
    strecha_layout,
    transforms_layout,
)
from theta0.data.photos._photos import Photo
from theta0.data.photos._similarity import Similarity, from_cameras, from_points
from theta0.data.photos._write import Points
from theta0.errors import InputError

_FEWEST = 3
_NEAREST = 0.1
"""Depth, in radii of the place, before which nothing is looked for by a camera inside of it."""


@dataclass(frozen=True)
class PhotoOptions:
    """How a collection of photographs is read."""

    test: int = 20
    """the first so many photos by name are for test, where the files have no split"""
    validation: int = 5
    """the next so many are for validation; with NeRF-W's split, the first of those for training"""
    rotation: int = 0
    """names that go from the front to the end before they are split, so that in a small collection
    each photo can be for test in turn"""
    near: float | None = None
    """depth before which nothing stands, in units of the files, in place of what they say"""
    far: float | None = None
    """depth behind which nothing is looked for, in units of the files"""
    images: str | None = None
    """folder of the pictures, where it is not beside COLMAP's model or the authors' arrays"""
    allow_missing: bool = False
    """leave out photos whose picture is missing"""


@dataclass(frozen=True, eq=False)
class PhotoFolder:
    """Photographs none of which is decoded yet; see `Photos` and `read_photos`.

    Attributes:
        names: One a photograph.
        skipped: (name, reason) of what was left out.
        split: Numbers of the photographs for training, validation and test.
        frames: What the files say of each, in the world of the cameras.
        points: Positions and colours of points of the place, if some are known.
        world_from_file: How the world of the files was moved; `world_from_file.inverse` takes
            results back.
    """

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    frames: tuple[Frame, ...]
    points: Points | None
    world_from_file: Similarity

    def camera(self, index: int) -> Camera:
        """The camera of photograph number `index` as it will be loaded; nothing is decoded."""
        header = read_header(self.frames[index].image)
        return straight_camera(self.frames[index], header.width, header.height)

    def with_mask(self, index: int, mask: str | Path) -> "PhotoFolder":
        """The same with another mask of photograph number `index`.

        Args:
            index: Of the photograph.
            mask: A picture of its stored size, darker than half where something hides the place.

        Raises:
            InputError: It has another size, or is no picture.
        """
        frames = list(self.frames)
        frames[index] = replace(frames[index], mask=Path(mask))
        _judged(frames[index])
        return replace(self, frames=tuple(frames))

    def load(self, index: int) -> Photo:
        """Photograph number `index`, straightened, in the size it is kept in.

        Transparent pixels are laid over white.

        Raises:
            InputError: It is damaged.
        """
        frame, name, camera = self.frames[index], self.names[index], self.camera(index)
        assert frame.near is not None and frame.far is not None
        pixels = read_pixels(frame.image, read_header(frame.image).alpha)
        hidden = None
        if frame.mask is not None:
            hidden = straight_pixels(frame, _mask(frame.mask))[..., 0] > 0
        pixels = straight_pixels(frame, pixels)
        if pixels.shape[2] == 4:
            pixels = np.rint(over(pixels, "white") * 255).astype(np.uint8)
        return Photo(pixels, camera, name, frame.near, frame.far, hidden)


def read_photos(path: str | Path, options: PhotoOptions = PhotoOptions()) -> PhotoFolder:
    """Find a collection of photographs and judge it by its headers, without decoding a picture.

    Near and far are, first, those of the options; then those of the files; then those of a
    COLMAP model's points, see `_colmap_layouts`; and where nothing is known, the depths at which
    the viewing axis is in the unit sphere, if it goes through the origin, times 0.9 and 1.2: of a
    camera at depth d from the origin, 0.9 (d - 1) and 1.2 (d + 1).

    The split is the files', where any photograph has one: photographs without are for training.
    Otherwise the names are sorted, and the first `test` are for test, the next `validation` for
    validation, as in the paper.

    Args:
        path: A folder in one of the module's layouts, or a `transforms.json`, `cameras_gt.json` or
            `.tsv` itself.
        options: How it is read.

    Raises:
        InputError: There are fewer than 3 photographs or none for training, pictures are missing,
            two of one file or too large, or a lens, a pose, a mask or a range is none.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such folder; check the path")
    layout = _layout(path, options)
    frames, missing = _present(path, layout.frames, options.allow_missing)
    skipped = [(frame.name, "the picture is missing") for frame in missing]
    cameras = [_judged(frame) for frame in frames]
    taken = {frame.image: camera for frame, camera in zip(frames, cameras, strict=True)}
    try:
        world_from_file = _world(layout, taken, options)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    points = layout.points
    if points is not None and not layout.normalised:
        points = world_from_file.points(points[0]), points[1]
    placed = [
        _placed(frame, camera, world_from_file, options, moved=not layout.normalised)
        for frame, camera in zip(frames, cameras, strict=True)
    ]
    return PhotoFolder(
        names=_names(frames),
        skipped=(*layout.skipped, *skipped),
        split=_split(path, frames, options),
        frames=tuple(placed),
        points=points,
        world_from_file=world_from_file,
    )


def _layout(path: Path, options: PhotoOptions) -> Layout:
    """What the first layout found says."""
    images = None if options.images is None else Path(options.images)
    if path.suffix == ".tsv":
        return nerfw_layout(path, images, options.validation)
    strecha = path if path.name == STRECHA else path / STRECHA
    transforms = path != strecha and transforms_files(path, None)
    if transforms or strecha.is_file():
        if images is not None:
            raise InputError(f"{path}: names its pictures itself; leave out images={images}")
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
    """Frames whose pictures are there, and the others."""
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
            f"{path}: holds {len(present)} photographs; a place needs at least {_FEWEST}"
        )
    seen = set()
    for frame in present:
        if frame.image in seen:
            raise InputError(f"{frame.image}: is the picture of two photographs; leave one out")
        seen.add(frame.image)
    return present, missing


def _judged(frame: Frame) -> Camera:
    """The camera of a frame, whose picture and mask are judged by their headers."""
    header = read_header(frame.image)
    if frame.mask is not None:
        mask = read_header(frame.mask)
        if (mask.width, mask.height) != (header.width, header.height):
            size = lambda x: f"{x.width} x {x.height}"
            raise InputError(
                f"{frame.mask}: a mask of {size(mask)} for a picture of {size(header)}; make it of "
                "the picture's own size"
            )
    return camera_of(frame, header.width, header.height)


def _world(layout: Layout, taken: dict[Path, Camera], options: PhotoOptions) -> Similarity:
    """Where the world is moved, by all poses of a layout.

    Args:
        layout: Of the collection.
        taken: Cameras of the pictures that are read.
        options: With near and far, if they are given.
    """
    if layout.normalised:
        return Similarity.identity()
    frames = layout.whole or layout.frames
    like = next(iter(taken.values()))
    cameras = [taken.get(frame.image) or _untaken(frame, like) for frame in frames]
    if layout.points is not None:
        return from_points(cameras, np.asarray(layout.points[0], np.float64))
    ranges = []
    for frame in frames:
        near, far = options.near or frame.near, options.far or frame.far
        ranges.append((near, far) if near and far else None)
    return from_cameras(cameras, ranges)


def _untaken(frame: Frame, like: Camera) -> Camera:
    """The camera of a frame whose picture is not read, as large as the files say, or as another."""
    width, height = frame.lens.get("w", like.width), frame.lens.get("h", like.height)
    return camera_of(frame, round(width), round(height))


def _placed(
    frame: Frame, camera: Camera, world: Similarity, options: PhotoOptions, moved: bool
) -> Frame:
    """A frame in the moved world, with its range of depths."""
    if moved:
        camera = replace(camera, c2w=world.pose(camera.c2w))
    depth = float(project(np.zeros(3), camera).depth)
    near, far = NEAR_FACTOR * max(depth - 1, _NEAREST), FAR_FACTOR * (max(depth, 0) + 1)
    for given in ((frame.near, frame.far), (options.near, options.far)):
        near = near if given[0] is None else given[0] * world.scale
        far = far if given[1] is None else given[1] * world.scale
    if not 0 < near < far < np.inf:
        raise InputError(
            f"{frame.image}: near is {near / world.scale:g} and far {far / world.scale:g}; give "
            "0 < near < far"
        )
    return replace(frame, pose=camera.c2w, near=near, far=far)


def _names(frames: Sequence[Frame]) -> tuple[str, ...]:
    """Names of files without suffix, or if two would be one, of files with their folders."""
    stems = tuple(frame.image.stem for frame in frames)
    if len(set(stems)) == len(stems):
        return stems
    shared = os.path.commonpath([frame.image.parent for frame in frames])
    return tuple("_".join(frame.image.relative_to(shared).parts) for frame in frames)


def _split(path: Path, frames: Sequence[Frame], options: PhotoOptions) -> Split:
    for name, number in (("test", options.test), ("validation", options.validation)):
        if number < 0:
            raise InputError(f"{name} is {number}; give a number of photographs, 0 or more")
    numbers = range(len(frames))
    if any(frame.part for frame in frames):
        parts = {
            part: tuple(number for number in numbers if (frames[number].part or "train") == part)
            for part in ("train", "val", "test")
        }
        if not parts["train"]:
            raise InputError(
                f"{path}: none of {len(frames)} photographs is for training; change their split, "
                "or ask for fewer for validation"
            )
        return Split(parts["train"], parts["val"], parts["test"])
    ordered = sorted(numbers, key=lambda number: str(frames[number].image))
    turned = options.rotation % len(ordered)
    ordered = ordered[turned:] + ordered[:turned]
    first, second = options.test, options.test + options.validation
    if second >= len(ordered):
        raise InputError(
            f"{path}: {len(frames)} photographs leave none for training after test={options.test} "
            f"and validation={options.validation}; ask for fewer, such as "
            f"--data.source.test {len(frames) // 5} --data.source.validation {len(frames) // 10}"
        )
    train, validation, test = ordered[second:], ordered[first:second], ordered[:first]
    return Split(tuple(train), tuple(validation), tuple(test))


def _mask(path: Path) -> UInt8[np.ndarray, "height width 1"]:
    """255 where a mask is black, which hides the picture, and 0 elsewhere."""
    with opened(path) as image:
        black = np.asarray(image.convert("L")) < 128
    return black[..., None] * np.uint8(255)
