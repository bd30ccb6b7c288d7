"""``theta0 render``: new views of fitted objects, as a film or side by side."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from jaxtyping import Float

from theta0.errors import InputError, require_positive
from theta0.fields import Field
from theta0.reconstruct import LARGEST_SIZE, camera_paths, interpolate, render_view
from theta0.report import check_video, depth_picture, write_video
from theta0.tasks import PhotoConfig

from ._common import Flag, parse, progress_bar, require_folder, say
from ._objects import FittedObject, find_object

EXAMPLES = """Render new views of fitted objects, or of learned starts, along a camera's path.

examples:
  theta0 render fits/chair
  theta0 render fits/chair --path spiral --out chair.mp4 --frames 120 --size 256 --depth
  theta0 render fits/chair --out chair.png --elevation 10
  theta0 render fits/chair fits/stool --path interpolate --out between.gif
  theta0 render fits/meta fits/standard --out side-by-side.gif
  theta0 render runs/view-chair/cpu --out start.gif

paths: orbit is a turn at one height; spiral two turns, going 30 degrees up and down; interpolate
goes from the weights of one fit to those of another from the same start, in a straight line, while
the camera goes a quarter turn. The first two close: a film of them repeats without a jump. A place
that was fitted to a photograph is seen from around where that was taken, by all but orbit. Several
fits are shown beside one another, seen by the same camera.

files: .gif and .mp4 play (.mp4 needs pip install 'theta0[video]'); .png has all frames in rows.
"""

_BEGIN_DEG, _ABOVE_DEG = -60.0, 20.0
_FRAMES = {".png": 8}
_FRAMES_OF_FILM = 60


@dataclass
class RenderArguments:
    """Arguments of ``theta0 render``."""

    fit: tyro.conf.Positional[str]
    """folder that theta0 fit wrote, its fitted.safetensors, or a learned start"""
    others: tyro.conf.Positional[tuple[str, ...]] = ()
    """more of them, shown to its right; with --path interpolate the fit it ends at"""
    path: Literal["orbit", "spiral", "interpolate"] | None = None
    """how the camera goes, and whether the object changes; orbit when left out, and spiral of a
    photograph"""
    out: Path | None = None
    """file that ends in .gif, .mp4 or .png; PATH.gif in the folder of the fit when left out"""
    frames: int | None = None
    """pictures, evenly spaced; 60, and 8 in a .png, when left out"""
    size: int | None = None
    """pixels a side; as the fitted pictures when left out"""
    azimuth: float | None = None
    """where the camera begins, in degrees from +x towards +y (objects face -y); -60 when left
    out"""
    elevation: float | None = None
    """degrees above the horizontal; of a spiral: in the middle; 20 when left out"""
    distance: float | None = None
    """from the camera to the object's centre, in world units (the bounding sphere's radius is 1);
    as the fitted pictures when left out"""
    fov: float | None = None
    """angle between the left and the right edge, in degrees; the same"""
    background: Literal["white", "black"] | None = None
    """what is behind the object; as in the fitted pictures when left out"""
    depth: Flag = False
    """show depth beside it: bright is near, dark is far"""
    fps: float = 20.0
    """frames a second"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(RenderArguments, argv, "render", description=EXAMPLES)
    first = find_object(arguments.fit)
    if isinstance(first.data, PhotoConfig):
        _check_photograph(arguments)
    if arguments.path is None:
        arguments.path = "spiral" if isinstance(first.data, PhotoConfig) else "orbit"
    out = arguments.out or first.folder / f"{arguments.path}.gif"
    frames = _check(arguments, out)
    found = [first, *map(find_object, arguments.others)]
    if len({type(one.data) for one in found}) > 1:
        raise InputError("some are objects and others places in photographs; show them apart")
    size = arguments.size or first.data.size
    poses = _poses(arguments, frames, _as_told(first, arguments))
    if arguments.path == "interpolate":
        films = [(first, _between(found, arguments, frames))]
    else:
        films = [(one, itertools.repeat(one.field)) for one in found]
    began = time.monotonic()
    with progress_bar(frames, "frames") as update:
        pictures = [
            _pictures(_as_told(one, arguments), fields, poses, size, arguments.depth)
            for one, fields in films
        ]

        def told() -> Iterator[Float[np.ndarray, "height width 3"]]:
            for number, side_by_side in enumerate(zip(*pictures, strict=True), start=1):
                yield np.concatenate(side_by_side, axis=1)
                update(number, "")

        write_video(out, told(), arguments.fps)
    seconds = round(time.monotonic() - began, 2)
    say(f"{frames} frames of {size} x {size} pixels in {seconds:.1f} s: {out}")
    return {"out": str(out), "frames": frames, "size": size, "seconds": seconds}


def _check(arguments: RenderArguments, out: Path) -> int:
    """Refuse what cannot be rendered; returns the number of frames."""
    require_folder(out.parent)
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder; name a file in it, such as {out / 'film.gif'}")
    check_video(out)
    require_positive(arguments, "frames", "fps")
    if arguments.elevation is not None and abs(arguments.elevation) > 90:
        raise InputError(f"--elevation {arguments.elevation:g}: give -90 to 90 degrees")
    if arguments.size is not None and not 2 <= arguments.size <= LARGEST_SIZE:
        raise InputError(f"--size {arguments.size}: give 2 to {LARGEST_SIZE} pixels")
    if arguments.path == "interpolate" and len(arguments.others) != 1:
        raise InputError(
            "--path interpolate goes from one fit to another: name both, as in theta0 render FIT "
            "OTHER --path interpolate"
        )
    return arguments.frames or _FRAMES.get(out.suffix.lower(), _FRAMES_OF_FILM)


def _check_photograph(arguments: RenderArguments) -> None:
    """Refuse what is of objects."""
    for name in ("azimuth", "elevation", "distance", "fov", "background"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--{name} is of objects; a place is seen from around where its photograph was "
                "taken, so leave it out"
            )
    if arguments.path == "orbit":
        raise InputError(
            "--path orbit goes around an object; a photograph shows a place from one side, so give "
            "spiral"
        )


def _as_told(found: FittedObject, arguments: RenderArguments) -> FittedObject:
    """With the camera and the background that are given."""
    given = {"distance": arguments.distance, "fov_deg": arguments.fov}
    data = replace(found.data, **{name: of for name, of in given.items() if of is not None})
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
            f"{arguments.fit} and {arguments.others[0]} are of different networks or renderers; "
            "interpolate between fits from one start"
        )
    shares = np.linspace(0, 1, frames).tolist()
    return (interpolate(first.field, last.field, share) for share in shares)


def _poses(
    arguments: RenderArguments, frames: int, shown: FittedObject
) -> Float[np.ndarray, "frames 3 4"]:
    data = shown.data
    if isinstance(data, PhotoConfig):
        standpoint = data.taken_from()
        return camera_paths.forward_facing(frames, standpoint.pose, standpoint.middle)
    azimuth = _BEGIN_DEG if arguments.azimuth is None else arguments.azimuth
    elevation = _ABOVE_DEG if arguments.elevation is None else arguments.elevation
    where = azimuth, elevation, data.distance
    if arguments.path == "spiral":
        return camera_paths.spiral(frames, *where)
    return camera_paths.orbit(
        frames, *where, turn_deg=90 if arguments.path == "interpolate" else 360
    )


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
    for pose, field in zip(poses, fields, strict=False):  # one field may be seen for ever
        view = render_view(shown.volume, field, data, data.camera(pose, size))
        if not depth:
            yield view.colour
            continue
        beside = depth_picture(view.depth, view.opacity, nearest, farthest, background)
        yield np.concatenate([view.colour, beside], axis=1)
