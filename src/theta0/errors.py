"""The exceptions theta0 raises on purpose, so that callers can tell a bad input from a bug."""

import inspect
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

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
        if not (_is_number(value) and value > 0):
            raise InputError(f"{name} is {value!r}; give a number above 0")
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
        if not (_is_number(value) and value >= 0):
            raise InputError(f"{name} is {value!r}; give 0 or more")
        require_at_most(name, value, LARGEST_NUMBER)


def _is_number(value: Any) -> bool:
    """Whether it is a number, or an array of one, which can be compared with 0."""
    try:
        bool(value > 0)
    except (TypeError, ValueError):
        return False
    return True


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
    if not (_is_number(seed) and seed >= 0):
        raise InputError(f"{name} is {seed!r}; give 0 or more")
    require_at_most(name, seed, LARGEST_SEED)


def undefined(part: object) -> list[str]:
    """Methods and settings that a part of a user's own lacks, though its base class asks for them.

    These are the abstract methods, with brackets after their names, and the attributes that are
    annotated without a value.
    """
    methods, wanted = _asked_of(type(part))
    return [*methods, *(name for name in wanted if not hasattr(part, name))]


@cache
def _asked_of(kind: type) -> tuple[list[str], list[str]]:
    """Abstract methods of a class, and attributes that it or a base annotates."""
    methods = [
        f"{name}()"
        for name in dir(kind)
        if getattr(getattr(kind, name), "__isabstractmethod__", False)
    ]
    annotated = (name for base in kind.__mro__ for name in inspect.get_annotations(base))
    return methods, list(dict.fromkeys(name for name in annotated if not name.startswith("_")))


def require_defined(part: object) -> None:
    """Refuse a part of a user's own that is not complete; see :func:`undefined`.

    Raises:
        InputError: names what it lacks.
    """
    if lacking := undefined(part):
        bases = [base.__name__ for base in type(part).__mro__ if base.__module__[:7] == "theta0."]
        raise InputError(
            f"{type(part).__name__} has no {', '.join(lacking)}, which every "
            f"{bases[0] if bases else 'part of its kind'} needs; CONTRIBUTING.md shows one of each"
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is most like a mistaken one, in brackets; nothing if none is."""
    import difflib  # for a mistake alone

    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


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
