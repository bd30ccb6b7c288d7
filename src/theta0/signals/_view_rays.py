"""Which of the rays of a view are fitted."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Bool, Int

from theta0.errors import InputError
from theta0.forward import Observation
from theta0.memory import MAX_BYTES, check_memory

_BLOCK = 256

_MEAN_RAYS, _MEAN_OF = 1 << 18, 256
"""Rays that stand for a class in its mean, and the most signals they are of"""

Tree = TypeVar("Tree")


def joined(parts: Sequence[Tree]) -> Tree:
    """Observations, or their places, one after the other."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def check_rays(rays: int) -> None:
    """Refuse more rays of a training task than fit into memory.

    Raises:
        InputError: there are too many.
    """
    # Of support and query: number, origin, direction, both ends and colour.
    needed = 2 * (8 + 4 * 11) * rays
    check_memory(f"data.rays is {rays}", needed, MAX_BYTES, "draw fewer rays of a training task")


def rows(observation: Observation, numbers: Int[np.ndarray, " n"]) -> Observation:
    """Some of the observations, in the order given."""
    return jax.tree.map(lambda leaf: leaf[numbers], observation)


def drawn(
    rng: np.random.Generator,
    rays: int,
    foreground: float,
    everything: Observation,
    shown: Bool[np.ndarray, " n"] | None,
    source: str,
    among: Int[np.ndarray, " m"] | None = None,
) -> Int[np.ndarray, " rays"]:
    """Pixels of a training task: a share of those that show the object, the rest from all.

    All are those numbered ``among``, if given; ``source`` names them in errors.

    Raises:
        InputError: foreground is asked for where pictures have no alpha, or no ray meets anything.
    """
    if foreground and shown is None:
        raise InputError("foreground is given, but the pictures have no alpha; leave it out")
    inside = np.zeros(len(everything.y), bool)
    inside[slice(None) if among is None else among] = True
    meets = _meeting(inside & everything.p.meets, source)
    front = meets[:0] if shown is None else np.flatnonzero(inside & shown)
    wanted = round(foreground * rays) if len(front) else 0
    parts = (
        rng.choice(front, wanted) if wanted else front[:0],
        rng.choice(meets, rays - wanted),
    )
    return np.concatenate(parts)


def of_many(
    train: Sequence[int], draw: Callable[[np.random.Generator, int, int], Observation]
) -> Observation:
    """Rays of many training signals: what fits them all in the mean is the mean signal.

    Args:
        train: numbers of the signals.
        draw: (random numbers, number of a signal, count) to so many of its rays.
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(np.asarray(train))[:_MEAN_OF]
    count = max(1, _MEAN_RAYS // len(chosen))
    return joined([draw(rng, int(number), count) for number in chosen])


def meeting(support: Observation, source: str) -> Observation:
    """Without the rays that meet nothing, which no fit can change; ``source`` is for errors.

    Their number is rounded up by repeating the first ones, so that objects whose views differ by a
    few such rays share a compiled program.
    """
    meets = _meeting(support.p.meets, source)
    return rows(support, np.resize(meets, -(-len(meets) // _BLOCK) * _BLOCK))


def _meeting(meets: Bool[np.ndarray, " n"], source: str) -> Int[np.ndarray, " m"]:
    """Numbers of the rays that meet the bounding sphere."""
    if not meets.any():
        raise InputError(
            f"{source}: no ray of these views meets the bounding sphere around the origin, of "
            "radius 1 or the --data.radius of training; move and scale the poses so that the "
            "object lies in it"
        )
    return np.flatnonzero(meets)
