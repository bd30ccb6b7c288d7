"""The splits and credits of rendered objects."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from theta0.data import split
from theta0.data._splits import groups_of
from theta0.data.meshes._sets import MeshObject
from theta0.errors import InputError
from theta0.files import write_json, write_text

RECORD = "object.json"
"""The record of an object, in its folder."""

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")

_COLUMNS: tuple[str, ...] = ("class", "id", "name", "source", "licence", "creator", "augmented_of")


@dataclass(frozen=True, eq=False)
class Job:
    """An object to render into the folder `out`: an original (variant 0) or a variant."""

    source: MeshObject
    variant: int
    out: Path

    @property
    def id(self) -> str:
        """Name in the class."""
        return f"{self.source.id}-variant{self.variant}" if self.variant else self.source.id

    @property
    def category(self) -> str:
        """Name of the class."""
        return self.source.category

    @property
    def folder(self) -> Path:
        """Folder of the object."""
        return self.out / self.category / self.id


def plan_splits(
    objects: Sequence[MeshObject],
    validation: int | float,
    test: int | float,
    seed: int,
    group: str | None = None,
) -> dict[str, Part]:
    """The part of the split of each object, by key; each class is split on its own.

    Objects of one ``group``, a regular expression as in `split`, stay together.

    Raises:
        InputError: A number is invalid, or leaves no object of a class for training.
    """
    parts: dict[str, Part] = {}
    for category, members in _by_class(objects).items():
        try:
            # A seed in front of the names changes their digests, and so their order.
            kin = groups_of([one.id for one in members], group)
            chosen = split([f"{seed}:{name}" for name in kin], validation, test)
        except InputError as error:
            raise InputError(f"class {category}: {error}") from error
        for part, numbers in zip(
            PARTS, (chosen.train, chosen.validation, chosen.test), strict=True
        ):
            parts |= {members[number].key: part for number in numbers}
    return parts


def write_summaries(
    out: Path, jobs: Sequence[Job], part_of: dict[str, Part]
) -> dict[str, dict[Part, tuple[str, ...]]]:
    """Write the splits of the classes of these objects, and the credits of all objects in `out`.

    Args:
        out: Folder of the result.
        jobs: The finished objects.
        part_of: See `plan_splits`.

    Returns:
        The splits, by class.
    """
    splits: dict[str, dict[Part, tuple[str, ...]]] = {}
    for category, members in _by_class(jobs).items():
        splits[category] = {
            part: tuple(sorted(job.id for job in members if part_of[job.source.key] == part))
            for part in PARTS
        }
        write_json(out / f"{category}_splits.json", splits[category])
    if jobs:
        records = [read_record(path.parent) for path in sorted(out.glob(f"[!.]*/[!.]*/{RECORD}"))]
        _write_credits(out, records)
    return splits


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a rendered object; empty if there is none."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_credits(out: Path, records: list[dict[str, Any]]) -> None:
    rows = [{name: record.get(name) for name in _COLUMNS} for record in records]
    write_json(out / "credits.json", rows)
    text = io.StringIO()
    table = csv.DictWriter(text, list(_COLUMNS), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(out / "credits.csv", text.getvalue())


def _by_class(objects: Sequence[Any]) -> dict[str, list[Any]]:
    classes: dict[str, list[Any]] = defaultdict(list)
    for one in objects:
        classes[one.category].append(one)
    return classes
