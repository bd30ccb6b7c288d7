"""``theta0 data tourist-town``: tourist photographs of a procedural landmark."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0 import __version__
from theta0.data.photos import Part, Photo, write_photos
from theta0.data.town import TouristTown, Town

from ._common import parse, progress_bar, require_folder, say

EXAMPLES = """Write photographs of a procedural landmark, each from its own viewpoint, in its own
light and with its own transient occluders. The folder holds transforms.json (camera, near, far and
split of each photograph), images/, masks/ (occlusion masks) and points.npz (points of the
landmark). Another seed gives another landmark; photograph n of a seed is always the same.

examples:
  theta0 data tourist-town --out town
  theta0 data tourist-town --photos 100 --size 128 --seed 7 --out town-7
  theta0 data tourist-town --photos 20 --validation 0 --no-occluders --out empty-town
"""


@dataclass
class WriteTown:
    """Arguments of ``theta0 data tourist-town``."""

    out: Path
    """folder for the photographs; it must not exist"""
    town: Annotated[TouristTown, tyro.conf.arg(name="")] = field(default_factory=TouristTown)


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(WriteTown, argv, "data tourist-town", description=EXAMPLES)
    require_folder(arguments.out)
    town = arguments.town.read()
    facts = {
        "source": "theta0 data tourist-town",
        "version": __version__,
        "settings": asdict(arguments.town),
    }
    write_photos(_told(town), arguments.out, points=town.points(), facts=facts)
    counts = {part: len(numbers) for part, numbers in _parts(town).items()}
    say(f"{arguments.out}: " + ", ".join(f"{count} {part}" for part, count in counts.items()))
    return {"out": str(arguments.out), **counts, "size": town.settings.size}


def _parts(town: Town) -> dict[Part, tuple[int, ...]]:
    return {"train": town.split.train, "val": town.split.validation, "test": town.split.test}


def _told(town: Town) -> Iterator[tuple[Photo, Part]]:
    """All photographs, each with its part of the split, while progress is told."""
    total = len(town.names)
    with progress_bar(total, "photographs") as update:
        for part, numbers in _parts(town).items():
            for number in numbers:
                update(number, "")
                yield town.load(number), part
        update(total, "")
