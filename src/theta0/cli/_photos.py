"""``theta0 data photos``: tourists' photos of a place, posed and undistorted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.data.photos import RegisterConfig, Registered, register_photos
from theta0.files import write_bytes

from ._common import parse, progress_bar, require_folder, resumable, say

EXAMPLES = """Find where photos of one place were taken, by structure from motion (COLMAP), and
write them undistorted with their cameras: OUT/transforms.json, images/, points.npz, and poses.png
to look at. Photos are turned upright by their EXIF; those that cannot be read, that are there
twice, or whose place is not found are named. The place stands upright in the unit sphere. A run
that was stopped goes on where it was: what is found is kept in OUT.work until OUT is written. Needs
pip install 'theta0[colmap]'.

examples:
  theta0 data photos trip/ --out cathedral
  theta0 data photos trip/ --out cathedral --max-size 800 --threads 4 --keep-work
  theta0 data photos frames/ --out statue --matching sequential
"""

_UNITS = {
    "read": "photos read",
    "features": "photos searched for features",
    "pairs": "pairs compared",
    "registered": "photos placed",
    "undistorted": "photos undistorted",
    "written": "photos written",
}


@dataclass
class Photos:
    """Arguments of ``theta0 data photos``."""

    folder: tyro.conf.Positional[Path]
    """folder of photos"""
    out: Path
    """folder for the result; it must not exist"""
    register: Annotated[RegisterConfig, tyro.conf.arg(name="")] = field(
        default_factory=RegisterConfig
    )


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Photos, argv, "data photos", description=EXAMPLES)
    require_folder(arguments.out)
    with resumable(f": {arguments.out}.work keeps what it found"), _bars() as update:
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
    # The place can only be looked at once it is there.
    from theta0.report.poses import poses_picture

    for file, reason in registered.skipped:
        say(f"skipped {file}: {reason}")
    for file, reason in registered.unregistered:
        say(f"left out {file}: {reason}")
    count, left_out = len(registered.files), len(registered.unregistered)
    found = f"{count} of {count + left_out} photos placed, {len(registered.xyz)} points"
    picture = write_bytes(
        out / "poses.png",
        poses_picture(registered.xyz, registered.rgb, registered.cameras, f"{out.name}: {found}"),
    )
    say(f"{out}: {found}, {registered.reprojection_error:.2f} pixels off in the mean")
    say(f"{picture}: where they were taken")
    return {
        "out": str(out),
        "registered": count,
        "unregistered": dict(registered.unregistered),
        "skipped": dict(registered.skipped),
        "points": len(registered.xyz),
        "reprojection_error": registered.reprojection_error,
        "poses": str(picture),
    }
