"""Pictures in one .npz file, the format in which the paper's authors publish theirs.

Its arrays:

    train_data    (N s s 3), uint8
    test_data     (N s s 3), uint8
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from theta0.data import Split
from theta0.data._arrays import array_names, read_array
from theta0.data.images._images import empty_squares, square
from theta0.data.images._pictures import PicturesInMemory, given_path
from theta0.errors import InputError, require_positive


@dataclass(frozen=True)
class Arrays:
    """An .npz file of pictures, such as the authors' data_2d_text.npz and data_2d_sdf.npz."""

    path: str | None = None
    """file with the arrays train_data and test_data"""
    validation: int = 25
    """number of pictures kept for validation, the last of train_data"""
    test: int = 100
    """number of pictures of test_data to use, the first"""
    limit: int | None = None
    """number of pictures of train_data used for training, the first"""

    def __post_init__(self):
        require_positive(self, "validation", "test", "limit")

    def read(self, size: int) -> PicturesInMemory:
        """Read the pictures that are used into memory.

        Args:
            size: Side of the squares; pictures of another size are resized (Lanczos).

        Raises:
            InputError: The file is missing or damaged, its arrays are not pictures, none is left
                for training, or they need too much memory.
        """
        path = given_path(self.path, "FILE.npz")
        stored = {name: _pictures(path, name) for name in ("train_data", "test_data")}
        total = len(stored["train_data"])
        left = total - self.validation
        if left < 1:
            raise InputError(
                f"{path}: train_data holds {total} pictures, which leaves none for training after "
                f"validation={self.validation}; ask for fewer"
            )
        trained = left if self.limit is None else min(left, self.limit)
        tested = min(self.test, len(stored["test_data"]))
        rows = [("train_data", row) for row in (*range(trained), *range(left, total))]
        rows += [("test_data", row) for row in range(tested)]
        pixels = empty_squares(path, len(rows), size)
        for index, (name, row) in enumerate(rows):
            pixels[index] = square(stored[name][row], size)
        ends = np.cumsum([trained, self.validation, tested]).tolist()
        parts = [tuple(range(end)) for end in ends]
        split = Split(parts[0], parts[1][ends[0] :], parts[2][ends[1] :])
        return PicturesInMemory(pixels, tuple(f"{name}/{row}" for name, row in rows), (), split)


def _pictures(path: Path, name: str) -> UInt8[np.ndarray, "pictures height width 3"]:
    """One array of the file; refused if it does not contain pictures."""
    names = array_names(path)
    if name not in names:
        raise InputError(
            f"{path}: holds the arrays {', '.join(names) or 'none'}; pictures are read from "
            "train_data and test_data"
        )
    pixels = read_array(path, name)
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or min(shape[1:3]) < 2:
        raise InputError(
            f"{path}: {name} is {pixels.dtype} of shape {shape}; save pictures as uint8 of shape "
            "(pictures, height, width, 3)"
        )
    return pixels
