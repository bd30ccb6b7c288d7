"""Parts of observations."""

import jax
import numpy as np
from jaxtyping import Bool

from theta0.errors import InputError
from theta0.forward import Observation


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
