"""Writes the views of an object in the layout of the paper's authors, which Blender's readers take.

FOLDER/transforms.json      format_version, intrinsics, and frames: file_path without suffix,
                            transform_matrix (camera to world, OpenGL axes, z up)
FOLDER/000.png ...          8-bit RGBA (or RGB)
FOLDER/000_depth.png ...    optional: 16 bits, in steps of depth_scale world units; 0: background
FOLDER/000_depth.npy ...    or float32 in world units; inf: background
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from PIL import Image

from theta0.data.views._posed import Views
from theta0.errors import InputError
from theta0.files import whole_folder, write_json

FORMAT_VERSION = 1

_STEPS = (1 << 16) - 1
_LENS = ("fl_x", "fl_y", "cx", "cy")


def write_views(
    views: Views, folder: str | Path, depth: Literal["png", "npy", "none"] = "png"
) -> Path:
    """Write the views of an object as a folder, atomically.

    Args:
        views: Floats are rounded to bytes.
        folder: It must not exist. `views.names` are not kept: pictures are numbered.
        depth: Format of the depths, if the views have any. In a PNG they are rounded to multiples
            of `depth_scale`, the largest depth divided by 65535: 8e-5 for an object at distance 4.

    Returns:
        The folder.

    Raises:
        InputError: The folder exists already.
        OSError: It cannot be written; nothing is left behind.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder}: exists already; remove it, or write elsewhere")
    with whole_folder(folder) as temporary:
        _write(views, temporary, depth if views.depth is not None else "none")
    return folder


def _write(views: Views, folder: Path, depth: Literal["png", "npy", "none"]) -> None:
    scale = None
    if depth == "png":
        assert views.depth is not None
        scale = float(views.depth.max(where=np.isfinite(views.depth), initial=0)) / _STEPS or 1.0
    lenses = [_lens(views, number) for number in range(len(views))]
    shared = lenses[0] if all(lens == lenses[0] for lens in lenses) else {}
    frames = []
    for number, (camera, lens) in enumerate(zip(views.cameras, lenses, strict=True)):
        frame: dict[str, Any] = {"file_path": f"./{number:03d}"}
        if depth != "none":
            assert views.depth is not None
            frame["depth_file_path"] = f"{number:03d}_depth.{depth}"
            _write_depth(views.depth[number], folder / frame["depth_file_path"], scale)
        pixels = views.images[number]
        if pixels.dtype != np.uint8:
            pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
        matrix = [*camera.c2w.tolist(), [0.0, 0.0, 0.0, 1.0]]
        frames.append(frame | ({} if shared else lens) | {"transform_matrix": matrix})
    head: dict[str, Any] = {"format_version": FORMAT_VERSION, **shared}
    if scale is not None:
        head["depth_scale"] = scale
    write_json(folder / "transforms.json", head | {"frames": frames})


def _lens(views: Views, number: int) -> dict[str, float]:
    camera = views.cameras[number]
    angle = {"camera_angle_x": float(np.deg2rad(camera.fov_x_deg))}
    size = {"w": camera.width, "h": camera.height}
    return angle | {name: float(getattr(camera, name)) for name in _LENS} | size


def _write_depth(depth: Float[np.ndarray, "height width"], path: Path, scale: float | None) -> None:
    if scale is None:
        np.save(path, depth.astype(np.float32))
        return
    steps = np.where(np.isfinite(depth), np.rint(depth / scale), 0)
    Image.fromarray(steps.astype(np.uint16)).save(path)
