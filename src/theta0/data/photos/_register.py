"""From a folder of tourists' photos to posed, undistorted ones, by structure from motion (COLMAP).

    OUT/          transforms.json, images/NAME.jpg, points.npz (see `write_photos`)
    OUT.work/     while it is made: upright photos, COLMAP's database and models, colmap.log

What COLMAP has found is kept in the work folder, so that a run that was stopped goes on where it
was; OUT appears as a whole when all is done, and the work folder goes.
"""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8

from theta0.data._files import existing_folder
from theta0.data._view_pixels import read_pixels
from theta0.data.cameras import Camera, inverse_pose, project, swap_opencv_opengl
from theta0.data.colmap import (
    ColmapImage,
    ColmapModel,
    Progress,
    Reconstruction,
    require_pycolmap,
    run_colmap,
)
from theta0.data.photos._layouts import range_of, reliable_points
from theta0.data.photos._photos import Photo
from theta0.data.photos._similarity import from_points
from theta0.data.photos._work import MIN_PHOTOS, prepared, told
from theta0.data.photos._write import Part, write_photos
from theta0.errors import InputError, require_positive


@dataclass(frozen=True)
class RegisterConfig:
    """How photos are registered."""

    max_size: int = 1000
    """longest side of the photos, in pixels; larger ones are made smaller first"""
    matching: Literal["exhaustive", "sequential"] = "exhaustive"
    """compare all pairs, or each photo with the next ones by name, as of a film"""
    overlap: int = 10
    """next photos that sequential matching compares each with"""
    lenses: Literal["auto", "one", "each"] = "auto"
    """one: all photos are of one camera at one zoom, whose lens, and from 10 photos on its middle,
    are found from all of them; each: every photo has its own; auto: one if those, found first,
    differ by less than 2% in focal length"""
    features: int = 8192
    """most features of a photo"""
    seed: int = 0
    """of all that COLMAP draws at random"""
    threads: int | None = None
    """threads that find and match features; all cores when left out. One places the photos: with
    one alone a run repeats to the bit, with more COLMAP promises no more than the same places"""
    keep_work: bool = False
    """keep the work folder with COLMAP's database, models and log"""

    def __post_init__(self):
        require_positive(self, "overlap", "features", "threads")
        if not 64 <= self.max_size <= 20_000:
            raise InputError(f"max_size is {self.max_size}; give 64 to 20000 pixels")
        if not 0 <= self.seed < 1 << 31:
            raise InputError(f"seed is {self.seed}; give 0 or more, below 2147483648")


@dataclass(frozen=True, eq=False)
class Registered:
    """What `register_photos` did.

    Attributes:
        files: Registered photos, relative to their folder.
        cameras: Of their undistorted pictures.
        xyz: Points of the place; see `reliable_points`.
        rgb: Their colours.
        reprojection_error: Mean distance of points from where features were found, in pixels.
        unregistered: (file, reason) of photos whose place was not found.
        skipped: (file, reason) of those that could not be read, or are there twice.
    """

    files: tuple[str, ...]
    cameras: tuple[Camera, ...]
    xyz: Float[np.ndarray, "points 3"]
    rgb: UInt8[np.ndarray, "points 3"]
    reprojection_error: float
    unregistered: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]


def register_photos(
    folder: str | Path,
    out: str | Path,
    config: RegisterConfig | None = None,
    *,
    on_progress: Progress = lambda stage, done, total: None,
) -> Registered:
    """Find where photos of one place were taken, and write them undistorted, with their cameras.

    Of several models of the place, or of several places, the one with most photos is kept. Focal
    lengths begin at what EXIF says, or at 1.2 times the longest side; they and one coefficient of
    radial distortion are found for each photo, unless all were taken with one lens: then these, and
    its middle if the photos are many, are found from all together. The world is that of
    `Similarity`.

    Args:
        folder: Of at least 3 photos, in it or in folders below.
        out: Folder for the result, outside `folder`; it must not exist.
        config: How; None for the usual way.
        on_progress: Told a stage ('read', 'features', 'pairs', 'registered', 'undistorted',
            'written'), how much of it is done, and how much there is.

    Raises:
        InputError: There are too few photos, no three of them could be placed together, COLMAP
            failed, or `out` is there already or cannot be used.
        MissingExtra: pycolmap is not installed.
    """
    folder, out, config = existing_folder(folder), Path(out), config or RegisterConfig()
    require_pycolmap()
    _check_out(out, folder)
    work = out.with_name(f"{out.name}.work")
    read = lambda done, total: on_progress("read", done, total)
    job = prepared(folder, work, config.max_size, _settings(config), read)
    found, runaway = _found(folder, work, job, config.threads, on_progress)
    result = _write(job, found, runaway, work / "pinholes/images", out, on_progress)
    if not config.keep_work:
        shutil.rmtree(work)
    return result


def _check_out(out: Path, folder: Path) -> None:
    if out.exists():
        raise InputError(f"{out}: exists already; remove it, or write elsewhere")
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{out}: lies in the folder of the photos; write elsewhere")


def _found(
    folder: Path, work: Path, job: dict[str, Any], threads: int | None, on_progress: Progress
) -> tuple[Reconstruction, tuple[str, ...]]:
    """What COLMAP found, without the photos whose focal length ran away, and their names."""
    found = run_colmap(work, threads, on_progress)
    if found is None:
        shutil.rmtree(work)  # it would find the same again
        raise InputError(
            f"{folder}: no {MIN_PHOTOS} of its {len(job['photos'])} photos could be placed "
            "together; give photos that overlap, of things that stand still and have texture, from "
            "places that are not all the same" + told(job["skipped"])
        )
    model, runaway = _sound(found.model)
    if len(model.images) < MIN_PHOTOS:
        raise InputError(
            f"{folder}: of {len(runaway)} photos no focal length was found, which leaves "
            f"{len(model.images)}; give more photos, from more places, larger ones (max_size), or, "
            "if all are of one camera at one zoom, --lenses one"
        )
    return replace(found, model=model), runaway


_LONGEST_LENS = 10
"""Focal length over a photo's longest side beyond which COLMAP too takes none for found while it
places photos; its last adjustment can still run there, where a camera far away sees the same."""


def _sound(model: ColmapModel) -> tuple[ColmapModel, tuple[str, ...]]:
    """A model without the photos whose focal length ran away, and their names."""
    sound = {key for key, lens in model.lenses.items() if _is_sound(lens)}
    images = tuple(image for image in model.images if image.camera in sound)
    seen = np.concatenate([np.zeros(0, np.int64), *(image.seen for image in images)])
    photos = np.bincount(seen, minlength=len(model.xyz))
    runaway = tuple(image.name for image in model.images if image.camera not in sound)
    return replace(model, images=images, photos=photos), runaway


def _is_sound(lens: dict[str, float]) -> bool:
    ratios = (lens[name] / max(lens["w"], lens["h"]) for name in ("fl_x", "fl_y"))
    return all(1 / _LONGEST_LENS < ratio < _LONGEST_LENS for ratio in ratios)


def _settings(config: RegisterConfig) -> dict[str, Any]:
    """Those that the result depends on."""
    others = ("threads", "keep_work")
    return {name: value for name, value in asdict(config).items() if name not in others}


def _write(
    job: dict[str, Any],
    found: Reconstruction,
    runaway: tuple[str, ...],
    pictures: Path,
    out: Path,
    on_progress: Progress,
) -> Registered:
    """Put the place upright into the unit sphere, and write it."""
    model = found.model
    files = {photo["image"]: photo["file"] for photo in job["photos"]}
    reliable = reliable_points(model.photos)
    cameras = [_camera(image, model) for image in model.images]
    world = from_points(cameras, model.xyz[reliable])
    result = Registered(
        files=tuple(files[image.name] for image in model.images),
        cameras=tuple(replace(camera, c2w=world.pose(camera.c2w)) for camera in cameras),
        xyz=world.points(model.xyz[reliable]),
        rgb=model.rgb[reliable],
        reprojection_error=found.reprojection_error,
        unregistered=_unregistered(job, found, runaway),
        skipped=tuple(map(tuple, job["skipped"])),
    )
    facts = {
        "registered": len(result.files),
        "unregistered": dict(result.unregistered),
        "skipped": dict(result.skipped),
        "points": len(result.xyz),
        "reprojection_error": result.reprojection_error,
        "world_from_colmap": asdict(world),
        "settings": job["settings"],
        "theta0": version("theta0"),
        "pycolmap": found.pycolmap,
    }
    photos = _posed(job, model, result, pictures, on_progress)
    write_photos(photos, out, ".jpg", (result.xyz, result.rgb), facts)
    return result


def _camera(image: ColmapImage, model: ColmapModel) -> Camera:
    """The camera of an undistorted photo, in COLMAP's world."""
    lens = model.lenses[image.camera]
    intrinsics = {name: lens[name] for name in ("fl_x", "fl_y", "cx", "cy")}
    c2w = swap_opencv_opengl(inverse_pose(image.w2c))
    return Camera(width=round(lens["w"]), height=round(lens["h"]), c2w=c2w, **intrinsics)


def _posed(
    job: dict[str, Any],
    model: ColmapModel,
    result: Registered,
    pictures: Path,
    on_progress: Progress,
) -> Iterator[tuple[Photo, Part | None]]:
    """The photos with their cameras, and depths of the points they show."""
    names = {photo["image"]: photo["name"] for photo in job["photos"]}
    reliable = reliable_points(model.photos)
    row = np.cumsum(reliable) - 1
    for number, (image, camera) in enumerate(zip(model.images, result.cameras, strict=True)):
        on_progress("written", number, len(model.images))
        shown = result.xyz[row[image.seen[reliable[image.seen]]]]
        near, far = range_of(project(shown, camera).depth)
        if near is None or far is None:
            raise InputError(f"{image.name}: shows no point of the place; leave the photo out")
        pixels = read_pixels(pictures / image.name, alpha=False)
        yield Photo(pixels, camera, names[image.name], near, far), None
    on_progress("written", len(model.images), len(model.images))


def _unregistered(
    job: dict[str, Any], found: Reconstruction, runaway: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """(file, reason) of the photos that are not in the largest model, or not for certain."""
    apart = {
        image: f"is in another model, of {len(images)} photos that do not overlap these enough"
        for images in found.others
        for image in images
    }
    apart |= dict.fromkeys(runaway, "its focal length could not be found")
    placed = {image.name for image in found.model.images}
    return tuple(
        (photo["file"], apart.get(photo["image"], "shows too little that others show too"))
        for photo in job["photos"]
        if photo["image"] not in placed
    )
