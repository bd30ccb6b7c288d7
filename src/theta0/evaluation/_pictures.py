"""Test signals as fits show them."""

from typing import Any

import numpy as np

from theta0.fields import Field
from theta0.forward import ForwardMap, predict
from theta0.signals import Pictures, Task, TaskFamily

from ._candidates import Candidate, Inits
from ._judging import fields_by_step
from ._protocol import Protocol
from ._runner import begin
from ._signals import judged_task


def pictures_of(
    forward: ForwardMap,
    inits: Inits,
    family: TaskFamily,
    protocol: Protocol,
    seed: int,
    row: dict[str, Any],
    steps: tuple[int, ...],
    signal: int = 0,
    task: Task | None = None,
) -> list[Pictures]:
    """A test signal after each number of steps, fitted once more as a row of :func:`evaluate` says.

    Args:
        forward: how the support is measured.
        inits: initializations by name.
        family: where the signal comes from.
        protocol: of the row.
        seed: of the row.
        row: names the initialization, the rule and what was chosen for it.
        steps: numbers of steps.
        signal: its number.
        task: another part of it to fit, and other places to show; its own when left out.
    """
    task = task or judged_task(family, protocol, signal)
    candidate = Candidate.of_row(row)
    init, key = begin(inits, row["init"], candidate, seed, signal)
    loop = candidate.loop(protocol, steps[-1], family.side(task))
    seen_by = forward.with_samples(candidate.samples)
    fields = fields_by_step(
        seen_by, init.field, candidate.rule_for(init), task.support, loop, steps, key
    )
    return [shown(forward, family, field, task) for field in fields]


def shown(forward: ForwardMap, family: TaskFamily, field: Field, task: Task) -> Pictures:
    """The query of a task as a field shows it."""
    seen_by = family.query_forward or forward
    return family.pictures(np.asarray(predict(seen_by, field, task.query.p)))
