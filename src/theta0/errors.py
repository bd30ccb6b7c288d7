"""The exceptions theta0 raises on purpose, so that callers can tell a bad input from a bug."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_trusting: ContextVar[bool] = ContextVar("trusting", default=False)


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line and says what to do."""

    def __init__(self, message: str):
        # Messages quote file names and other libraries' errors, which may hold line breaks.
        super().__init__(" ".join(str(message).splitlines()))


class InputWarning(UserWarning):
    """What the user gave was used, but not all of it, or not as it may have been meant.

    The message is one line that names what was given. Give it with :func:`note`; the command line
    shows it as a note.
    """


def note(message: str) -> None:
    """Warn of what was ignored or assumed; see :class:`InputWarning`."""
    warnings.warn(InputWarning(" ".join(str(message).splitlines())), stacklevel=2)


@contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """Within the block, note what :func:`implausible` would refuse, if ``trust``."""
    token = _trusting.set(trust or _trusting.get())
    try:
        yield
    finally:
        _trusting.reset(token)


def implausible(message: str) -> None:
    """Refuse what could be right but hardly is; within :func:`trusting`, note it and go on.

    Raises:
        InputError: outside of :func:`trusting`.
    """
    if not _trusting.get():
        raise InputError(f"{message}; or trust it as it is (--trust of theta0 fit, or trust=True)")
    note(f"{message}; trusted as it is")


LARGEST_NUMBER = 2**31 - 1
"""Whole numbers above it, such as numbers of steps, do not fit into 32 bits."""

LARGEST_SINGLE = 3.4028234663852886e38
"""The largest number of single precision."""

LARGEST_SEED = 2**32 - 1
"""Larger seeds would be cut to 32 bits: two of them would give the same random numbers."""


def require_positive(settings: object, *names: str) -> None:
    """Refuse settings that are given but not above 0, infinite, or too large a whole number.

    Raises:
        InputError: names the first of them.
    """
    for name in names:
        value = getattr(settings, name)
        if value is None:
            continue
        if not value > 0:
            raise InputError(f"{name} is {value}; give a number above 0")
        if value == float("inf"):
            raise InputError(f"{name} is infinite; give a finite number above 0")
        require_at_most(name, value, LARGEST_NUMBER)
        require_single(name, value)


def require_single(name: str, value: float | int) -> None:
    """Refuse a number that single precision, in which all is computed, does not hold.

    Raises:
        InputError: names it.
    """
    if not abs(value) <= LARGEST_SINGLE:
        raise InputError(f"{name} is {value}; give a finite number, at most {LARGEST_SINGLE:.1g}")


def require_count(settings: object, *names: str) -> None:
    """Refuse numbers of things that are negative or too large.

    Raises:
        InputError: names the first of them.
    """
    for name in names:
        value = getattr(settings, name)
        if not value >= 0:
            raise InputError(f"{name} is {value}; give 0 or more")
        require_at_most(name, value, LARGEST_NUMBER)


def require_at_most(name: str, value: object, largest: int) -> None:
    """Refuse a whole number that is too large; fractions may be as large as they are.

    Raises:
        InputError: names it.
    """
    if isinstance(value, int) and value > largest:
        raise InputError(f"{name} is {value}; give at most {largest}")


def require_seed(seed: int, name: str = "seed") -> None:
    """Refuse a seed that is negative, or of more than 32 bits.

    Raises:
        InputError: names it.
    """
    if not seed >= 0:
        raise InputError(f"{name} is {seed}; give 0 or more")
    require_at_most(name, seed, LARGEST_SEED)


class MissingExtra(ImportError):
    """An optional dependency is not installed; the message names the install command."""


class DivergedError(RuntimeError):
    """A fit or a training run became non-finite.

    Attributes:
        snapshots: What a fit had kept before, by step.
    """

    def __init__(self, message: str, snapshots: dict | None = None):
        super().__init__(message)
        self.snapshots = snapshots or {}
