"""Finds the objects of a class in a folder, and their split."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from theta0.data._frames import inner_path, read_json
from theta0.data._transforms import transforms_files
from theta0.data._transforms_split import PARTS
from theta0.data.views._srn import is_srn
from theta0.errors import InputError

SYNSETS = {"car": "02958343", "chair": "03001627", "lamp": "03636649"}
"""ShapeNet's folder names of the paper's classes."""

Parts = tuple[list[Path], list[Path], list[Path]]
"""Folders of the objects for training, validation and test."""


def is_object(folder: Path) -> bool:
    """Whether a folder contains views of one object."""
    return folder.is_dir() and (is_srn(folder) or bool(transforms_files(folder, None)))


def find_objects(folder: Path) -> list[Path]:
    """All objects below a folder, sorted by path; linked folders are followed."""
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for root, folders, _ in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(root)) in seen:  # a link to a parent folder would never end
            folders.clear()
        seen.add(real)
        names = [name for name in folders if not name.startswith(".")]
        objects = {name for name in names if is_object(Path(root, name))}
        yield from (Path(root, name) for name in objects)
        folders[:] = [name for name in names if name not in objects]


def class_folder(root: Path, kind: str | None) -> Path:
    """The folder of a kind: `root/chair`, `root/chairs`, that of its synset, or `root` itself."""
    if kind is not None:
        for name in (kind, f"{kind}s", SYNSETS.get(kind, kind)):
            if (root / name).is_dir():
                return root / name
    return root


def split_file(root: Path, kind: str | None) -> Path | None:
    """The file `{kind}_splits.json` (or with a plural) in `root` or beside it, if there is one.

    Raises:
        InputError: There are several in `root` and no kind is given, or none is of this kind.
    """
    files = sorted(root.glob("*_splits.json"))
    kinds = [file.name.removesuffix("_splits.json") for file in files]
    if kind is not None:
        named = [f"{name}_splits.json" for name in (kind, f"{kind}s")]
        wanted = [folder / name for folder in (root, root.parent) for name in named]
        found = next((file for file in wanted if file.is_file()), None)
        if found is None and files:
            raise InputError(
                f"{root}: holds no {kind}; choose the category from {', '.join(kinds)} "
                "(--data.source.category of theta0 train)"
            )
        return found
    _one_kind(root, kinds)
    if files:
        return files[0]
    # The folder of the class was given: the file lies beside it, named after the kind.
    kinds = {root.name, root.name.removesuffix("s")}
    kinds |= {name for name, synset in SYNSETS.items() if synset == root.name}
    files = [root.parent / f"{name}_splits.json" for name in sorted(kinds)]
    return next((file for file in files if file.is_file()), None)


def read_split_file(path: Path, root: Path) -> tuple[Parts, list[tuple[str, str]]]:
    """The objects in a split file, and (name, reason) of those that are absent.

    Raises:
        InputError: It is malformed, names an object twice, or names one outside the folder.
    """
    lists = read_json(path)
    if "validation" in lists:
        lists["val"] = lists.pop("validation")
    if "train" not in lists or not lists.keys() <= set(PARTS):
        raise InputError(
            f"{path}: has the names {', '.join(lists)[:80]}; a split has train, val and test"
        )
    parts, absent, seen = ([], [], []), [], set()
    homes = [class_folder(root, path.name.removesuffix("_splits.json")), root]
    for name, part in zip(PARTS, parts, strict=True):
        ids = lists.get(name, [])
        if not isinstance(ids, list):
            raise InputError(f"{path}: {name} is not a list; write the names of its objects")
        for object_id in ids:
            inner = inner_path(object_id, path)
            if inner is None:
                raise InputError(f"{path}: {object_id!r} leads out of {root}; make it relative")
            if inner in seen:
                raise InputError(f"{path}: names {object_id} twice; leave one out")
            seen.add(inner)
            found = next((home / inner for home in homes if is_object(home / inner)), None)
            if found is None:
                absent.append((object_id, f"named in {path.name}, but not in {homes[0]}"))
            else:
                part.append(found)
    return parts, absent


def part_folders(root: Path, kind: str | None) -> Parts | None:
    """The objects in folders `{kind}_train`, `{kind}_val` and `{kind}_test`, the layout of SRN.

    Raises:
        InputError: There are several kinds and none was chosen.
    """
    if kind is None:
        prefixes = sorted(path.name[:-6] for path in root.glob("*_train") if path.is_dir())
        _one_kind(root, prefixes)
        kind = prefixes[0] if prefixes else None
    for prefix in (f"{kind}_", f"{kind}s_"):
        if (root / f"{prefix}train").is_dir():
            train, validation, test = (find_objects(root / f"{prefix}{part}") for part in PARTS)
            return train, validation, test
    return None


def _one_kind(root: Path, kinds: Sequence[str]) -> None:
    if len(kinds) > 1:
        raise InputError(
            f"{root}: holds several kinds ({', '.join(kinds)}); give the folder of one, or to "
            "theta0 train --data.source.category"
        )
