"""Imagenette: photos of ten classes of ImageNet (fast.ai).

The layout of its extracted archives, in PATH or in its only folder imagenette2*:

    train/n01440764/*.JPEG ...
    val/n01440764/*.JPEG ...
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from theta0.data._files import existing_folder
from theta0.data._splits import digest
from theta0.data.images._listing import PICTURE_SUFFIXES
from theta0.data.images._pictures import PicturesInMemory, given_path, read_parts
from theta0.errors import InputError, require_positive


@dataclass(frozen=True)
class Imagenette:
    """Imagenette's photos, cropped to the centred square; test pictures are from its folder val."""

    path: str | None = None
    """folder that holds train and val, or a folder imagenette2* with both"""
    validation: int = 25
    """number of pictures of train kept for validation"""
    test: int = 100
    """number of pictures of val used for testing"""
    limit: int | None = 10_000
    """number of training pictures to use; all parts are balanced over the classes"""

    def __post_init__(self):
        require_positive(self, "validation", "test", "limit")

    def read(self, size: int) -> PicturesInMemory:
        """Read the pictures that are used into memory.

        Args:
            size: Side of the squares, in pixels.

        Raises:
            InputError: A folder is missing or has no class folders, no picture is left for
                training, or the pictures need too much memory.
        """
        root = _root(existing_folder(given_path(self.path)))
        listed, test = evenly(_listed(root, "train")), evenly(_listed(root, "val"))
        validation, rest = listed[: self.validation], listed[self.validation :]
        if not rest:
            raise InputError(
                f"{root / 'train'}: holds {len(listed)} pictures, which leaves none for training "
                f"after validation={self.validation}; ask for fewer, or add pictures"
            )
        return read_parts(root, rest[: self.limit], validation, test[: self.test], size)


def evenly(names: list[str]) -> list[str]:
    """Order names so that every prefix is balanced over the folders.

    Within a folder names are ordered by their SHA-256 digest, as in `split`.

    >>> evenly(["a/1", "a/2", "a/3", "b/1"])
    ['a/2', 'b/1', 'a/3', 'a/1']
    """
    classes: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names, key=lambda name: (digest(name), name)):
        classes[name.rpartition("/")[0]].append(name)
    ranked = [
        (rank, folder, name)
        for folder, members in classes.items()
        for rank, name in enumerate(members)
    ]
    return [name for _, _, name in sorted(ranked)]


def _root(folder: Path) -> Path:
    """The folder that contains train and val."""
    inside = sorted(path for path in folder.glob("imagenette2*") if path.is_dir())
    if (folder / "train").is_dir() or not inside:
        return folder
    if len(inside) > 1:
        raise InputError(
            f"{folder}: holds {', '.join(path.name for path in inside)}; give one of them"
        )
    return inside[0]


def _listed(root: Path, part: str) -> list[str]:
    """Names, relative to `root`, of the pictures in the class folders (n...) of one part."""
    if not (root / part).is_dir():
        raise InputError(
            f"{root}: holds no folder {part!r}; give the folder that holds train and val (the "
            "preset images reads a plain folder of pictures)"
        )
    names = [
        path.relative_to(root).as_posix()
        for path in (root / part).glob("n*/*")
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    ]
    if not names:
        raise InputError(
            f"{root / part}: holds no pictures in class folders such as n01440764; extract the "
            "archive again"
        )
    return names
