"""What words of the command line mean, and what is said of those that mean nothing.

Update rules and objectives are single words: ``adam:1e-3``, ``tv=1e-5,huber=0.1``. For numbers,
options that may be left out, and lists, these rules replace Tyro's, whose messages speak Python.
"""

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from types import UnionType
from typing import Any, Literal, Union, get_args

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from theta0.config import VERSION, from_plain, from_words, to_words
from theta0.errors import InputError
from theta0.inner import DescentConfig, Objective, RuleConfig
from theta0.registry import RULES

WORDS = ConstructorRegistry()
"""Given to Tyro by every command"""

Spec = PrimitiveConstructorSpec
Count = int | tuple[int, ...] | Literal["*"]
"""How many words belong to an option"""


def objective_of(text: str) -> Objective:
    """``term=weight``, several of them joined by commas.

    Raises:
        InputError: there is no such term, or its weight is not a number.
    """
    values: dict[str, Any] = {}
    for word in text.split(","):
        name, _, value = word.partition("=")
        if name not in Objective.terms():
            raise InputError(
                f"{name!r} is no term of an objective; choose from {', '.join(Objective.terms())}, "
                "as in tv=1e-5,huber=0.1"
            )
        try:
            values[name] = json.loads(value)
        except ValueError:
            raise InputError(f"{word!r} has no weight; give {name}=NUMBER") from None
    return from_plain({"version": VERSION, **values}, Objective, text)


def words_of_rule(rule: RuleConfig) -> str:
    """What the command line calls a rule, its one step size without the name."""
    if isinstance(rule, DescentConfig) and rule.is_usual:
        return f"{RULES.name_of(type(rule))}:{rule.lr:g}"
    return to_words(rule, RULES)


def words_of_objective(objective: Objective) -> str:
    """What the command line calls an objective."""
    return ",".join(f"{name}={value:g}" for name, value in objective.added.items()) or "none"


def _word(metavar: str, kind: type, read: Callable[[str], Any], tell: Callable[[Any], str]) -> Spec:
    """One word, by its reader; Tyro takes a ValueError for an answer, which InputError is."""
    return Spec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: isinstance(value, kind),
        str_from_instance=lambda value: [tell(value)],
    )


@WORDS.primitive_rule
def _rule(info: PrimitiveTypeInfo) -> Spec | None:
    if not (isinstance(info.type, type) and issubclass(info.type, RuleConfig)):
        return None
    return _word("RULE", RuleConfig, lambda text: from_words(text, RULES), words_of_rule)


@WORDS.primitive_rule
def _objective(info: PrimitiveTypeInfo) -> Spec | None:
    if info.type is not Objective:
        return None
    return _word("TERM=WEIGHT", Objective, objective_of, words_of_objective)


@WORDS.primitive_rule
def _number(info: PrimitiveTypeInfo) -> Spec | None:
    kind = info.type
    if kind is not int and kind is not float:
        return None
    # A float may be given as 1 in Python.
    accepted = (int, float) if kind is float else int
    return dataclasses.replace(
        _word(kind.__name__.upper(), kind, partial(_read_number, kind), str),
        is_instance=lambda value: isinstance(value, accepted) and not isinstance(value, bool),
    )


def _read_number(kind: type, word: str) -> Any:
    try:
        number = kind(word)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise ValueError(f"{word!r} is not {what}") from None
    if not abs(number) < float("inf"):
        raise ValueError(f"{word!r} is not a finite number")
    return number


def _spec(kind: Any, info: PrimitiveTypeInfo) -> Spec | None:
    """How a part of a type is read; None of what is not read from words, such as a dataclass."""
    found = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kind, info.markers))
    return found if isinstance(found, Spec) else None


@WORDS.primitive_rule
def _alternatives(info: PrimitiveTypeInfo) -> Spec | None:
    """``X | None`` and ``X | Y``: the first that understands the words; ``None`` is one."""
    if info.type_origin not in (Union, UnionType):
        return None
    optional = type(None) in get_args(info.type)
    specs = [_spec(kind, info) for kind in get_args(info.type) if kind is not type(None)]
    found = [spec for spec in specs if spec is not None]
    if len(found) < len(specs):
        return None
    counts = {spec.nargs for spec in found} | ({1} if optional else set())
    choices = None
    if all(spec.choices is not None for spec in found):
        every = [choice for spec in found for choice in spec.choices or ()]
        choices = (*every, *(["None"] if optional else []))
    return Spec(
        nargs=found[0].nargs if len(counts) == 1 else "*",
        metavar="|".join(spec.metavar for spec in found),
        instance_from_str=lambda words: (
            None if optional and words == ["None"] else _first_that_reads(found, words)
        ),
        is_instance=lambda value: (
            any(spec.is_instance(value) for spec in found) or (optional and value is None)
        ),
        str_from_instance=lambda value: (
            ["None"]
            if value is None
            else next(spec for spec in found if spec.is_instance(value)).str_from_instance(value)
        ),
        choices=choices,
    )


def _first_that_reads(specs: list[Spec], words: list[str]) -> Any:
    """What the first of several readings makes of some words; the error of one that is alone."""
    for spec in specs:
        if isinstance(spec.nargs, int) and len(words) != spec.nargs:
            continue
        if spec.choices is not None and not set(words) <= set(spec.choices):
            continue
        try:
            return spec.instance_from_str(words)
        except ValueError:
            if len(specs) == 1:
                raise
    given = f"found '{' '.join(words)}'" if words else "nothing is given"
    raise ValueError(f"{given}; give {' or '.join(spec.metavar.strip('{}') for spec in specs)}")


@WORDS.primitive_rule
def _several(info: PrimitiveTypeInfo) -> Spec | None:
    """``tuple[X, ...]`` of single words, and ``tuple[X, X, X]``."""
    kinds = get_args(info.type)
    if info.type_origin is not tuple or not kinds or len(set(kinds) - {...}) > 1:
        return None
    one = _spec(kinds[0], info)
    if one is None or one.nargs != 1:
        return None
    count: Count = "*" if ... in kinds else len(kinds)
    return Spec(
        nargs=count,
        metavar=f"[{one.metavar} ...]" if count == "*" else " ".join([one.metavar] * count),
        instance_from_str=lambda words: tuple(one.instance_from_str([word]) for word in words),
        is_instance=lambda value: isinstance(value, tuple) and all(map(one.is_instance, value)),
        str_from_instance=lambda value: (
            [word for part in value for word in one.str_from_instance(part)] or ["none"]
        ),
        choices=one.choices,
    )
