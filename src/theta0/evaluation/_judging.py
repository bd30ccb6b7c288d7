"""One fit, judged as it goes: its quality by step, and when to stop without the truth."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from theta0.errors import DivergedError, InputError
from theta0.fields import Field
from theta0.forward import ForwardMap, Observation, predict
from theta0.inner import InnerLoop, Rule, fit
from theta0.signals import random_share, seen_only


def fields_by_step(
    forward: ForwardMap,
    init: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    steps: tuple[int, ...],
    key: jax.Array,
) -> list[Field]:
    """The fitted field after each number of steps.

    A fit that diverges keeps the last of them it reached, or the initialization: what a user who
    watches it would keep.
    """
    try:
        kept = fit(forward, init, rule, observation, loop, key, (0, *steps)).snapshots
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

    return in_threads(jax.local_device_count(), call, values, *others)


def in_threads(
    workers: int | None, function: Callable[..., Any], *values: Iterable[Any]
) -> list[Any]:
    """``list(map(function, *values))`` in threads; an error, or Ctrl-C, waits for none of them."""
    pool = ThreadPoolExecutor(workers)
    try:
        return list(pool.map(function, *values))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


Judge = Callable[[Field], tuple[float, ...]]
"""Numbers that say how good a field is; the first of them is the metric, higher is better."""


def quality_by_step(
    forward: ForwardMap,
    init: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    steps: tuple[int, ...],
    key: jax.Array,
    judge: Judge,
    judged: Sequence[int] | None = None,
) -> Float[np.ndarray, "judged numbers"]:
    """What ``judge`` says after each number of steps, or those of them ``judged``.

    See :func:`fields_by_step`. A field whose predictions are not numbers counts as the one before.
    """
    fields = fields_by_step(forward, init, rule, observation, loop, steps, key)
    return quality_of([init, *fields], steps, judge, judged)


def quality_of(
    fields: Sequence[Field],
    steps: tuple[int, ...],
    judge: Judge,
    judged: Sequence[int] | None = None,
) -> Float[np.ndarray, "judged numbers"]:
    """The same of a finished fit: ``fields`` are its initialization and those after ``steps``."""

    def numbers(place: int) -> tuple[float, ...]:
        found = judge(fields[place])
        return numbers(place - 1) if place and np.isnan(found[0]) else found

    return np.array([numbers(1 + steps.index(step)) for step in judged or steps])


def step_to_stop(
    forward: ForwardMap,
    init: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    steps: tuple[int, ...],
    key: jax.Array,
    share: float = 0.1,
    seed: int = 0,
) -> int:
    """The number of steps after which a fit predicts best what it has not seen; no truth needed.

    A random fraction of the observations is left out for validation, the rest is fitted, and the
    error on those left out chooses among ``steps``. The fit that is kept then sees all of them. One
    that is there twice, as rays of objects may be, counts once, so that none is both left out and
    fitted.

    Raises:
        InputError: there are fewer than two observations, or the fraction leaves none.
    """
    observation = _distinct(observation)
    n = len(observation.y)
    held = random_share(np.ones(n, bool), share, seed)
    if held.all():
        raise InputError(
            f"a validation fraction of {share:.0%} of {n} observations leaves none to fit; give a "
            "smaller one"
        )
    unseen = seen_only(observation, held)
    error = lambda field: (float(np.mean((predict(forward, field, unseen.p) - unseen.y) ** 2)),)
    fitted = seen_only(observation, ~held)
    errors = quality_by_step(forward, init, rule, fitted, loop, steps, key, error)
    return steps[int(np.argmin(errors[:, 0]))]


def _distinct(observation: Observation) -> Observation:
    n = len(observation.y)
    table = np.column_stack([np.reshape(leaf, (n, -1)) for leaf in jax.tree.leaves(observation)])
    seen = np.zeros(n, bool)
    seen[np.unique(table, axis=0, return_index=True)[1]] = True
    return seen_only(observation, seen)
