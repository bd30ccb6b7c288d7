"""Writes a collection of photographs as a folder, for `read_photos` and other readers.

FOLDER/transforms.json      format_version, normalised (true: the world is kept), and frames:
                            file_path, transform_matrix (camera to world, OpenGL axes, z up), w h
                            fl_x fl_y cx cy in pixels, near, far, split, and optionally mask_path
FOLDER/images/NAME.png      8-bit RGB (or .jpg)
FOLDER/masks/NAME.png       occlusion masks: 0 where the scene is occluded, 255 elsewhere
FOLDER/points.npz           optional: xyz float32, rgb uint8, points of the scene
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from theta0.data.photos._photos import Photo
from theta0.errors import InputError
from theta0.files import whole_folder, write_json

FORMAT_VERSION = 1

Part = Literal["train", "val", "test"]
Points = tuple[Float[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]


def write_photos(
    photos: Iterable[tuple[Photo, Part | None]],
    folder: str | Path,
    suffix: Literal[".png", ".jpg"] = ".png",
    points: Points | None = None,
    facts: dict[str, Any] | None = None,
) -> Path:
    """Write photographs as a folder, atomically.

    Args:
        photos: Each with its part of the split, or None to leave the split to the reader.
        folder: It must not exist.
        suffix: Of the pictures; ``.jpg`` is smaller and lossy.
        points: Positions and colours of points of the scene.
        facts: Further information about the collection, as JSON.

    Returns:
        The folder.

    Raises:
        InputError: The folder exists already, or two photographs have the same name.
        OSError: It cannot be written; nothing is left behind.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder}: exists already; remove it, or write elsewhere")
    with whole_folder(folder) as temporary:
        (temporary / "images").mkdir()
        frames = [_write(photo, part, temporary, suffix) for photo, part in photos]
        names = [frame["file_path"] for frame in frames]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"{min(twice)}: is the name of two photographs; rename one")
        if points is not None:
            xyz, rgb = points
            np.savez(temporary / "points.npz", xyz=xyz.astype(np.float32), rgb=rgb)
        head = {"format_version": FORMAT_VERSION, "normalised": True, **(facts or {})}
        write_json(temporary / "transforms.json", head | {"frames": frames})
    return folder


def _write(photo: Photo, part: Part | None, folder: Path, suffix: str) -> dict[str, Any]:
    camera, file = photo.camera, f"images/{photo.name}{suffix}"
    if Path(photo.name).name != photo.name:
        raise InputError(f"{photo.name!r}: is not a file name; leave out folders")
    Image.fromarray(photo.image).save(folder / file, quality=95)
    frame: dict[str, Any] = {"file_path": file}
    if photo.hidden is not None:
        frame["mask_path"] = f"masks/{photo.name}.png"
        (folder / "masks").mkdir(exist_ok=True)
        mask = np.where(photo.hidden, 0, 255).astype(np.uint8)
        Image.fromarray(mask).save(folder / frame["mask_path"])
    lens = {name: float(getattr(camera, name)) for name in ("fl_x", "fl_y", "cx", "cy")}
    return {
        **frame,
        **({} if part is None else {"split": part}),
        "w": camera.width,
        "h": camera.height,
        **lens,
        "near": photo.near,
        "far": photo.far,
        "transform_matrix": [*camera.c2w.tolist(), [0.0, 0.0, 0.0, 1.0]],
    }
