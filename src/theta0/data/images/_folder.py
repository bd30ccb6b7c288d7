"""A class of pictures from a folder, split by file name."""

from dataclasses import dataclass, replace

from theta0.data import split
from theta0.data._splits import group_pattern
from theta0.data.images._images import read_folder
from theta0.data.images._listing import image_names
from theta0.data.images._pictures import PicturesInMemory, given_path
from theta0.errors import require_positive

VALIDATION, TEST = 25, 100
"""Pictures of a large folder that are kept for validation and for testing."""


@dataclass(frozen=True)
class Folder:
    """A folder of pictures, searched with its subfolders."""

    path: str | None = None
    """the folder"""
    validation: int | None = None
    """pictures kept for validation; when left out 25, or a tenth of them if that is fewer"""
    test: int | None = None
    """pictures kept for testing; when left out 100, or a fifth of them if that is fewer"""
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
        counts = [VALIDATION if self.validation is None else self.validation]
        counts.append(TEST if self.test is None else self.test)
        if sum(counts) >= len(names):
            counts = [len(names) // 4, len(names) // 2]
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
        count, (validation, test) = len(images.names), (self.validation, self.test)
        # At least one of each, and one to learn from: a folder of three is enough.
        validation = min(VALIDATION, -(-count // 10)) if validation is None else validation
        test = min(TEST, -(-count // 5)) if test is None else test
        parts = split(images.names, validation, test, self.group)
        return PicturesInMemory(images.pixels, images.names, images.skipped, parts)
