"""Splits signals into training, validation and test sets by their names.

Names (or groups of names) are ordered by their SHA-256 digest, so a split does not depend on the
order of files in a folder, on the locale or on a random generator, and hardly changes when files
are added.
"""

import hashlib
import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from theta0.errors import InputError


@dataclass(frozen=True)
class Split:
    """Indices into the names that were split, each set ordered by name."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    @classmethod
    def in_order(cls, train: int, validation: int, test: int) -> "Split":
        """The split of signals that are numbered part after part."""
        ends = (0, train, train + validation, train + validation + test)
        return cls(*(tuple(range(*pair)) for pair in pairwise(ends)))


def split(
    names: Sequence[str], validation: int | float, test: int | float, group: str | None = None
) -> Split:
    r"""Split names so that each group stays in one set.

    Whole groups go to the test set until it has at least the requested number of signals, then to
    the validation set; the rest is for training.

    Args:
        names: File names, or the groups of `Slices`; equal names stay together.
        validation: Number of signals, or a fraction below 1.
        test: The same, for the test set.
        group: A regular expression that is searched in each name; names with the same first group
            (or whole match) stay together: `^(\d+)_` keeps `001_03.jpg` with `001_08.jpg`. None
            makes each name a group.

    Returns:
        Indices; every name is in exactly one set.

    Raises:
        InputError: A number or the expression is invalid, or nothing is left for training.

    >>> split(["a1", "a2", "b1", "c1"], validation=1, test=1, group="^[a-z]")
    Split(train=(0, 1), validation=(2,), test=(3,))
    """
    wanted = [_count("test", test, len(names)), _count("validation", validation, len(names))]
    members: dict[str, list[int]] = {}
    for index, key in enumerate(groups_of(names, group)):
        members.setdefault(key, []).append(index)
    waiting = deque(members[key] for key in sorted(members, key=lambda key: (digest(key), key)))
    test_part, validation_part = (_take(waiting, count) for count in wanted)
    train_part = [index for indices in waiting for index in indices]
    if not train_part:
        raise InputError(
            f"split: {len(names)} signals in {len(members)} groups leave none for training after "
            f"test={test} and validation={validation}; ask for fewer (--data.source.test and "
            "--data.source.validation), or add data"
        )
    parts = train_part, validation_part, test_part
    return Split(*(tuple(sorted(part, key=lambda i: (names[i], i))) for part in parts))


def _take(waiting: deque[list[int]], count: int) -> list[int]:
    """Remove whole groups from the front until they have at least `count` signals."""
    taken: list[int] = []
    while waiting and len(taken) < count:
        taken += waiting.popleft()
    return taken


def digest(key: str) -> bytes:
    """The sort key of a name in a split."""
    # File names may contain bytes that are not UTF-8; Python keeps them as lone surrogates.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _count(name: str, value: int | float, total: int) -> int:
    """Turn a number or a fraction of signals into a number."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    fraction = isinstance(value, float) and 0 <= value < 1
    if not (fraction or (whole and value >= 0)):
        raise InputError(
            f"split: {name}={value!r} must be a number of signals (0, 1, 2, ...) or a fraction "
            "from 0.0 up to, but not including, 1.0"
        )
    # The tolerance keeps 0.07 * 100 = 7.000000000000001 from being rounded up to 8.
    return math.ceil(value * total - 1e-9) if fraction else int(value)


def group_pattern(group: str) -> re.Pattern[str]:
    """Compile the expression for groups; see `split`."""
    try:
        return re.compile(group)
    except re.error as error:
        raise InputError(
            f"split: group={group!r} is not a regular expression ({error}); correct it"
        ) from error


def groups_of(names: Sequence[str], group: str | None) -> list[str]:
    """The group of each name; see `split`."""
    if group is None:
        return list(names)
    pattern = group_pattern(group)
    keys: list[str] = []
    for name in names:
        match = pattern.search(name)
        key = match and match[1 if pattern.groups else 0]
        if key is None:
            raise InputError(
                f"split: group={group!r} does not match the name {name!r}; "
                "write an expression that matches every name"
            )
        keys.append(key)
    return keys
