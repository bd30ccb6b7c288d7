"""Evaluating an initialization against its baselines, as rows and pictures."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.evaluation import (
    Inits,
    Rows,
    best,
    evaluate,
    judged_task,
    pictures_of,
    require_signals,
    rule_label,
)
from theta0.inits import Initialization
from theta0.signals import TaskFamily

from .experiment import INITS, Experiment, InitName

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Gallery:
    """One test signal as every initialization shows it after some steps."""

    target: Float[np.ndarray, "height width channels"]
    steps: tuple[int, ...]
    pictures: dict[str, list[Float[np.ndarray, "height width channels"]]]
    """by initialization, one a step"""
    fits: dict[str, str]
    """update rule used for each initialization, in words"""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found."""

    rows: Rows
    gallery: Gallery
    facts: dict[str, Any]
    """seed, numbers of signals, steps and seconds"""


def evaluate_initialization(
    experiment: Experiment,
    initialization: Initialization,
    family: TaskFamily | None = None,
    on_progress: OnProgress | None = None,
    names: Collection[InitName] = INITS,
) -> Evaluation:
    """Compare a learned initialization with Standard, Mean, Matched and Shuffled on test signals.

    Args:
        experiment: data, protocol and seed.
        initialization: the learned one.
        family: the tasks, if they are built already.
        on_progress: called with (what runs, fraction done).
        names: the initializations compared.

    Raises:
        InputError: there are fewer signals than the protocol asks for.
    """
    began = time.monotonic()
    family = experiment.data.build() if family is None else family
    require_signals(experiment.protocol, family)
    experiment.require_fitting(family)
    tell = on_progress or (lambda what, done: None)
    told = lambda name: tell(f"making the initialization {name}", 0.0)
    inits = experiment.inits(initialization.learned, family, names, told)
    protocol = experiment.protocol
    rows = evaluate(experiment.forward, inits, family, protocol, experiment.seed, on_progress)
    # Step 0 is left to the curves; five pictures fit on a page.
    steps = tuple(step for step in protocol.steps if step > 0)[-5:]
    pictures = gallery(experiment, inits, family, rows, steps)
    learned = initialization.description.provenance
    origin = {
        "initialization learned by": learned.get("command"),
        "initialization imported from": learned.get("imported"),
        "at commit": learned.get("commit"),
        "outer steps": learned.get("outer_steps"),
        "seconds of training": learned.get("seconds"),
    }
    facts = {
        **{name: value for name, value in origin.items() if value is not None},
        "seed": experiment.seed,
        f"{protocol.judged} signals": protocol.signals,
        "validation signals for step sizes": protocol.tuning_signals,
        "seconds of evaluation": round(time.monotonic() - began, 1),
    }
    return Evaluation(rows, pictures, facts)


def gallery(
    experiment: Experiment,
    inits: Inits,
    family: TaskFamily,
    rows: Rows,
    steps: tuple[int, ...],
    signal: int = 0,
) -> Gallery:
    """A test signal, fitted from every initialization by the rule that was best for it.

    Best on validation signals after the last of ``steps``.

    Args:
        experiment: protocol and seed of the rows.
        inits: initializations by name.
        family: where the signal comes from.
        rows: of :func:`theta0.evaluation.evaluate`, which say what was best.
        steps: numbers of steps, one picture each.
        signal: its number.
    """
    protocol = experiment.protocol
    task = judged_task(family, protocol, signal)
    pictures, fits = {}, {}
    for name in inits:
        row = best([row for row in rows if (row["init"], row["steps"]) == (name, steps[-1])])
        by_step = pictures_of(
            experiment.forward, inits, family, protocol, experiment.seed, row, steps, signal
        )
        pictures[name] = [pictures[0] for pictures in by_step]
        fits[name] = rule_label(row)
    return Gallery(family.pictures(task.query.y)[0], steps, pictures, fits)
