"""``theta0 render``: novel views of fitted objects and scenes, as a video or side by side."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from jaxtyping import Float

from theta0.errors import InputError, require_at_most, require_positive
from theta0.fields import Field
from theta0.reconstruct import interpolate, render_view
from theta0.report import check_video, depth_picture, write_video
from theta0.signals import LARGEST_SIZE

from ._common import Flag, parse, progress_bar, require_folder, say
from ._objects import FittedObject, find_object

EXAMPLES = """Render novel views of fitted objects and scenes, or of learned initializations, along
a camera path.

examples:
  theta0 render fits/chair
  theta0 render fits/chair --path spiral --out chair.mp4 --frames 120 --size 256 --depth
  theta0 render fits/chair --out chair.png --elevation 10
  theta0 render fits/chair fits/stool --path interpolate --out between.gif
  theta0 render fits/learned fits/standard --out side-by-side.gif
  theta0 render runs/view-chair/cpu --out initialization.gif

Paths: orbit is a full turn at constant elevation; spiral is two turns while the elevation
oscillates by 30 degrees; both loop without a jump. Interpolate blends the weights of one fit
linearly into those of another fit from the same initialization, during a quarter turn. A scene that
was fitted to a photograph is seen from close to where it was taken, by spiral and interpolate.
Several fits are shown side by side, seen by the same camera.

Files: .gif and .mp4 are videos (.mp4 needs pip install 'theta0[video]'); .png is a contact sheet of
all frames.
"""

_FRAMES = {".png": 8}
_FRAMES_OF_VIDEO = 60
_MOST_FRAMES = 100_000
"""More than an hour of video: a day and more of work"""


@dataclass
class RenderArguments:
    """Arguments of ``theta0 render``."""

    fit: tyro.conf.Positional[str]
    """folder that theta0 fit wrote, its fitted.safetensors, or a learned initialization"""
    others: tyro.conf.Positional[tuple[str, ...]] = ()
    """more of them, shown to its right; with --path interpolate the fit to end at"""
    path: Literal["orbit", "spiral", "interpolate"] | None = None
    """camera path; orbit when left out, or spiral of a scene fitted to a photograph"""
    out: Path | None = None
    """file that ends in .gif, .mp4 or .png; PATH.gif in the folder of the fit when left out"""
    frames: int | None = None
    """number of frames, evenly spaced along the path; 60, or 8 in a .png, when left out"""
    size: int | None = None
    """pixels per side; those of the fitted pictures when left out"""
    azimuth: float | None = None
    """of the first camera, in degrees from +x towards +y (objects face -y); -60 when left out"""
    elevation: float | None = None
    """of the camera above the horizontal, in degrees, of a spiral the mean; 20 when left out"""
    distance: float | None = None
    """from the camera to the object's centre, in world units (the bounding sphere's radius is 1);
    that of the fitted pictures when left out"""
    fov: float | None = None
    """angle between the left and the right edge, in degrees; that of the fitted pictures when left
    out"""
    background: Literal["white", "black"] | None = None
    """colour behind the object; that of the fitted pictures when left out"""
    depth: Flag = False
    """show depth beside colour: bright is near, dark is far"""
    fps: float = 20.0
    """frames per second"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(RenderArguments, argv, "render", description=EXAMPLES)
    first = find_object(arguments.fit)
    of_camera = ("azimuth", "elevation", "distance", "fov", "background")
    given = {name: getattr(arguments, name) for name in of_camera}
    first.data.refuse_camera(arguments.path, given)
    path = arguments.path or first.data.camera_path
    out = arguments.out or first.folder / f"{path}.gif"
    frames = _check(arguments, out)
    found = [first, *map(find_object, arguments.others)]
    if len({type(one.data) for one in found}) > 1:
        raise InputError("some are objects, others scenes in photographs; render them separately")
    size = arguments.size or first.data.size
    check_video(out, frames, size**2 * len(found) * (1 + arguments.depth))
    began = time.monotonic()
    with progress_bar(frames, "frames") as update:
        pictures = _rendered(found, arguments, path, frames, size)
        write_video(out, _side_by_side(pictures, lambda done: update(done, "")), arguments.fps)
    seconds = round(time.monotonic() - began, 2)
    say(f"{frames} frames of {size} x {size} pixels in {seconds:.1f} s: {out}")
    return {"out": str(out), "frames": frames, "size": size, "seconds": seconds}


def _rendered(
    found: Sequence[FittedObject], arguments: RenderArguments, path: str, frames: int, size: int
) -> list[Iterator[Float[np.ndarray, "height width 3"]]]:
    """The frames of each fit along the path, or those between two fits."""
    shown = [(one, itertools.repeat(one.field)) for one in found]
    if path == "interpolate":
        shown = [(found[0], _between(found, arguments, frames))]
    seen = _as_told(found[0], arguments).data
    poses = seen.poses(path, frames, arguments.azimuth, arguments.elevation)
    return [
        _pictures(_as_told(one, arguments), fields, poses, size, arguments.depth)
        for one, fields in shown
    ]


def _side_by_side(
    pictures: list[Iterator[Float[np.ndarray, "height width 3"]]], done: Callable[[int], None]
) -> Iterator[Float[np.ndarray, "height width 3"]]:
    """Frames of several fits joined; ``done`` is told how many there are so far."""
    for number, frames in enumerate(zip(*pictures, strict=True), start=1):
        yield np.concatenate(frames, axis=1)
        done(number)


def _check(arguments: RenderArguments, out: Path) -> int:
    """Refuse what cannot be rendered; returns the number of frames."""
    require_folder(out.parent)
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder; give a file, such as {out / 'video.gif'}")
    check_video(out)
    require_positive(arguments, "frames", "fps")
    require_at_most("frames", arguments.frames, _MOST_FRAMES)
    if arguments.elevation is not None and abs(arguments.elevation) > 90:
        raise InputError(f"--elevation {arguments.elevation:g}: give -90 to 90 degrees")
    if arguments.size is not None and not 2 <= arguments.size <= LARGEST_SIZE:
        raise InputError(f"--size {arguments.size}: give 2 to {LARGEST_SIZE} pixels")
    if arguments.path == "interpolate" and len(arguments.others) != 1:
        raise InputError(
            "--path interpolate ends at another fit: name both, as in theta0 render FIT OTHER "
            "--path interpolate"
        )
    return arguments.frames or _FRAMES.get(out.suffix.lower(), _FRAMES_OF_VIDEO)


def _as_told(found: FittedObject, arguments: RenderArguments) -> FittedObject:
    """With the camera and the background that are given."""
    given = {"distance": arguments.distance, "fov_deg": arguments.fov}
    changed = {name: of for name, of in given.items() if of is not None}
    data = replace(found.data, **changed)  # pyright: ignore[reportArgumentType]
    volume = found.volume
    if arguments.background is not None:
        volume = replace(volume, background=arguments.background)
    return replace(found, data=data, volume=volume)


def _between(
    found: Sequence[FittedObject], arguments: RenderArguments, frames: int
) -> Iterator[Field]:
    """The field of each frame, from the first to the last."""
    first, last = found
    networks = [getattr(one.field, "config", None) for one in found]
    if networks[0] != networks[1] or first.volume != last.volume:
        raise InputError(
            f"{arguments.fit} and {arguments.others[0]} have different networks or renderers; "
            "interpolate between fits from one initialization"
        )
    shares = np.linspace(0, 1, frames).tolist()
    return (interpolate(first.field, last.field, share) for share in shares)


def _pictures(
    shown: FittedObject,
    fields: Iterable[Field],
    poses: Float[np.ndarray, "frames 3 4"],
    size: int,
    depth: bool,
) -> Iterator[Float[np.ndarray, "height width 3"]]:
    """Frames, each rendered when it is asked for."""
    data, background = shown.data, float(shown.volume.background == "white")
    nearest, farthest = data.depths
    for pose, field in zip(poses, fields, strict=False):  # one field may be repeated for ever
        view = render_view(shown.volume, field, data, data.camera(pose, size))
        if not depth:
            yield view.colour
            continue
        beside = depth_picture(view.depth, view.opacity, nearest, farthest, background)
        yield np.concatenate([view.colour, beside], axis=1)
