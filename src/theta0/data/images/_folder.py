"""A class of pictures from any folder, split by file name."""

from dataclasses import dataclass, replace

from theta0.data import split
from theta0.data._splits import group_pattern
from theta0.data.images._images import image_names, read_folder
from theta0.data.images._pictures import PicturesInMemory, given_path
from theta0.errors import require_positive


@dataclass(frozen=True)
class Folder:
    """Any folder of pictures, searched with the folders below it."""

    path: str | None = None
    """the folder"""
    validation: int = 25
    """pictures kept for validation"""
    test: int = 100
    """pictures kept for testing"""
    group: str | None = None
    """regular expression naming what must stay in one split, e.g. '^(\\d+)_' for a person"""
    limit: int | None = None
    """use only the first so many files by name"""

    def __post_init__(self):
        require_positive(self, "limit")

    def of_new_pictures(self) -> "Folder":
        """The same for pictures that a learned start was not learned from.

        If no name follows ``group`` nothing is torn apart by splitting single pictures; and where
        there are too few, a quarter of them is for validation and half for testing.

        Raises:
            InputError: No path, no such folder, or no picture in it.
        """
        names = image_names(given_path(self.path))[: self.limit]
        if self.group is not None and any(map(group_pattern(self.group).search, names)):
            return self
        few = self.validation + self.test >= len(names)
        counts = (len(names) // 4, len(names) // 2) if few else (self.validation, self.test)
        return replace(self, group=None, validation=counts[0], test=counts[1])

    def read(self, size: int) -> PicturesInMemory:
        """Read the folder into memory and split it by the digests of the file names.

        Args:
            size: Side of the squares, in pixels.

        Raises:
            InputError: No path, no picture that can be read, none left for training, or too much
                memory.
        """
        images = read_folder(given_path(self.path), size, limit=self.limit)
        parts = split(images.names, self.validation, self.test, self.group)
        return PicturesInMemory(images.pixels, images.names, images.skipped, parts)
