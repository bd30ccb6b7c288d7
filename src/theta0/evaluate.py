"""The protocol of every table: initializations x optimizers x signals x steps -> rows.

Each initialization is fitted by the same loop; one that carries learned step sizes also by them
(the optimizer ``learned``, whose ``lr`` is a factor of 1). For each optimizer and each number of
steps its step size is the one that was best *at that number of steps* on validation signals, so
that no baseline suffers from a step size meant for longer fits; test signals only ever see the
choice.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from theta0.errors import DivergedError, InputError, require_positive
from theta0.fields import Field, Stepped
from theta0.fit import InnerConfig, OptimizerName, fit
from theta0.forward import ForwardMap
from theta0.metrics import psnr
from theta0.tasks import Observation, SplitName, Task, TaskFamily

Starts = Mapping[str, Callable[[int], Field]]
"""Initializations by name: signal number -> field (a fresh one each for Standard)."""

Rows = list[dict[str, Any]]

Keep = Callable[[str, str, Callable[[], Rows]], Rows]
"""(initialization, optimizer, what measures its rows) -> its rows: measured now, or kept before."""


@dataclass(frozen=True)
class Protocol:
    """What is measured."""

    steps: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50, 100)
    """numbers of gradient steps after which PSNR is taken"""
    sgd: tuple[float, ...] = (1e-3, 1e-2, 1e-1)
    """step sizes tried for gradient descent"""
    adam: tuple[float, ...] = (1e-4, 1e-3)
    """step sizes tried for Adam"""
    tuning_signals: int = 4
    """validation signals that choose among them"""
    signals: int = 16
    """test signals"""
    batch: int | None = None
    """observations a step; None: all"""
    views: int | None = None
    """views of a CT slice"""

    def __post_init__(self):
        require_positive(self, "tuning_signals", "signals", "batch", "views")
        if min(self.steps, default=-1) < 0 or max(self.steps, default=0) < 1:
            raise InputError(f"steps {self.steps} must be 0 or more, at least one above 0")
        if list(self.steps) != sorted(set(self.steps)):
            raise InputError(f"steps {self.steps} must rise, each given once")
        if not (self.sgd or self.adam):
            raise InputError("neither sgd nor adam has a step size to try; give at least one")
        for lr in (*self.sgd, *self.adam):
            if not (lr > 0 and np.isfinite(lr)):
                raise InputError(f"sgd or adam has step size {lr}; give finite ones above 0")


def fields_by_step(
    forward: ForwardMap,
    start: Field,
    observation: Observation,
    loop: InnerConfig,
    steps: tuple[int, ...],
    key: jax.Array,
) -> list[Field]:
    """The fitted field after each number of steps.

    A fit that diverges keeps the last of them it reached, or the start: what a user who watches
    it would keep.
    """
    try:
        kept = fit(forward, start, observation, loop.build(), key, (0, *steps)).snapshots
    except DivergedError as error:
        kept = error.snapshots
    return [kept[max(reached for reached in kept if reached <= step)] for step in steps]


def over_devices(
    function: Callable[..., Any], values: Iterable[Any], *others: Iterable[Any]
) -> list[Any]:
    """``[function(device, *v) for v in zip(values, ...)]``, one at a time on each local device.

    Fits of different signals are independent, and a small network leaves most of a machine idle
    unless several are fitted at once.
    """
    idle: SimpleQueue[Any] = SimpleQueue()
    for device in jax.local_devices():
        idle.put(device)

    def call(*arguments):
        device = idle.get()
        try:
            with jax.default_device(device):
                return function(device, *arguments)
        finally:
            idle.put(device)

    with ThreadPoolExecutor(jax.local_device_count()) as pool:
        return list(pool.map(call, values, *others))


def psnr_by_step(
    forward: ForwardMap,
    start: Field,
    task: Task,
    query_forward: ForwardMap,
    loop: InnerConfig,
    steps: tuple[int, ...],
    key: jax.Array,
) -> list[float]:
    """PSNR in dB on the query after each number of steps; see :func:`fields_by_step`.

    A field whose predictions are not numbers counts as the one before.
    """
    judge = lambda field: psnr(predict(query_forward, field, task.query.p), task.query.y)
    values: list[float] = []
    for field in fields_by_step(forward, start, task.support, loop, steps, key):
        value = judge(field)
        values.append((values[-1] if values else judge(start)) if np.isnan(value) else value)
    return values


@eqx.filter_jit
def predict(forward: ForwardMap, field: Field, p: Any):
    """Compiled predictions of a field."""
    return forward(field, p)


def evaluate(
    forward: ForwardMap,
    starts: Starts,
    family: TaskFamily,
    protocol: Protocol,
    seed: int = 0,
    on_progress: Callable[[str, float], None] | None = None,
    keep: Keep = lambda init, optimizer, measure: measure(),
) -> Rows:
    """Fit every initialization to test signals.

    Args:
        forward: how the support is measured.
        starts: initializations by name.
        family: where validation and test signals come from.
        protocol: steps, step sizes, numbers of signals.
        seed: of the randomness of fits.
        on_progress: called with (what runs, fraction done).
        keep: asked for the rows of each initialization and optimizer, so that a caller can keep
            them as soon as they are measured, or leave some out; see `Keep`.

    Returns:
        One row per initialization, optimizer and number of steps: ``init``, ``optimizer``,
        ``lr``, ``steps``, ``psnr_mean``, ``psnr_std``, ``psnr`` (each signal), ``n``,
        ``seconds`` (of one fit, up to that step), and ``views`` if given.
    """
    rates: list[tuple[OptimizerName, tuple[float, ...]]] = [
        ("learned", (1.0,)),
        ("sgd", protocol.sgd),
        ("adam", protocol.adam),
    ]
    pairs: list[tuple[str, OptimizerName, tuple[float, ...]]] = [
        (name, optimizer, lrs)
        for name, start in starts.items()
        for optimizer, lrs in rates
        if lrs and (optimizer != "learned" or isinstance(start(0), Stepped))
    ]
    runner = _Runner(
        forward,
        starts,
        family.query_forward,
        protocol,
        seed,
        held_out_tasks(family, "validation", protocol.tuning_signals, protocol.views),
        held_out_tasks(family, "test", protocol.signals, protocol.views),
    )
    rows: Rows = []
    for done, (name, optimizer, lrs) in enumerate(pairs):
        if on_progress:
            on_progress(f"{name}, {optimizer}", done / len(pairs))
        rows.extend(keep(name, optimizer, partial(runner.rows, name, optimizer, lrs)))
    if on_progress:
        on_progress("done", 1.0)
    return rows


@dataclass(frozen=True)
class _Runner:
    """What all fits of an evaluation share."""

    forward: ForwardMap
    starts: Starts
    query_forward: ForwardMap
    protocol: Protocol
    seed: int
    tuning: list[Task]
    testing: list[Task]

    def fits(
        self,
        name: str,
        optimizer: OptimizerName,
        lr: float,
        tasks: list[Task],
        first: int,
        steps: tuple[int, ...],
    ) -> tuple[Float[np.ndarray, "signals steps"], float]:
        """PSNR of every task after every number of steps, and mean seconds of a step.

        ``first`` numbers the signals.
        """
        last = max(*steps, 1)
        loop = InnerConfig(optimizer, lr, last, self.protocol.batch)

        def one(device: Any, number: int, task: Task) -> tuple[list[float], float]:
            # Of this fit, not of the whole divided by all: several run at once.
            began = time.monotonic()
            start = jax.device_put(self.starts[name](number), device)
            key = jax.random.fold_in(jax.random.PRNGKey(self.seed), number)
            values = psnr_by_step(self.forward, start, task, self.query_forward, loop, steps, key)
            return values, time.monotonic() - began

        found = over_devices(one, range(first, first + len(tasks)), tasks)
        values, seconds = zip(*found, strict=True)
        return np.array(values), float(np.mean(seconds)) / last

    def rows(self, name: str, optimizer: OptimizerName, lrs: tuple[float, ...]) -> Rows:
        """Choose a step size for each number of steps on validation, then run the test."""
        protocol, steps = self.protocol, self.protocol.steps
        tried = [self.fits(name, optimizer, lr, self.tuning, _VALIDATION, steps)[0] for lr in lrs]
        best = np.argmax(np.stack(tried).mean(axis=1), axis=0)
        chosen = [lrs[int(i)] for i in best]
        # A fit does not depend on when it ends, so none goes beyond the last step it is chosen for.
        last = dict(zip(chosen, steps, strict=True))
        fits = {
            lr: self.fits(
                name, optimizer, lr, self.testing, 0, tuple(s for s in steps if s <= last[lr])
            )
            for lr in last
        }
        views = {} if protocol.views is None else {"views": protocol.views}
        return [
            {
                "init": name,
                "optimizer": optimizer,
                "lr": lr,
                "steps": step,
                "psnr_mean": float(values.mean()),
                "psnr_std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
                "psnr": [round(float(value), 3) for value in values],
                "n": len(values),
                "seconds": round(fits[lr][1] * step, 4),
                **views,
            }
            for column, (step, lr) in enumerate(zip(steps, chosen, strict=True))
            for values in [fits[lr][0][:, column]]
        ]


_VALIDATION = 1_000_000
"""Number of the first validation signal, so that no test signal shares its randomness."""


def held_out_tasks(
    family: TaskFamily, split: SplitName, count: int, views: int | None
) -> list[Task]:
    """The first ``count`` signals of a split.

    Raises:
        InputError: there are fewer.
    """
    available = family.size(split)
    if count > available:
        raise InputError(
            f"{count} {split} signals asked for, but there are only {available}; "
            f"give a smaller number, or keep more of the data for {split}"
        )
    return [family.held_out(split, index, views) for index in range(count)]
