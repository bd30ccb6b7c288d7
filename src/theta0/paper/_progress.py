"""Progress of a computation that consists of several steps, and memory between them."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import jax

from theta0.presets import OnProgress

Item = TypeVar("Item")


def each(
    items: Sequence[Item], on_progress: OnProgress, name: Callable[[Item], str]
) -> Iterator[tuple[Item, OnProgress]]:
    """Yields each item with a progress callback that covers its share of the work."""
    for number, item in enumerate(items):
        tell = nth(on_progress, number, len(items))
        yield item, lambda what, done, item=item, tell=tell: tell(f"{name(item)}: {what}", done)


def nth(on_progress: OnProgress, number: int, count: int) -> OnProgress:
    """A callback whose progress from 0 to 1 is that of step ``number`` of ``count`` equal ones."""
    return share(on_progress, number / count, (number + 1) / count)


def share(on_progress: OnProgress, begin: int | float, end: int | float) -> OnProgress:
    """A callback whose progress from 0 to 1 is reported as progress from ``begin`` to ``end``."""
    return lambda what, done: on_progress(what, begin + (end - begin) * done)


def forget_programs() -> None:
    """Drop compiled programs that are not needed again.

    Those of a whole table would exhaust the memory maps that Linux grants a process (65530), which
    ends in a segmentation fault.
    """
    jax.clear_caches()
