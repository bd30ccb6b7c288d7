"""The work folder of a collection of photos: upright pictures and their description.

WORK/job.json            format_version, settings, files (name: SHA-256), photos, skipped
WORK/images/00000.png    the photos, upright and downscaled, in the order of their names
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image

from theta0.data._files import existing_file
from theta0.data._frames import read_json
from theta0.data._picture_remarks import note_remarks
from theta0.data._pillow import opened, quiet
from theta0.data.images import image_paths, read_upright
from theta0.errors import InputError, MissingExtra
from theta0.files import whole_folder, write_json

FORMAT_VERSION = 1

MIN_PHOTOS = 3
"""Fewest photos of a scene: with fewer, outliers cannot be detected."""

_FILM_DIAGONAL_MM = 43.27
_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Millimetres per EXIF unit of the focal plane resolution."""


def prepared(
    folder: Path,
    work: Path,
    max_size: int,
    settings: dict[str, Any],
    on_progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Create the work folder if it does not exist, and return its `job.json`.

    Photos that cannot be read, or have the same pixels as another, are skipped.

    Args:
        folder: Of photos.
        work: The work folder, which is written atomically.
        max_size: Longest side of the pictures.
        settings: Settings that the result depends on; an existing folder must have the same.
        on_progress: Called with the photos done, and all photos.

    Raises:
        InputError: There are too few photos, or `work` was started with others.
    """
    paths = image_paths(folder)
    files = {path.relative_to(folder).as_posix(): _digest(path) for path in paths}
    wanted = {"format_version": FORMAT_VERSION, "settings": settings, "files": files}
    if work.exists():
        return _continued(work, wanted)
    with whole_folder(work) as temporary:
        (temporary / "images").mkdir()
        photos, skipped = _write_upright(folder, paths, temporary / "images", max_size, on_progress)
        if len(photos) < MIN_PHOTOS:
            raise InputError(
                f"{folder}: holds {len(photos)} photos that can be used; give at least "
                f"{MIN_PHOTOS} that show the same scene" + reasons(skipped)
            )
        if settings["lenses"] == "one":
            _check_one_size(folder, photos)
        job = {**wanted, "photos": photos, "skipped": skipped}
        write_json(temporary / "job.json", job)
    return job


def _continued(work: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """The job of an existing work folder.

    Raises:
        InputError: It was started with other photos or settings, or is not a work folder.
    """
    if not (work / "job.json").is_file():
        raise InputError(
            f"{work}: is needed as the work folder, but holds something else; move it, or "
            "write the result elsewhere"
        )
    job = read_json(work / "job.json")
    if any(job.get(key) != value for key, value in wanted.items()):
        raise InputError(
            f"{work}: was started with other photos or settings; remove it to start over, or "
            "give those"
        )
    return job


def reasons(skipped: Sequence[Sequence[str]]) -> str:
    """The first photos that were skipped, with reasons, for the end of an error message."""
    first = "; ".join(f"{file}: {why}" for file, why in skipped[:3])
    return f" ({first})" if skipped else ""


def _digest(path: Path) -> str | None:
    """The SHA-256 of a file; None if it cannot be read, which is reported when it is opened."""
    try:
        with open(existing_file(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (InputError, OSError):
        return None


def _write_upright(
    folder: Path,
    paths: Sequence[Path],
    out: Path,
    max_size: int,
    on_progress: Callable[[int, int], None],
) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Write the usable photos; returns these, and (file, reason) of the others."""
    photos: list[dict[str, Any]] = []
    skipped: list[list[str]] = []
    seen: dict[bytes, str] = {}
    names: set[str] = set()
    remarks: dict[str, tuple[str, ...]] = {}
    for number, path in enumerate(paths):
        on_progress(number, len(paths))
        file = path.relative_to(folder).as_posix()
        try:
            (pixels, remarks[file]), focal = read_upright(path, max_size), exif_focal(path)
        except (InputError, MissingExtra) as error:
            skipped.append([file, str(error).removeprefix(f"{path}: ")])
            continue
        first = seen.setdefault(_content(pixels), file)
        if first != file:
            skipped.append([file, f"is the same photo as {first}"])
            continue
        image = f"{len(photos):05d}.png"
        Image.fromarray(pixels).save(out / image, compress_level=1)
        height, width, _ = pixels.shape
        photos.append(
            {
                "image": image, "file": file, "name": _name(path.stem, names),
                "size": [width, height],
                "focal": None if focal is None else focal * math.hypot(width, height),
            }
        )  # fmt: skip
    on_progress(len(paths), len(paths))
    note_remarks(folder, remarks)
    return photos, skipped


def _check_one_size(folder: Path, photos: Sequence[dict[str, Any]]) -> None:
    """Refuse photos that cannot share one lens.

    Raises:
        InputError: They differ in size.
    """
    files: dict[tuple[int, int], str] = {}
    for photo in photos:
        files.setdefault(tuple(photo["size"]), photo["file"])
    if len(files) > 1:
        sizes = " and ".join(f"{file} is {w} x {h}" for (w, h), file in list(files.items())[:2])
        raise InputError(
            f"{folder}: lenses is one, but {sizes}; give photos of one size, or each its own "
            "lens (--lenses each)"
        )


def _content(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def _name(stem: str, taken: set[str]) -> str:
    """A name for a picture that is unique, also on file systems that ignore case."""
    name, count = stem, 1
    while name.casefold() in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name.casefold())
    return name


def exif_focal(path: Path) -> float | None:
    """The focal length in a photo's EXIF, relative to the diagonal of the picture; None if missing.

    It is computed from the 35 mm equivalent, which is defined by the diagonal (CIPA DC-008), or
    from the focal length of the lens and the resolution of the sensor.
    """
    with opened(path, header_only=True) as picture, quiet():
        try:
            focal = _focal(picture.image)
        except Exception:  # of a damaged tag; the photo itself is usable
            return None
    # Values outside 5 to 2000 mm (35 mm equivalent) are implausible.
    return focal if 0.1 < focal < 50 else None


def _focal(image: Image.Image) -> float:
    tag = ExifTags.Base
    tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
    if (film := float(tags.get(tag.FocalLengthIn35mmFilm, 0))) > 0:
        return film / _FILM_DIAGONAL_MM
    millimetres = _MM[tags[tag.FocalPlaneResolutionUnit]]
    pixels = float(tags[tag.FocalPlaneXResolution]) / millimetres
    width = tags.get(tag.ExifImageWidth, image.width)
    height = tags.get(tag.ExifImageHeight, image.height)
    return float(tags[tag.FocalLength]) * pixels / math.hypot(width, height)
