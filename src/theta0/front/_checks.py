"""Numbers that a caller of the front door gives, checked before anything is computed."""

from typing import Any

import numpy as np

from theta0.errors import InputError


def check_whole(**values: Any) -> None:
    """Refuse what is given but not a whole number, or below 0.

    Raises:
        InputError: names the first of them.
    """
    for name, value in values.items():
        if value is not None and not (_is_whole(value) and value >= 0):
            raise InputError(f"{name} is {value!r}; give a whole number, 0 or more")


def check_count(**values: Any) -> None:
    """Refuse what is given but not a whole number, or below 1.

    Raises:
        InputError: names the first of them.
    """
    for name, value in values.items():
        if value is not None and not (_is_whole(value) and value >= 1):
            raise InputError(f"{name} is {value!r}; give a whole number, 1 or more")


def check_share(name: str, value: Any) -> None:
    """Refuse what is no fraction above 0, at most 1.

    Raises:
        InputError: it is not.
    """
    if not (_is_number(value) and 0 < value <= 1):
        raise InputError(f"{name} is {value!r}; give a fraction above 0, at most 1, such as 0.1")


def check_stop(seconds: Any, validation_fraction: Any) -> None:
    """Refuse two ways to end a fit at once, and those that are none.

    Raises:
        InputError: says which.
    """
    if seconds is not None and not (_is_number(seconds) and seconds > 0):
        raise InputError(f"seconds is {seconds!r}; give a time above 0")
    if validation_fraction is None:
        return
    check_share("validation_fraction", validation_fraction)
    if seconds is not None:
        raise InputError(
            "seconds is given with validation_fraction, which takes all steps before it chooses; "
            "give one of the two"
        )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
