"""Signals that a procedure makes: signal number n is a function of (seed, n)."""

from dataclasses import dataclass

from theta0.data._files import MAX_BYTES, check_memory
from theta0.data._splits import Split
from theta0.errors import InputError, require_positive

_BYTES_A_NAME = 150  # a string, its place in two tuples and its number


@dataclass(frozen=True)
class Numbered:
    """Settings every procedural class has. The splits are ranges of numbers, training first."""

    samples: int = 10_000
    """pictures for training"""
    validation: int = 100
    """pictures for validation, numbered after those for training"""
    test: int = 100
    """pictures for testing, numbered last"""
    seed: int = 0
    """another seed gives other pictures"""

    def __post_init__(self):
        require_positive(self, "samples")
        for name in ("validation", "test", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)}; give 0 or more")


def numbered(
    source: str, plural: str, stem: str, train: int, validation: int, test: int
) -> tuple[tuple[str, ...], Split]:
    """Names and split of signals that a procedure makes, numbered part after part.

    Args:
        source: What makes them, and
        plural: what they are called, for a message.
        stem: What a name begins with.
        train: Signals to learn from.
        validation: Signals for validation.
        test: Signals for testing.

    Raises:
        InputError: The names need too much memory.
    """
    total = train + validation + test
    needed = _BYTES_A_NAME * total
    check_memory(f"{source}: {total} {plural}", needed, MAX_BYTES, "ask for fewer")
    names = tuple(f"{stem}-{number:05d}" for number in range(total))
    return names, Split.in_order(train, validation, test)
