"""Classes of objects with many views each, such as chairs, cars or lamps, read on demand.

Layouts: that of the paper's authors, SRN's, or any folder of folders that `open_views` reads.

    ROOT/chair_splits.json              {"train": [ids], "val": [ids], "test": [ids]}
    ROOT/{chair,chairs,03001627}/ID/    transforms.json and RGBA PNGs
    ROOT/cars_{train,val,test}/ID/      rgb, pose, intrinsics.txt
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from theta0.data import Collection, Split, split
from theta0.data._files import existing_folder
from theta0.data.views._object_splits import (
    Parts,
    class_folder,
    find_objects,
    is_object,
    part_folders,
    read_split_file,
    split_file,
)
from theta0.data.views._posed import Views
from theta0.data.views._views import ViewFiles, ViewOptions, open_views
from theta0.errors import InputError

_AS_STORED = ViewOptions()


@runtime_checkable
class Objects(Collection[Views], Protocol):
    """The objects of a class, each with all its views."""


@dataclass(frozen=True, eq=False)
class ObjectFolders:
    """Objects in one folder each, read on demand; see `Objects` and `read_objects`."""

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    folders: tuple[Path, ...]
    options: ViewOptions

    def open(self, index: int) -> ViewFiles:
        """The views of object number `index`, with checked headers but not decoded."""
        return open_views(self.folders[index], self.options)

    def load(self, index: int) -> Views:
        """All views of object number `index`."""
        return self.open(index).load()


@dataclass(frozen=True, eq=False)
class GivenObjects:
    """Objects in memory; see `Objects`."""

    views: tuple[Views, ...]
    split: Split
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(views.object_id for views in self.views)

    def load(self, index: int) -> Views:
        """All views of object number `index`."""
        return self.views[index]


def read_objects(
    root: str | Path,
    kind: str | None = None,
    validation: int | float = 0.1,
    test: int | float = 0.1,
    seed: int = 0,
    allow_absent: bool = False,
    options: ViewOptions = _AS_STORED,
) -> ObjectFolders:
    """Find a class of objects and its split, without reading pictures.

    Args:
        root: Folder in one of the module's layouts.
        kind: The class, such as 'chair', if there are several.
        validation: If the data defines no split: number of objects, or a fraction.
        test: The same, for the test set.
        seed: A different seed gives a different split of such data.
        allow_absent: Skip objects that are in the split file but not in the folder (the authors'
            data lacks some), and list them in `skipped`.
        options: How views are read.

    Raises:
        InputError: There are no objects, none for training, or the split file is invalid.
    """
    root = existing_folder(root)
    if is_object(root):
        raise InputError(f"{root}: is one object, not a class; give the folder that contains it")
    skipped: list[tuple[str, str]] = []
    if (file := split_file(root, kind)) is not None:
        parts, skipped = _listed(file, root, allow_absent)
    elif (parts := part_folders(root, kind)) is None:
        parts = _drawn(class_folder(root, kind), validation, test, seed)
    if not parts[0]:
        raise InputError(f"{root}: holds no object for training; add its folder")
    folders = tuple(folder for part in parts for folder in part)
    names = tuple(folder.relative_to(root).as_posix() for folder in folders)
    return ObjectFolders(names, tuple(skipped), Split.in_order(*map(len, parts)), folders, options)


def _listed(file: Path, root: Path, allow_absent: bool) -> tuple[Parts, list[tuple[str, str]]]:
    """The objects in a split file, and (name, reason) of those that are absent."""
    parts, absent = read_split_file(file, root)
    if absent and not allow_absent:
        raise InputError(
            f"{file}: {len(absent)} of its objects are missing, such as {absent[0][0]}; "
            f"copy them to {root}, or leave them out (--data.source.allow-absent of theta0 train)"
        )
    return parts, absent


def _drawn(folder: Path, validation: int | float, test: int | float, seed: int) -> Parts:
    found = find_objects(folder)
    if not found:
        raise InputError(
            f"{folder}: holds no object; folders with transforms.json, or with rgb, pose and "
            "intrinsics.txt count"
        )
    names = [f"{seed}:{path.relative_to(folder).as_posix()}" for path in found]
    chosen = split(names, validation, test)
    train, kept, tested = (
        [found[number] for number in part]
        for part in (chosen.train, chosen.validation, chosen.test)
    )
    return train, kept, tested
