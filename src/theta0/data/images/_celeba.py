"""CelebA: aligned faces of 178 x 218 pixels, in the split of its authors (Liu et al., ICCV 2015).

The layout of its extracted archives:

    PATH/img_align_celeba/000001.jpg ...     or below PATH/Img
    PATH/list_eval_partition.txt             or below PATH/Eval; lines such as "000001.jpg 0"
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from theta0.data._files import existing_folder
from theta0.data.images._pictures import PicturesInMemory, given_path, read_parts
from theta0.errors import InputError, require_positive
from theta0.memory import check_memory

PARTITION = "list_eval_partition.txt"
PICTURES = "img_align_celeba"

_LARGEST = 1 << 26
"""Largest partition file that is read, in bytes; the original has 2.8 million."""


@dataclass(frozen=True)
class CelebA:
    """CelebA's aligned faces, cropped to the centred square, in the split of its authors."""

    path: str | None = None
    """folder that holds img_align_celeba and list_eval_partition.txt"""
    validation: int = 25
    """number of validation pictures to use, the first by name"""
    test: int = 100
    """number of test pictures to use, the first by name"""
    limit: int | None = 10_000
    """number of training pictures to use, the first by name; the paper uses about 10,000"""

    def __post_init__(self):
        require_positive(self, "validation", "test", "limit")

    def read(self, size: int) -> PicturesInMemory:
        """Read the pictures that are used into memory.

        Pictures that are in the partition but not in the folder are skipped, so a part of the data
        set is enough.

        Args:
            size: Side of the squares; 178 crops the files without resampling.

        Raises:
            InputError: A folder or the partition is missing or malformed, there is no training
                picture, or the pictures need too much memory.
        """
        root = existing_folder(given_path(self.path))
        folder, partition = _pictures(root), _partition(root)
        parts = read_partition(partition)
        present = set(os.listdir(folder))
        if not any(name in present for part in parts for name in part):
            raise InputError(
                f"{folder}: holds none of the {sum(map(len, parts))} pictures that {partition} "
                "names; extract img_align_celeba.zip there"
            )
        limits = self.limit, self.validation, self.test
        found = [_first(part, present, limit) for part, limit in zip(parts, limits, strict=True)]
        (train, *_), (validation, *_), (test, *_) = found
        if not train:
            raise InputError(
                f"{partition}: names no training picture (a line that ends in 0) that is in "
                f"{folder}; copy the file again, or add the pictures"
            )
        missing = f"named in {PARTITION}, but not in {folder}"
        skipped = tuple((name, missing) for _, absent in found for name in absent)
        return read_parts(folder, train, validation, test, size, skipped)


def read_partition(path: Path) -> tuple[list[str], list[str], list[str]]:
    """Read the partition: lines of a file name and 0 (training), 1 (validation) or 2 (test).

    Returns:
        Names for training, validation and test, each sorted; blank lines are ignored.

    Raises:
        InputError: A line is malformed or names a picture a second time, or the file is empty.
    """
    check_memory(path, path.stat().st_size, _LARGEST, f"it is not a {PARTITION}: copy it again")
    parts: dict[str, list[str]] = {"0": [], "1": [], "2": []}
    seen: set[str] = set()
    text = path.read_bytes().decode("utf-8-sig", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        name, *rest = line.split() or [""]
        if not name:
            continue
        # Plain names only, so that nothing outside the folder is read.
        if len(rest) != 1 or rest[0] not in parts or {"/", "\\", "\0"} & set(name):
            raise InputError(
                f"{path}: line {number} is {line[:60]!r}, but should be a file name and 0, 1 or 2, "
                "such as '000001.jpg 0'; copy the file again"
            )
        if name in seen:
            raise InputError(
                f"{path}: line {number} names {name} a second time; leave one of the lines out"
            )
        seen.add(name)
        parts[rest[0]].append(name)
    if not seen:
        raise InputError(f"{path}: is empty; copy it again")
    return sorted(parts["0"]), sorted(parts["1"]), sorted(parts["2"])


def _first(
    names: Iterable[str], present: set[str], limit: int | None
) -> tuple[list[str], list[str]]:
    """The first `limit` names that are present, and the absent names before the last of them."""
    found: list[str] = []
    absent: list[str] = []
    for name in names:
        if len(found) == limit:
            break
        (found if name in present else absent).append(name)
    return found, absent


def _pictures(root: Path) -> Path:
    for folder in (root / PICTURES, root / "Img" / PICTURES):
        if folder.is_dir():
            return folder
    raise InputError(
        f"{root}: holds no folder {PICTURES}; give the folder that does (the preset images reads "
        "a plain folder of pictures)"
    )


def _partition(root: Path) -> Path:
    for path in (root / PARTITION, root / "Eval" / PARTITION):
        if path.is_file():
            return path
    raise InputError(
        f"{root}: holds no {PARTITION}, CelebA's own split; copy it there (the preset images "
        "reads a plain folder of pictures)"
    )
