"""The interface of a class of pictures: numbered squares of one size, in three splits."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from theta0.data import Collection, Split
from theta0.data.images._images import read_images
from theta0.errors import InputError


@runtime_checkable
class Pictures(Collection[Float[np.ndarray, "size size channels"]], Protocol):
    """The pictures of a class, as squares of one size, float32 in [0, 1]."""


@runtime_checkable
class PictureSource(Protocol):
    """The source of a class of pictures: plain settings that are saved with a run."""

    def read(self, size: int) -> Pictures:
        """The pictures as squares of ``size`` pixels.

        Raises:
            InputError: There are none, or they do not fit into memory.
        """
        ...


@dataclass(frozen=True, eq=False)
class PicturesInMemory:
    """Pictures in memory, as bytes.

    Attributes:
        pixels: 255 is 1.0.
        names: One per picture.
        skipped: (name, reason) of files that could not be read.
        split: Numbers of the pictures for training, validation and test.
    """

    pixels: UInt8[np.ndarray, "pictures size size channels"]
    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split

    def load(self, index: int) -> Float[np.ndarray, "size size channels"]:
        """Picture number `index`, float32 in [0, 1]."""
        return self.pixels[index].astype(np.float32) / np.float32(255)


def given_path(path: str | None, kind: str = "FOLDER") -> Path:
    """The path of a source; its settings may leave it open until the source is read.

    Raises:
        InputError: It was not given.
    """
    if path is None:
        raise InputError(f"no path to read the pictures from: give --data {kind}")
    return Path(path)


def read_parts(
    folder: Path,
    train: Sequence[str],
    validation: Sequence[str],
    test: Sequence[str],
    size: int,
    skipped: tuple[tuple[str, str], ...] = (),
) -> PicturesInMemory:
    """Read pictures whose split is known.

    Args:
        folder: The folder that the names are relative to.
        train: Names for training, in order.
        validation: Names for validation.
        test: Names for testing; the parts are disjoint.
        size: Side of the squares, in pixels.
        skipped: (name, reason) of pictures that were left out earlier.

    Raises:
        InputError: No picture for training can be read, or they need too much memory.
    """
    images = read_images(folder, [*train, *validation, *test], size)
    rows = {name: row for row, name in enumerate(images.names)}
    part = lambda names: tuple(rows[name] for name in names if name in rows)
    split = Split(part(train), part(validation), part(test))
    if not split.train:
        raise InputError(
            f"{folder}: none of its {len(train)} training pictures can be read; the first: "
            f"{images.skipped[0][1]}"
        )
    return PicturesInMemory(images.pixels, images.names, (*skipped, *images.skipped), split)
