"""Splitting signals that are given as arrays by shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from theta0.data import Split, split
from theta0.errors import InputError


@dataclass(frozen=True)
class Shares:
    """What part of the signals is kept for validation and for testing."""

    validation: float = 0.1
    """fraction for validation, at least one signal"""
    test: float = 0.2
    """fraction for testing, at least one signal"""

    def __post_init__(self):
        for name in ("validation", "test"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; give a fraction below 1")

    def of(self, count: int) -> Split:
        """Numbers of the signals for training, validation and test.

        Which signal goes where does not depend on what it shows.

        Raises:
            InputError: there are fewer than three.
        """
        if count < 3:
            raise InputError(
                f"{count} signals are given; three or more are needed: one to learn from, one for "
                "validation and one to test"
            )
        names = [f"{number:06d}" for number in range(count)]
        validation, test = (max(1, round(share * count)) for share in (self.validation, self.test))
        if validation + test >= count:
            raise InputError(
                f"shares are {self.validation:g} for validation and {self.test:g} for testing, "
                f"which leaves none of {count} signals to learn from; give smaller shares, or more "
                "signals"
            )
        return split(names, validation, test)

    def parts(self, signals: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """The signals for training, validation and test."""
        chosen = self.of(len(signals))
        pick = lambda numbers: [signals[number] for number in numbers]
        return pick(chosen.train), pick(chosen.validation), pick(chosen.test)


SHARES = Shares()
