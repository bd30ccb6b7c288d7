"""The forward maps that an initialization can be saved with."""

from dataclasses import replace

from theta0.errors import InputError

from ._base import ForwardMap
from .lines import Lines
from .points import Points
from .volume import Volume

ForwardConfig = Points | Lines | Volume


def with_samples(forward: ForwardMap, samples: int | None) -> ForwardMap:
    """The same with another number of samples a ray; None: with its own.

    Raises:
        InputError: it has no rays, or the number is not above 0.
    """
    if samples is None:
        return forward
    if not isinstance(forward, Lines | Volume):
        raise InputError(
            f"samples is given as {samples} a ray, but {type(forward).__name__} has no rays; leave "
            "it out"
        )
    return replace(forward, samples=samples)
