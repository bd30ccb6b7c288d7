"""Judging an initialization against the paper's baselines, on arrays or paths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optax

from theta0.config import from_words
from theta0.errors import InputError
from theta0.evaluation import Protocol, Rows, as_far_as_there_are, best, metric_of
from theta0.evaluation import evaluate as evaluate_inits
from theta0.inits import Initialization
from theta0.inner import Rule
from theta0.presets import INITS, InitName, experiment_of
from theta0.registry import RULES
from theta0.report import steps_table
from theta0.signals import Shares, SignalConfig, TaskFamily

from ._checks import check_count
from ._init import load
from ._learn import family_of
from ._messages import in_python
from ._seen import require_unseen, shares_of

AnyRule = Rule | str
"""An update rule, or the words for its settings"""


@dataclass(frozen=True)
class Evaluation:
    """How good each initialization is, by update rule and number of steps."""

    rows: Rows
    """plain dicts, as ``theta0 eval --json`` has them"""

    def best(self, init: str, steps: int) -> float:
        """The mean metric (PSNR in dB) of an initialization by the rule that is best for it.

        Raises:
            InputError: there is no such row.
        """
        found = [row for row in self.rows if (row["init"], row["steps"]) == (init, steps)]
        if not found:
            names = sorted({row["init"] for row in self.rows})
            raise InputError(f"no row for {init!r} after {steps} steps; there are {names}")
        row = best(found)
        return row[f"{metric_of(row)}_mean"]

    def __str__(self) -> str:
        return steps_table(self.rows).to_markdown()


@in_python()
def evaluate(
    init: Initialization | str | Path,
    signals: Any,
    *,
    inits: str | Sequence[str] = ("standard", "mean", "matched", "shuffled"),
    rules: AnyRule | Sequence[AnyRule] | Mapping[str, AnyRule] | None = None,
    steps: int | Sequence[int] = (0, 1, 2, 5, 10, 20),
    views: int | None = None,
    test_signals: int = 16,
    tuning_signals: int = 4,
    shares: Shares | None = None,
    seed: int = 0,
    on_progress: Callable[[str, float], None] | None = None,
) -> Evaluation:
    """Fit test signals from an initialization and from the paper's baselines.

    For each initialization, kind of rule and number of steps, the settings (step size) that are
    best on validation signals are taken; test signals only ever see the choice.

    Args:
        init: what :func:`theta0.load` or :func:`theta0.learn` returned, or what
            :func:`theta0.load` takes.
        signals: pictures, slices, views, a path or a family; as for :func:`theta0.learn`. Of the
            very signals that were learned from, those are judged that ``learn`` kept for testing.
        inits: the baseline initializations it is compared with: Standard (random weights), Mean,
            Matched and Shuffled; none of them computes what another needs.
        rules: update rules tried, one or several: settings, words (``"adam:1e-3"``), or values such
            as optax transformations; give values by name, ``{"nadam 1e-3": optax.nadam(1e-3)}``,
            and rows call them so. Gradient descent and Adam with the step sizes of the preset when
            left out. A learned rule is always tried.
        steps: numbers of inner steps after which fits are judged.
        views: views of a slice or object that are fitted.
        test_signals: how many are judged, at most as many as there are.
        tuning_signals: how many choose among the rules.
        shares: fractions of the signals for validation and test; the rest makes the mean signal.
            Those of ``learn`` when left out.
        seed: of the baselines and of fits.
        on_progress: called with (what runs, fraction done).

    Raises:
        InputError: says what is wrong with what was given, or that test signals were learned from.
    """
    init = load(init) if isinstance(init, str | Path) else init
    inits = (inits,) if isinstance(inits, str) else inits
    steps = (steps,) if isinstance(steps, int) else steps
    check_count(views=views, test_signals=test_signals, tuning_signals=tuning_signals)
    tried = _rules(rules)
    for name in inits:
        if name not in INITS:
            raise InputError(f"inits: {name!r} is unknown; choose from {', '.join(INITS)}")
    experiment = replace(experiment_of(init), seed=seed)
    shares = shares_of(init) if shares is None else shares
    family = family_of(signals, init.description.data, shares)
    if not isinstance(signals, SignalConfig | TaskFamily):
        require_unseen(init, signals, shares)
    wanted = replace(
        experiment.protocol, steps=tuple(steps), views=views, signals=test_signals,
        tuning_signals=tuning_signals,
    )  # fmt: skip
    protocol: Protocol = as_far_as_there_are(wanted, family)
    replace(experiment, protocol=protocol).require_fitting(family)
    names: tuple[InitName, ...] = tuple(
        name for name in INITS if name == "learned" or name in inits
    )
    made = experiment.inits(init.learned, family, names)
    rows = evaluate_inits(
        experiment.forward, made, family, protocol, seed, on_progress, rules=tried
    )
    return Evaluation(rows)


def _rules(
    given: AnyRule | Sequence[AnyRule] | Mapping[str, AnyRule] | None,
) -> Sequence[Rule] | Mapping[str, Rule] | None:
    """The rules that are given, one or several, words as the settings they stand for."""
    if given is None:
        return None
    read = lambda rule: from_words(rule, RULES) if isinstance(rule, str) else rule
    if isinstance(given, Mapping):
        found = {name: read(rule) for name, rule in given.items()}
    # An optax transformation is a tuple itself.
    elif isinstance(given, list | tuple) and not isinstance(given, optax.GradientTransformation):
        found = [read(rule) for rule in given]
    else:
        found = [read(given)]
    if not found:
        raise InputError("rules: name at least one update rule, such as adam:1e-3")
    return found
