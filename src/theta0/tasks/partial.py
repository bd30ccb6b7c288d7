"""Partial observations: the fit of a picture sees only some of its pixels."""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Bool

from theta0.errors import InputError

from ._base import Observation, Signal, Task


def seen_only(observation: Observation, seen: Bool[np.ndarray, " n"]) -> Observation:
    """The observations that are seen, in their order."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[seen], observation)


def random_share(seen: Bool[np.ndarray, " n"], share: float, seed: int) -> Bool[np.ndarray, " n"]:
    """A random share of what is seen, rounded to whole observations, at least one.

    Raises:
        InputError: the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise InputError(f"share is {share}; give one above 0, at most 1")
    places = np.flatnonzero(seen)
    count = max(1, round(share * len(places)))
    kept = np.zeros_like(seen)
    kept[np.random.default_rng(seed).choice(places, count, replace=False)] = True
    return kept


def observe_part(
    signal: Signal,
    mask: Path | None = None,
    share: float = 1.0,
    seed: int = 0,
) -> Signal:
    """A picture of which the fit sees a part; it is still judged by all of its pixels.

    Args:
        signal: the picture.
        mask: file of a mask, white where the picture is seen; all of it when left out.
        share: random share of the pixels the mask shows.
        seed: of the share.

    Raises:
        InputError: what is observed are no pixels; the mask or the share cannot be used.
    """
    if signal.read_mask is None:
        raise InputError(
            "a mask or a share to keep is of a picture's pixels, but this signal is measured along "
            "rays; leave --mask and --keep out and choose how much is seen with --views"
        )
    everything = signal.task.query
    if signal.task.support is not everything:
        raise InputError(
            "what the collection says is hidden in this photograph is left out of the fit already; "
            "leave --mask and --keep out"
        )
    seen = np.ones(len(everything.y), bool)
    if mask is not None:
        seen = signal.read_mask(mask).reshape(-1)
    seen = random_share(seen, share, seed)
    return replace(signal, task=Task(seen_only(everything, seen), everything), seen=seen)
