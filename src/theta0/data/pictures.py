"""What a class of pictures is: numbered pictures of one size, in three splits."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from theta0.data.splits import Split


@runtime_checkable
class Pictures(Protocol):
    """Pictures of a class, as square arrays of one size; each number always the same picture."""

    names: tuple[str, ...]
    """one a picture; file names relative to their folder, or numbers of procedural samples"""
    skipped: tuple[tuple[str, str], ...]
    """(name, reason) of files that could not be read"""
    split: Split
    """numbers of the pictures for training, validation and test"""

    def load(self, index: int) -> Float[np.ndarray, "size size channels"]:
        """Picture number ``index``, float32 in [0, 1]."""
        ...


@runtime_checkable
class PictureSource(Protocol):
    """Where a class of pictures comes from: plain settings, saved with a run."""

    def read(self, size: int) -> Pictures:
        """The pictures as squares of ``size`` pixels.

        Raises:
            InputError: there are none, or they do not fit into memory.
        """
        ...
