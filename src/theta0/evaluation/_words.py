"""Which update rule a fit takes, by its words: ``adam:1e-3``, ``learned+adam:1e-4``."""

from dataclasses import fields, replace

from theta0.config import from_words
from theta0.errors import InputError
from theta0.fields import weights
from theta0.inits import Initialization
from theta0.inner import DescentConfig, RuleConfig
from theta0.registry import RULES

from ._candidates import OWN, Candidate


def rule_in_words(
    initialization: Initialization, words: str | None, lr: float | None = None
) -> Candidate:
    """The rule of a fit.

    Args:
        initialization: whose own rule is taken where no other is named.
        words: ``adam``, ``adam:1e-3``, ``learned``, or ``learned+adam:1e-4``: the steps that were
            learned, then Adam.
        lr: step size, of a rule that has one.

    Raises:
        InputError: there is no such rule, it has no step size, or nothing is learned.
    """
    if lr is not None and words is not None and ":" in words:
        raise InputError(f"lr is {lr:g}, but rule is {words!r}: give the step size in one of them")
    has_learned, own = bool(weights(initialization.rule)), initialization.description.inner.rule
    if words is None:
        return Candidate(None if has_learned and lr is None else _with_lr(own, lr))
    first, plus, second = words.partition("+")
    if first == OWN and not has_learned:
        raise InputError(
            f"rule is {words!r}, but the initialization was learned for {own.label} and has "
            "no learned rule; leave it out, or name a rule such as adam:1e-3"
        )
    if first != OWN:
        if plus and first in RULES.names():
            raise InputError(f"rule is {words!r}, but only {OWN} can be followed by another rule")
        return Candidate(_with_lr(_named(words), lr))
    if plus:
        return Candidate(_with_lr(_named(second), lr), after_own=True)
    if lr is not None:
        raise InputError(
            f"lr is {lr:g}, but the step sizes of {OWN} are learned; name a rule such as adam"
        )
    return Candidate(None)


def _named(words: str) -> RuleConfig:
    """A rule by its words.

    Raises:
        InputError: there is no such rule or setting.
    """
    try:
        return from_words(words, RULES)
    except InputError as error:
        raise InputError(f"rule is {words!r}: {error}") from error


def _with_lr(rule: RuleConfig, lr: float | None) -> RuleConfig:
    """The rule with another step size.

    Raises:
        InputError: it has none to give: it has none at all, or learns them.
    """
    if lr is None:
        return rule
    settings = {field.name for field in fields(rule)}  # pyright: ignore[reportArgumentType]
    if not isinstance(rule, DescentConfig) and settings != {"lr"}:
        raise InputError(
            f"lr is {lr:g}, but {rule.label} does not have one step size; name a rule such as "
            "adam, or give the settings of a rule with its name"
        )
    return replace(rule, lr=lr)  # pyright: ignore[reportCallIssue, reportArgumentType]
