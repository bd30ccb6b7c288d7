"""Procedural signals: signal number n is a function of (seed, n)."""

from dataclasses import dataclass

from theta0.data._splits import Split
from theta0.errors import require_count, require_positive
from theta0.memory import MAX_BYTES, check_memory

_BYTES_A_NAME = 150  # a string, two references to it and its number


@dataclass(frozen=True)
class Numbered:
    """Settings of every procedural class. The splits are ranges of numbers, training first."""

    samples: int = 10_000
    """pictures for training"""
    validation: int = 100
    """pictures for validation, numbered after those for training"""
    test: int = 100
    """pictures for testing, numbered last"""
    seed: int = 0
    """a different seed gives different pictures"""

    def __post_init__(self):
        require_positive(self, "samples")
        require_count(self, "validation", "test", "seed")


def numbered(
    source: str, plural: str, stem: str, train: int, validation: int, test: int
) -> tuple[tuple[str, ...], Split]:
    """Names and split of procedural signals, numbered part after part.

    Args:
        source: The procedure, for messages.
        plural: What the signals are called, for messages.
        stem: Prefix of the names.
        train: Number of training signals.
        validation: Number of validation signals.
        test: Number of test signals.

    Raises:
        InputError: The names need too much memory.
    """
    total = train + validation + test
    needed = _BYTES_A_NAME * total
    check_memory(f"{source}: {total} {plural}", needed, MAX_BYTES, "ask for fewer")
    names = tuple(f"{stem}-{number:05d}" for number in range(total))
    return names, Split.in_order(train, validation, test)
