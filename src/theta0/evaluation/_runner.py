"""The protocol of every table: initializations x rules x signals x steps -> rows.

Each initialization is fitted by the same loop; one whose update rule is learned also by that (the
rule ``learned``). For each kind of rule and each number of steps, its settings are those that were
best *at that number of steps* on validation signals, so that no baseline suffers from a step size
meant for longer fits; test signals only ever see the choice. The weights of other objectives are
chosen in the same way, with the rule that was best without them; flip test-time augmentation is
added to what was best of both.
"""

import functools
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from theta0.forward import ForwardMap, predict
from theta0.signals import Task, TaskFamily

from ._candidates import (
    REGULARIZED,
    Candidate,
    Init,
    Inits,
    Rules,
    additions,
    candidate_of,
    candidates,
)
from ._judging import fields_by_step, over_devices, quality_of, step_to_stop
from ._protocol import Protocol
from ._rows import Rows, best, statistics
from ._signals import judged_tasks, tuning_tasks

WORTH_FINER_SUMS = 0.05
"""dB on validation signals by which more samples per ray, which cost as much more, must be better.
"""

Keep = Callable[[str, str, Callable[[], Rows]], Rows]
"""(initialization, rule, what measures its rows) -> its rows: measured now, or kept before."""

_VALIDATION = 1_000_000
"""Number of the first validation signal, so that no test signal shares its randomness."""


def evaluate(
    forward: ForwardMap,
    inits: Inits,
    family: TaskFamily | Callable[[], TaskFamily],
    protocol: Protocol,
    seed: int = 0,
    on_progress: Callable[[str, float], None] | None = None,
    keep: Keep = lambda init, rule, measure: measure(),
    rules: Rules | None = None,
) -> Rows:
    """Fit every initialization to test signals.

    Args:
        forward: how the support is measured.
        inits: initializations by name.
        family: where validation and test signals come from, or a function that builds it, which is
            called only if something is to be measured.
        protocol: steps, rules, numbers of signals.
        seed: of the randomness of fits.
        on_progress: called with (what runs, fraction done).
        keep: asked for the rows of each initialization and kind of rule, so that a caller can keep
            them as soon as they are measured, or leave some out; see `Keep`.
        rules: update rules tried in place of the protocol's; see `candidates`.

    Returns:
        One :class:`Row` per initialization, kind of rule and number of steps (with
        ``protocol.validation_fraction`` one per initialization and kind of rule, see
        :meth:`_Runner.stopped`).
    """

    @functools.cache
    def runner() -> _Runner:
        found = family if isinstance(family, TaskFamily) else family()
        tasks = tuning_tasks(found, protocol), judged_tasks(found, protocol)
        return _Runner(forward, inits, found, protocol, seed, *tasks)

    rows: Rows = []
    everything: list[Candidate] = []
    groups = [
        (name, tried)
        for name, init in inits.items()
        for tried in candidates(protocol, name, init(0), rules)
    ]
    added = [(name, *more) for name in inits if name in REGULARIZED for more in additions(protocol)]
    count, total = itertools.count(), len(groups) + len(added)

    def run(name: str, tried: list[Candidate]) -> None:
        done, rule = next(count) / total, tried[0].rule_name

        def measured() -> Rows:
            # Not told of what is kept from before, or left out.
            if on_progress:
                on_progress(f"{name}, {rule}", done)
            stopped = protocol.validation_fraction is not None
            return runner().stopped(name, tried) if stopped else runner().rows(name, tried)

        rows.extend(keep(name, rule, measured))
        everything.extend(tried)

    for group in groups:
        run(*group)
    for name, what, changes in added:
        if bases := _bases(rows, name, what):
            chosen = candidate_of(best(bases), everything)
            run(f"{name}+{what}", [chosen._replace(**change) for change in changes])
    if on_progress:
        on_progress("done", 1.0)
    return rows


def _bases(rows: Rows, name: str, what: str) -> Rows:
    """The rows of which the best is what is added to; flipping is added to objectives, too."""
    flipped = what == "flip"
    is_base = lambda init: init == name or (flipped and init.startswith(f"{name}+"))
    return [row for row in rows if is_base(row["init"])]


@dataclass(frozen=True)
class _Runner:
    """What all fits of an evaluation share."""

    forward: ForwardMap
    inits: Inits
    family: TaskFamily
    protocol: Protocol
    seed: int
    tuning: list[Task]
    testing: list[Task]

    def fits(
        self,
        name: str,
        candidate: Candidate,
        tasks: list[Task],
        first: int,
        steps: tuple[int, ...],
        judged: Sequence[int] | None = None,
    ) -> tuple[Float[np.ndarray, "signals judged numbers"], float]:
        """What judges every task after every number of steps, and mean seconds of a step.

        ``first`` numbers the signals; ``judged`` are the numbers of steps wanted, if not all.
        """
        family, last = self.family, max(*steps, 1)
        forward = self.forward.with_samples(candidate.samples)

        def one(device: Any, number: int, task: Task) -> tuple[Any, float]:
            seen_by = family.query_forward or self.forward
            judge = lambda field: family.judge(predict(seen_by, field, task.query.p), task)
            init, key = begin(self.inits, name, candidate, self.seed, number)
            init = init.on(device)
            loop = candidate.loop(self.protocol, last, family.side(task))
            # Of this fit, not of the whole divided by all: several run at once.
            began = time.monotonic()
            rule = candidate.rule_for(init)
            fields = fields_by_step(forward, init.field, rule, task.support, loop, steps, key)
            seconds = time.monotonic() - began
            return quality_of([init.field, *fields], steps, judge, judged), seconds

        found = over_devices(one, range(first, first + len(tasks)), tasks)
        values, seconds = zip(*found, strict=True)
        return np.stack(values), float(np.mean(seconds)) / last

    def _tried(
        self, name: str, tried: list[Candidate], steps: tuple[int, ...]
    ) -> Float[np.ndarray, "candidates steps"]:
        """Means on validation signals."""
        run = lambda one: self.fits(name, one, self.tuning, _VALIDATION, steps)
        return np.stack([run(one)[0][..., 0].mean(axis=0) for one in tried])

    def rows(self, name: str, tried: list[Candidate]) -> Rows:
        """Choose a candidate for each number of steps on validation, then run the test."""
        steps = self.protocol.steps
        means = self._tried(name, tried, steps)
        places = [int(place) for place in np.argmax(means, axis=0)]
        # A fit does not depend on when it ends, so none goes beyond the last step it is chosen for.
        wanted = {place: [s for s, of in zip(steps, places, strict=True) if of == place]
                  for place in places}  # fmt: skip
        fits = {
            place: self.fits(
                name, tried[place], self.testing, 0,
                tuple(s for s in steps if s <= judged[-1]), judged,
            )
            for place, judged in wanted.items()
        }  # fmt: skip
        return [
            self._row(
                name, tried[place], step, fits[place][0][:, wanted[place].index(step)],
                means[:, column].max(), fits[place][1],
            )
            for column, (step, place) in enumerate(zip(steps, places, strict=True))
        ]  # fmt: skip

    def stopped(self, name: str, tried: list[Candidate]) -> Rows:
        """Choose a candidate and a number of steps on validation, then run the test.

        Returns:
            One row, which also has ``psnr_best_step``, the mean if the truth stopped each fit, at
            most at twice the chosen number of steps; and of the first ``n_held_out`` signals
            ``held_out_cost``, by how much stopping where the validation fraction of the
            observations says is below that, and ``steps_held_out``, the median of those numbers
            of steps.
        """
        chosen, tried_steps, means = self._chosen(name, tried)
        column = int(np.argmax(means))
        steps = tuple(step for step in tried_steps if step <= 2 * max(tried_steps[column], 1))
        found, pace = self.fits(name, chosen, self.testing, 0, steps)
        few = self.testing[: self.protocol.stopping_signals]
        stops = self._stops(name, chosen, few, steps)
        scores, metric = found[..., 0], self.family.metric.name
        missed = [scores[i].max() - scores[i, steps.index(stop)] for i, stop in enumerate(stops)]
        row = self._row(name, chosen, steps[column], found[:, column], means.max(), pace)
        return [
            {
                **row,
                f"{metric}_best_step": float(scores.max(axis=1).mean()),
                "held_out_cost": float(np.mean(missed)),
                "steps_held_out": float(np.median(stops)),
                "n_held_out": len(few),
            }
        ]

    def _chosen(
        self, name: str, tried: list[Candidate]
    ) -> tuple[Candidate, tuple[int, ...], Float[np.ndarray, " steps"]]:
        """The best candidate, the numbers of steps it was tried for, and its means by these."""
        steps = self.protocol.steps
        means = self._tried(name, tried, steps)
        place = int(np.argmax(means.max(axis=1)))
        chosen, own = tried[place], means[place]
        if self.protocol.samples and chosen.samples is None:
            finer = [chosen._replace(samples=samples) for samples in self.protocol.samples]
            dearer = self._tried(name, finer, steps)
            if dearer.max() >= own.max() + WORTH_FINER_SUMS:
                place = int(np.argmax(dearer.max(axis=1)))
                chosen, own = finer[place], dearer[place]
        if self.protocol.more_steps and np.argmax(own) == len(steps) - 1:
            steps = (*steps, *self.protocol.more_steps)
            (own,) = self._tried(name, [chosen], steps)
        return chosen, steps, own

    def _stops(
        self, name: str, chosen: Candidate, tasks: list[Task], steps: tuple[int, ...]
    ) -> list[int]:
        """Where the validation fraction of each signal's observations ends its fit."""
        forward = self.forward.with_samples(chosen.samples)
        fraction = self.protocol.validation_fraction
        assert fraction is not None

        def one(device: Any, number: int, task: Task) -> int:
            init, key = begin(self.inits, name, chosen, self.seed, number)
            init = init.on(device)
            loop = chosen.loop(self.protocol, steps[-1], self.family.side(task))
            rule = chosen.rule_for(init)
            return step_to_stop(
                forward, init.field, rule, task.support, loop, steps, key, fraction,
                self.seed + number,
            )  # fmt: skip

        return over_devices(one, range(len(tasks)), tasks)

    def _row(
        self,
        name: str,
        candidate: Candidate,
        step: int,
        values: Float[np.ndarray, "signals numbers"],
        validation: float,
        pace: float,
    ) -> dict[str, Any]:
        """What a row is about, how good it is, and its time from the seconds of a step."""
        metric = self.family.metric
        views = {} if self.protocol.views is None else {"views": self.protocol.views}
        what = {"init": name, **candidate.described(), **views, "steps": step}
        found = statistics(values, metric)
        chosen = {f"validation_{metric.name}": round(float(validation), 4)}
        return {**what, "seconds": round(pace * step, 4), **found, **chosen}


def begin(
    inits: Inits, name: str, candidate: Candidate, seed: int, number: int
) -> tuple[Init, jax.Array]:
    """Where the fit of a signal begins, and its key."""
    init = candidate.begin(inits[name.partition("+")[0]](number))
    return init, jax.random.fold_in(jax.random.PRNGKey(seed), number)
