"""A class of pictures from a folder, split by file name."""

from dataclasses import dataclass, replace

from theta0.data import split
from theta0.data._splits import group_pattern
from theta0.data.images._images import image_names, read_folder
from theta0.data.images._pictures import PicturesInMemory, given_path
from theta0.errors import require_positive


@dataclass(frozen=True)
class Folder:
    """A folder of pictures, searched with its subfolders."""

    path: str | None = None
    """the folder"""
    validation: int = 25
    """pictures kept for validation"""
    test: int = 100
    """pictures kept for testing"""
    group: str | None = None
    """regular expression naming what must stay in one split, e.g. '^(\\d+)_' for a person"""
    limit: int | None = None
    """number of files to use, the first by name"""

    def __post_init__(self):
        require_positive(self, "limit")

    def of_new_pictures(self) -> "Folder":
        """The same settings, for pictures that an initialization was not trained on.

        ``group`` is dropped if it matches no name. If there are too few pictures, a quarter of them
        is for validation and half for testing.

        Raises:
            InputError: There is no path, no such folder, or no picture in it.
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
            InputError: There is no path, no picture can be read, none is left for training, or
                they need too much memory.
        """
        images = read_folder(given_path(self.path), size, limit=self.limit)
        parts = split(images.names, self.validation, self.test, self.group)
        return PicturesInMemory(images.pixels, images.names, images.skipped, parts)
