"""``theta0 data photos``: photographs of a scene, posed and undistorted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.data.photos import RegisterConfig, Registered, register_photos
from theta0.files import write_bytes

from ._common import parse, progress_bar, require_folder, resumable, say

EXAMPLES = """Estimate the cameras of photographs of one scene by structure from motion (COLMAP),
and write the photographs undistorted with their cameras: OUT/transforms.json, images/, points.npz,
and poses.png, a picture of the result. Photographs are rotated upright by their EXIF tags; files
that cannot be read, duplicates, and photographs that cannot be registered are listed and left out.
The scene is scaled to the unit sphere, z up. An interrupted run continues from OUT.work, which is
kept until OUT is written. Needs pip install 'theta0[colmap]'.

examples:
  theta0 data photos trip/ --out cathedral
  theta0 data photos trip/ --out cathedral --max-size 800 --threads 4 --keep-work
  theta0 data photos frames/ --out statue --matching sequential
"""

_UNITS = {
    "read": "photos read",
    "features": "photos with features extracted",
    "pairs": "pairs matched",
    "registered": "photos registered",
    "undistorted": "photos undistorted",
    "written": "photos written",
}


@dataclass
class Photos:
    """Arguments of ``theta0 data photos``."""

    folder: tyro.conf.Positional[Path]
    """folder of photographs"""
    out: Path
    """folder for the result; it must not exist"""
    register: Annotated[RegisterConfig, tyro.conf.arg(name="")] = field(
        default_factory=RegisterConfig
    )


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Photos, argv, "data photos", description=EXAMPLES)
    require_folder(arguments.out)
    with resumable(f": its results so far are in {arguments.out}.work"), _bars() as update:
        registered = register_photos(
            arguments.folder, arguments.out, arguments.register, on_progress=update
        )
    return _told(arguments.out, registered)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for each stage, one after another."""
    with ExitStack() as stack:
        shown, bar = "", lambda done, text: None

        def update(stage: str, done: int, total: int) -> None:
            nonlocal shown, bar
            if stage != shown:
                stack.close()
                shown, bar = stage, stack.enter_context(progress_bar(total, _UNITS[stage]))
            bar(done, "")

        yield update


def _told(out: Path, registered: Registered) -> dict[str, Any]:
    """Say and draw what was found; returns it for ``--json``."""
    # Needs Matplotlib.
    from theta0.report.poses import poses_picture

    for file, reason in registered.skipped:
        say(f"skipped {file}: {reason}")
    for file, reason in registered.unregistered:
        say(f"left out {file}: {reason}")
    count, left_out = len(registered.files), len(registered.unregistered)
    found = f"{count} of {count + left_out} photos registered, {len(registered.xyz)} points"
    picture = write_bytes(
        out / "poses.png",
        poses_picture(registered.xyz, registered.rgb, registered.cameras, f"{out.name}: {found}"),
    )
    say(f"{out}: {found}, mean reprojection error {registered.reprojection_error:.2f} pixels")
    say(f"{picture}: cameras and points")
    return {
        "out": str(out),
        "registered": count,
        "unregistered": dict(registered.unregistered),
        "skipped": dict(registered.skipped),
        "points": len(registered.xyz),
        "reprojection_error": registered.reprojection_error,
        "poses": str(picture),
    }
