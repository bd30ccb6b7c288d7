"""Procedural classes: picture number n is a function of (seed, n), drawn on demand."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.data import Split
from theta0.data._numbered import Numbered, numbered
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

Draw = Callable[[np.random.Generator], Float[np.ndarray, "size size channels"]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pictures of a procedural class, each drawn when it is loaded; see `Pictures`."""

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    _seeds: tuple[int, int]
    _draw: Draw

    def load(self, index: int) -> Float[np.ndarray, "size size channels"]:
        """Draw picture number ``index``, float32 in [0, 1].

        Raises:
            InputError: There is no such number.
        """
        if not 0 <= index < len(self.names):
            raise InputError(f"picture number {index}: give 0 to {len(self.names) - 1}")
        return self._draw(np.random.default_rng((*self._seeds, index)))


def drawn(
    settings: Numbered,
    kind: str,
    size: int,
    draw: Draw,
    skipped: tuple[tuple[str, str], ...] = (),
) -> Drawn:
    """The pictures of a class.

    Args:
        settings: Numbers of pictures, and the seed.
        kind: Prefix of the names; classes with different kinds use different random numbers.
        size: Side of the squares that ``draw`` returns, in pixels.
        draw: Draws one picture from its own random generator.
        skipped: As in `Pictures`.

    Raises:
        InputError: The size is below 2, or the pictures or their names need too much memory.
    """
    if size < 2:
        raise InputError(f"{kind}: size={size} pixels must be at least 2")
    # 64 bytes per pixel: a float64 point, its distance, and float32 values of three channels.
    check_memory(f"{kind}: size={size}", 64 * size**2, MAX_BYTES, "choose a smaller size")
    counts = settings.samples, settings.validation, settings.test
    names, split = numbered(kind, "pictures", kind, *counts)
    return Drawn(
        names=names,
        skipped=skipped,
        split=split,
        _seeds=(settings.seed, int.from_bytes(kind.encode())),
        _draw=draw,
    )
