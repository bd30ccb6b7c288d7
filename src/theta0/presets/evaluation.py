"""Evaluating an initialization: the learned start and its baselines, as rows and pictures."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.evaluate import (
    Rows,
    Starts,
    best,
    evaluate,
    judged_task,
    pictures_of,
    require_signals,
)
from theta0.inits import Initialization
from theta0.tasks import TaskFamily

from .experiment import STARTS, Experiment, StartName

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Gallery:
    """One test signal as every initialization shows it after some steps."""

    target: Float[np.ndarray, "height width channels"]
    steps: tuple[int, ...]
    pictures: dict[str, list[Float[np.ndarray, "height width channels"]]]
    """by initialization, one a step"""
    fits: dict[str, tuple[str, float]]
    """optimizer and step size used for each initialization"""


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
    names: Collection[StartName] = STARTS,
) -> Evaluation:
    """Compare a learned start with Standard, Mean, Matched and Shuffled on test signals.

    Args:
        experiment: data, protocol and seed.
        initialization: the learned start.
        family: the tasks, if they are built already.
        on_progress: called with (what runs, fraction done).
        names: the starts compared.

    Raises:
        InputError: there are fewer signals than the protocol asks for.
    """
    began = time.monotonic()
    family = experiment.data.build() if family is None else family
    require_signals(experiment.protocol, family)
    tell = on_progress or (lambda what, done: None)
    told = lambda name: tell(f"making the start {name}", 0.0)
    starts = experiment.starts(initialization.field, family, names, told)
    protocol = experiment.protocol
    rows = evaluate(experiment.forward, starts, family, protocol, experiment.seed, on_progress)
    # Step 0 is left to the curves; five pictures fit on a page.
    steps = tuple(step for step in protocol.steps if step > 0)[-5:]
    pictures = gallery(experiment, starts, family, rows, steps)
    learned = initialization.description.provenance
    origin = {
        "start learned by": learned.get("command"),
        "start imported from": learned.get("imported"),
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
    starts: Starts,
    family: TaskFamily,
    rows: Rows,
    steps: tuple[int, ...],
    signal: int = 0,
) -> Gallery:
    """A test signal, fitted from every start by the optimizer that was best for it on validation
    signals after the last of ``steps``.

    Args:
        experiment: protocol and seed of the rows.
        starts: initializations by name.
        family: where the signal comes from.
        rows: of :func:`theta0.evaluate.evaluate`, which say what was best.
        steps: numbers of steps, one picture each.
        signal: its number.
    """
    protocol = experiment.protocol
    task = judged_task(family, protocol, signal)
    pictures, fits = {}, {}
    for name in starts:
        row = best([row for row in rows if (row["init"], row["steps"]) == (name, steps[-1])])
        by_step = pictures_of(
            experiment.forward, starts, family, protocol, experiment.seed, row, steps, signal
        )
        pictures[name] = [pictures[0] for pictures in by_step]
        fits[name] = row["optimizer"], row["lr"]
    return Gallery(family.pictures(task.query.y)[0], steps, pictures, fits)
