"""Options that are given more than once: their values are joined, or the second one is refused."""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from theta0.errors import InputError


def joined(argv: list[str], several: Callable[[], Iterable[str]]) -> list[str]:
    """The words of a command line, each option once.

    Args:
        argv: the words.
        several: called if any option is repeated: the options that take any number of values.

    Returns:
        The same words, the values of an option that is given several times behind the first.

    Raises:
        InputError: an option that takes one value is given again.
    """
    counts = Counter(name for word in argv if (name := _option(word)))
    again = [name for name, count in counts.items() if count > 1]
    if not again:
        return argv
    many = set(several())
    for name in again:
        if name not in many:
            raise InputError(f"{name}: is given {counts[name]} times; give it once")
    groups: list[list[str]] = [[]]
    by_name: dict[str, list[str]] = {}
    for word in argv:
        if (name := _option(word)) is None:
            groups[-1].append(word)
        elif name in by_name:
            groups.append(by_name[name])
            groups[-1] += _value(word)
        else:
            groups.append([name, *_value(word)] if name in again else [word])
            by_name[name] = groups[-1]
    # A group stands where its option was given first.
    seen: list[list[str]] = []
    for group in groups:
        if not any(group is other for other in seen):
            seen.append(group)
    return [word for group in seen for word in group]


def _option(word: str) -> str | None:
    """The option that a word names: --x for --x=1, and for --no-x; None if it names none."""
    found = re.match(r"--[A-Za-z][\w.-]*", word)
    if not found:
        return None
    return re.sub(r"^(--(?:.*\.)?)no-", r"\1", found[0].replace("_", "-"))


def _value(word: str) -> list[str]:
    """The value that an option's word ends with."""
    _, given, value = word.partition("=")
    return [value] if given else []


def lists(kind: type, default: Any = None, prefix: str = "--") -> Iterator[str]:
    """The options of a dataclass of arguments that take any number of values.

    Args:
        kind: the dataclass.
        default: an instance whose parts may be of other classes than the annotations say.
        prefix: of the options' names.
    """
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint, named = hints[field.name], field.name
        if get_origin(hint) is Annotated:
            hint, *marks = get_args(hint)
            # As tyro names it, if it is told to: with an empty name its parts have no prefix.
            given = [mark.name for mark in marks if isinstance(getattr(mark, "name", None), str)]
            named = given[0] if given else named
        option = prefix + named.replace("_", "-")
        value = getattr(default, field.name, None)
        if dataclasses.is_dataclass(value):
            yield from lists(type(value), value, f"{option}." if named else prefix)
        elif any(... in get_args(part) for part in (hint, *get_args(hint))):
            yield option
