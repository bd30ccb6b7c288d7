"""Networks, forward maps, meta-learners and kinds of signals in place of those of a preset."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from theta0.errors import InputError
from theta0.presets import Experiment
from theta0.registry import FIELDS, FORWARD_MAPS, META_LEARNERS, SIGNALS, Registry


class Part(NamedTuple):
    """A part of an experiment that is chosen by name."""

    attribute: str
    """of the experiment, and prefix of its options"""
    registry: Registry
    noun: str
    """what the help calls it"""


PARTS: dict[str, Part] = {
    "signals": Part("data", SIGNALS, "kinds of signals"),
    "field": Part("field", FIELDS, "networks"),
    "forward": Part("forward", FORWARD_MAPS, "forward maps"),
    "meta": Part("meta", META_LEARNERS, "meta-learners"),
}
"""By the option that names it"""


def with_parts(experiment: Experiment, named: Mapping[str, str | None]) -> Experiment:
    """The experiment with the parts that are named; see :func:`remade`.

    Raises:
        InputError: nothing is registered under a name, or what is needs a setting that neither the
            preset nor a default gives.
    """
    for option, name in named.items():
        if name is not None:
            part = PARTS[option]
            kind, old = part.registry[name], getattr(experiment, part.attribute)
            if lacking := _without_value(kind, old):
                raise InputError(
                    f"--{option} {name}: {', '.join(lacking)} of {kind.__name__} has no default, "
                    "and the preset has no such setting; it cannot be chosen here"
                )
            experiment = replace(experiment, **{part.attribute: remade(kind, old)})
            if option == "signals" and old.network() != experiment.data.network():
                # The preset's are for signals of another shape; --field and --forward come later.
                field, forward = experiment.data.network()
                experiment = replace(experiment, field=field, forward=forward)
    return experiment


def remade(kind: type, old: Any) -> Any:
    """Settings of a kind, with the values of all that it shares with settings of another.

    Where both kinds have a default of their own for a shared setting, as Meta-SGD has another
    update rule than MAML, the new default is taken, remade from the old value.
    """
    if type(old) is kind:
        return old
    theirs = {field.name: field for field in dataclasses.fields(old)}
    kept = {}
    for field in dataclasses.fields(kind):
        if field.name in theirs:
            value, default = getattr(old, field.name), default_of(field)
            other = dataclasses.is_dataclass(default) and type(default) is not type(value)
            if other and type(default) is not type(default_of(theirs[field.name])):
                value = remade(type(default), value)
            if value is not None or default is None:  # what was left out is left out again
                kept[field.name] = value
    return kind(**kept)


def _without_value(kind: type, old: Any) -> list[str]:
    """Settings of a kind that neither a default nor those of another kind give."""
    given = {field.name for field in dataclasses.fields(old)}
    return [
        field.name
        for field in dataclasses.fields(kind)
        if field.name not in given and default_of(field) is dataclasses.MISSING
    ]


def default_of(field: dataclasses.Field) -> Any:
    """The default of a setting; MISSING if it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
