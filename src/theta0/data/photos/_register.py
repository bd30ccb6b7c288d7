"""Registers a folder of photos by structure from motion (COLMAP), and undistorts them.

    OUT/          transforms.json, images/NAME.jpg, points.npz (see `write_photos`)
    OUT.work/     temporary: upright photos, COLMAP's database and models, colmap.log

Finished stages are kept in the work folder, so an interrupted run can be continued. OUT is written
atomically at the end, and the work folder is removed.
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
from theta0.data.photos._work import MIN_PHOTOS, prepared, reasons
from theta0.data.photos._write import Part, write_photos
from theta0.errors import InputError, require_positive


@dataclass(frozen=True)
class RegisterConfig:
    """How photos are registered."""

    max_size: int = 1000
    """longest side of the photos, in pixels; larger ones are downscaled first"""
    matching: Literal["exhaustive", "sequential"] = "exhaustive"
    """match all pairs, or each photo with the next ones by name, for instance of a video"""
    overlap: int = 10
    """number of next photos that sequential matching compares each photo with"""
    lenses: Literal["auto", "one", "each"] = "auto"
    """one: all photos share the lens, whose focal length, distortion and, from 10 photos on,
    principal point are estimated from all photos; each: every photo has its own lens; auto: one, if
    separate estimates of the focal length differ by less than 2%"""
    features: int = 8192
    """maximum number of features per photo"""
    seed: int = 0
    """seed of COLMAP's random numbers"""
    threads: int | None = None
    """threads for extracting and matching features; all cores by default. Photos are always
    registered by one thread; with one thread in all, results are reproducible to the bit"""
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
    """The result of `register_photos`.

    Attributes:
        files: Registered photos, relative to their folder.
        cameras: Of their undistorted pictures.
        xyz: Points of the scene; see `reliable_points`.
        rgb: Their colours.
        reprojection_error: Mean distance between projected points and features, in pixels.
        unregistered: (file, reason) of photos that could not be registered.
        skipped: (file, reason) of photos that could not be read, or are duplicates.
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
    """Estimate the cameras of photos of one scene, and write the photos undistorted.

    If there are several models, the one with the most photos is kept. Focal lengths are initialized
    from EXIF, or as 1.2 times the longest side. They and one coefficient of radial distortion are
    estimated for each photo, or jointly if all photos share one lens. World coordinates are
    normalized; see `Similarity`.

    Args:
        folder: Of at least 3 photos, in it or in its subfolders.
        out: Folder for the result, outside `folder`; it must not exist.
        config: Settings; None for the defaults.
        on_progress: Called with the stage ('read', 'features', 'pairs', 'registered',
            'undistorted', 'written'), the count that is done, and the total.

    Raises:
        InputError: There are too few photos, no three of them could be registered together, COLMAP
            failed, or `out` exists or cannot be used.
        MissingExtra: pycolmap is not installed.
    """
    folder, out, config = existing_folder(folder), Path(out), config or RegisterConfig()
    require_pycolmap()
    _check_out(out, folder)
    work = out.with_name(f"{out.name}.work")
    read = lambda done, total: on_progress("read", done, total)
    job = prepared(folder, work, config.max_size, _settings(config), read)
    found, diverged = _found(folder, work, job, config.threads, on_progress)
    result = _write(job, found, diverged, work / "pinholes/images", out, on_progress)
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
    """COLMAP's result without photos whose focal length diverged, and the names of these."""
    found = run_colmap(work, threads, on_progress)
    if found is None:
        shutil.rmtree(work)  # another run would give the same
        raise InputError(
            f"{folder}: no {MIN_PHOTOS} of its {len(job['photos'])} photos could be registered "
            "together; give photos that overlap, of a static scene with texture, from different "
            "viewpoints" + reasons(job["skipped"])
        )
    model, diverged = _sound(found.model)
    if len(model.images) < MIN_PHOTOS:
        raise InputError(
            f"{folder}: the focal lengths of {len(diverged)} photos diverged, which leaves "
            f"{len(model.images)}; give more photos from more viewpoints, larger ones "
            "(--max-size) or, if all share one camera and zoom, --lenses one"
        )
    return replace(found, model=model), diverged


_LONGEST_LENS = 10
"""Largest ratio of the focal length to the longest side of a photo. COLMAP applies the same limit
while it registers photos, but its last adjustment may still diverge to a distant camera."""


def _sound(model: ColmapModel) -> tuple[ColmapModel, tuple[str, ...]]:
    """A model without the photos whose focal length diverged, and the names of these."""
    sound = {key for key, lens in model.lenses.items() if _is_sound(lens)}
    images = tuple(image for image in model.images if image.camera in sound)
    seen = np.concatenate([np.zeros(0, np.int64), *(image.seen for image in images)])
    photos = np.bincount(seen, minlength=len(model.xyz))
    diverged = tuple(image.name for image in model.images if image.camera not in sound)
    return replace(model, images=images, photos=photos), diverged


def _is_sound(lens: dict[str, float]) -> bool:
    ratios = (lens[name] / max(lens["w"], lens["h"]) for name in ("fl_x", "fl_y"))
    return all(1 / _LONGEST_LENS < ratio < _LONGEST_LENS for ratio in ratios)


def _settings(config: RegisterConfig) -> dict[str, Any]:
    """The settings that the result depends on."""
    others = ("threads", "keep_work")
    return {name: value for name, value in asdict(config).items() if name not in others}


def _write(
    job: dict[str, Any],
    found: Reconstruction,
    diverged: tuple[str, ...],
    pictures: Path,
    out: Path,
    on_progress: Progress,
) -> Registered:
    """Normalize the coordinates, and write the photos."""
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
        unregistered=_unregistered(job, found, diverged),
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
    """The camera of an undistorted photo, in COLMAP's coordinates."""
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
    """The photos with their cameras, and depth ranges from their points."""
    names = {photo["image"]: photo["name"] for photo in job["photos"]}
    reliable = reliable_points(model.photos)
    row = np.cumsum(reliable) - 1
    for number, (image, camera) in enumerate(zip(model.images, result.cameras, strict=True)):
        on_progress("written", number, len(model.images))
        shown = result.xyz[row[image.seen[reliable[image.seen]]]]
        near, far = range_of(project(shown, camera).depth)
        if near is None or far is None:
            raise InputError(f"{image.name}: shows no point of the scene; leave the photo out")
        pixels = read_pixels(pictures / image.name, alpha=False)
        yield Photo(pixels, camera, names[image.name], near, far), None
    on_progress("written", len(model.images), len(model.images))


def _unregistered(
    job: dict[str, Any], found: Reconstruction, diverged: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """(file, reason) of the photos that are not in the largest model, or diverged."""
    apart = {
        image: f"is in another model, of {len(images)} photos that do not overlap these enough"
        for images in found.others
        for image in images
    }
    apart |= dict.fromkeys(diverged, "its focal length diverged")
    placed = {image.name for image in found.model.images}
    return tuple(
        (photo["file"], apart.get(photo["image"], "shows too little that others show too"))
        for photo in job["photos"]
        if photo["image"] not in placed
    )
