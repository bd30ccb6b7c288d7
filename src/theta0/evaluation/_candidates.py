"""What is tried with an initialization, and what stands in a row of what was chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

from theta0.config import from_words, to_words
from theta0.errors import InputError
from theta0.fields import Field, FlipAverageField, SirenField, on_device, weights
from theta0.inner import (
    DescentConfig,
    InnerConfig,
    InnerLoop,
    Objective,
    Rule,
    RuleConfig,
    UpdateRule,
    as_rule,
    moved_by_rule,
    then,
)
from theta0.meta import Learned
from theta0.registry import RULES

from ._protocol import Protocol


class Init(NamedTuple):
    """Where the fits of a signal begin."""

    field: Field
    rule: UpdateRule | None = None
    """the rule that was learned with it, if it has anything learned"""
    rule_steps: int = 0
    """inner steps that rule was learned for"""

    @classmethod
    def learned(cls, learned: Learned, inner: InnerConfig) -> "Init":
        """A learned initialization, whose inner loop in meta-training was ``inner``."""
        has_learned = bool(weights(learned.rule))
        return cls(learned.field, learned.rule if has_learned else None, inner.steps)

    def on(self, device: Any) -> "Init":
        """The same, its arrays on a device."""
        return self._replace(field=on_device(self.field, device), rule=on_device(self.rule, device))


Inits = Mapping[str, Callable[[int], Init]]
"""Initializations by name: signal number -> where its fit begins (afresh each time for Standard)"""

Rules = Sequence[Rule] | Mapping[str, Rule]
"""Update rules, as settings or as values; by the names that rows give them, where they have some"""

OWN = "learned"
"""Name in a row of an initialization's own learned rule; ``learned+adam``: followed by Adam."""


class Candidate(NamedTuple):
    """What is chosen on validation signals."""

    rule: Rule | None
    """None: the initialization's own"""
    after_own: bool = False
    """the initialization's own rule first, for the steps it was learned for"""
    w0: float | None = None
    """of Standard; None: the network's own"""
    objective: Objective = Objective()
    samples: int | None = None
    """per ray; None: the forward map's own"""
    flip: bool = False
    """with flip test-time augmentation"""
    called: str | None = None
    """name of a rule that is not registered"""

    @property
    def rule_name(self) -> str:
        """What the row calls the kind of rule."""
        names = [OWN] if self.rule is None or self.after_own else []
        if self.rule is not None:
            names.append(self.called or name_of_rule(self.rule))
        return "+".join(names)

    def rule_for(self, init: Init) -> Rule:
        """The rule for a fit from ``init``.

        Raises:
            InputError: it needs a learned rule, and the initialization has none.
        """
        if self.rule is not None and not self.after_own:
            return self.rule
        if init.rule is None:
            raise InputError("the initialization has no learned rule; name another rule")
        if self.rule is None:
            return init.rule
        second = as_rule(self.rule, moved_by_rule(init.field, self.flip))
        return then(init.rule, init.rule_steps, second)

    def begin(self, init: Init) -> Init:
        """Where the fit begins, w0 changed where that is asked for."""
        if self.w0 is None:
            return init
        assert isinstance(init.field, SirenField)
        return init._replace(field=init.field.with_w0(self.w0))

    def loop(self, protocol: Protocol, steps: int, side: int) -> InnerLoop:
        """How a signal is fitted; total variation is taken on ``side`` points per side."""
        objective = replace(self.objective, tv_side=self.objective.tv_side or side)
        return InnerLoop(steps, protocol.batch, objective, self.flip)

    def described(self) -> dict[str, Any]:
        """What a row says of it."""
        found: dict[str, Any] = {"rule": self.rule_name}
        if isinstance(self.rule, DescentConfig) and self.rule.is_usual:
            found["lr"] = self.rule.lr
        elif isinstance(self.rule, RuleConfig):
            found["settings"] = to_words(self.rule, RULES)
        chosen = {"w0": self.w0, **self.objective.added, "samples": self.samples, "flip": self.flip}
        return {**found, **{name: value for name, value in chosen.items() if value}}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Candidate":
        """What a row describes.

        Raises:
            InputError: its rule is not registered.
        """
        first, plus, second = row["rule"].partition("+")
        name = second if plus else first
        own = first == OWN
        rule = None
        if plus or not own:
            rule = from_words(row["settings"], RULES) if "settings" in row else RULES[name]()
            rule = type(rule)(lr=row["lr"]) if "lr" in row else rule
        terms = {field.name: row[field.name] for field in fields(Objective) if field.name in row}
        kept = {name: row[name] for name in ("w0", "samples", "flip") if name in row}
        return cls(rule, own and rule is not None, objective=Objective(**terms), **kept)


def candidate_of(row: Mapping[str, Any], tried: Sequence[Candidate]) -> Candidate:
    """What a row is about: one of those that were tried, or what it describes.

    Raises:
        InputError: it is none of those, and its rule is not registered.
    """
    told = lambda candidate: candidate.described().items()
    among = [candidate for candidate in tried if told(candidate) <= row.items()]
    # The one that says most: of what was added to it, too.
    return max(among, key=lambda one: len(told(one))) if among else Candidate.of_row(row)


def name_of_rule(rule: Rule) -> str:
    """The kind of a rule in rows: the name it is registered under, or that of its class."""
    return RULES.name_of(type(rule)) if isinstance(rule, RuleConfig) else type(rule).__name__


def candidates(
    protocol: Protocol, name: str, init: Init, rules: Rules | None = None
) -> list[list[Candidate]]:
    """Everything tried with an initialization, by the kind of rule.

    Args:
        protocol: what is tried.
        name: of the initialization.
        init: one of its fields, and its rule.
        rules: tried in place of the protocol's. Those with a name, and values that are not
            registered, are each a kind of their own.

    Raises:
        InputError: w0 is given, and the network has none.
    """
    w0s = protocol.w0 if name == "standard" and protocol.w0 else (None,)
    if w0s != (None,) and not isinstance(init.field, SirenField):
        raise InputError(
            f"w0 is given as {protocol.w0}, but {type(init.field).__name__} has none; leave it out"
        )
    own = init.rule is not None
    tried = [
        *([Candidate(None)] if own else []),
        *(Candidate(rule, True) for rule in protocol.after_learned if own),
        *(
            Candidate(rule, w0=w0, called=called)
            for w0 in w0s
            for called, rule in _named(protocol.rules if rules is None else rules)
        ),
    ]
    # Two copies of a network go on as two: a learned rule is for one of them.
    flip = isinstance(init.field, FlipAverageField)
    tried = [candidate._replace(flip=flip) for candidate in tried]
    groups: dict[str, list[Candidate]] = {}
    for candidate in tried:
        groups.setdefault(candidate.rule_name, []).append(candidate)
    return list(groups.values())


def _named(rules: Rules) -> list[tuple[str | None, Rule]]:
    """The rules, with the names of those whose kind does not say which they are."""
    if isinstance(rules, Mapping):
        return list(rules.items())
    kinds = [name_of_rule(rule) for rule in rules]
    return [
        (None if isinstance(rule, RuleConfig) else _numbered(kinds, number), rule)
        for number, rule in enumerate(rules)
    ]


def _numbered(kinds: Sequence[str], number: int) -> str:
    """One of several names, counted from 1 where there are others like it."""
    kind = kinds[number]
    return kind if kinds.count(kind) == 1 else f"{kind}-{kinds[: number + 1].count(kind)}"


REGULARIZED = ("learned", "standard")
"""Initializations that are also fitted with other objectives, and flipped."""


def additions(protocol: Protocol) -> list[tuple[str, list[dict[str, Any]]]]:
    """What is added to the best candidates, by the name of its rows: changes to a candidate."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for objective in protocol.objectives:
        groups.setdefault("+".join(objective.added), []).append({"objective": objective})
    if protocol.flip:
        groups["flip"] = [{"flip": True}]
    return list(groups.items())
