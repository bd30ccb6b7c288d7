"""Classical CT reconstruction: settings chosen on validation slices, evaluated on test slices."""

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.classic import FBP, SART, TV, Method, Scan
from theta0.evaluation import Protocol, Rows, in_threads, judged_tasks, statistics, tuning_tasks
from theta0.signals import CTTasks, Task

# Below the smallest, few views give the same slice, only more slowly.
_WEIGHTS = (3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)

METHODS: Mapping[str, Sequence[Method]] = {
    "fbp": [
        FBP(window, cutoff)
        for window, cutoff in product(
            ("ramp", "shepp-logan", "cosine", "hamming", "hann"),
            (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0),
        )
    ],
    "sart": [
        SART(iterations, relaxation)
        for iterations, relaxation in product(
            (1, 3, 10, 30, 100), (0.02, 0.05, 0.15, 0.5, 0.8, 1.0)
        )
    ],
    "tv": [TV(weight, fineness) for weight, fineness in product(_WEIGHTS, (1, 2))],
}
"""Candidate settings of each method."""


def scan_of(task: Task, family: CTTasks) -> Scan:
    """The support of a task as line integrals by view, even if the detector reads means."""
    shape = (-1, family.config.rays)
    start, end = (
        np.asarray(ends, np.float64).reshape(*shape, 2)
        for ends in (task.support.p.start, task.support.p.end)
    )
    integrals = np.asarray(task.support.y, np.float64).reshape(shape)
    if family.config.measure == "mean":
        integrals = integrals * np.linalg.norm(end - start, axis=-1)
    return Scan(start, end, integrals, family.config.size)


def evaluate_classic(
    family: CTTasks, protocol: Protocol, methods: Mapping[str, Sequence[Method]] = METHODS
) -> Rows:
    """Reconstruct test slices by each method, with the settings that are best on validation slices.

    Args:
        family: Where slices come from.
        protocol: ``views``, ``tuning_signals`` and ``signals``; other settings are ignored.
        methods: Candidate settings of each method, as dataclasses; those with the highest mean PSNR
            on validation slices are chosen.

    Returns:
        One row for each method, like those of :func:`theta0.evaluation.evaluate` with ``rule``
        None: ``init`` (the method), ``setting`` (the chosen settings), ``at_end`` (numeric settings
        for which the smallest or largest of at least three candidates was chosen, so that a value
        beyond may be better), ``psnr_mean``, ``psnr_std``, ``psnr``, ``ssim_mean``, ``n``,
        ``validation_psnr`` (mean over validation slices with these settings), ``seconds`` (of one
        reconstruction), and ``views`` if given.
    """
    tuning = tuning_tasks(family, protocol)
    testing = judged_tasks(family, protocol)
    views = {} if protocol.views is None else {"views": protocol.views}
    return [
        {"init": name, "rule": None, **_row(family, tried, tuning, testing), **views}
        for name, tried in methods.items()
    ]


def _row(
    family: CTTasks, tried: Sequence[Method], tuning: list[Task], testing: list[Task]
) -> dict[str, Any]:
    means = [_measure(family, method, tuning)[0][:, 0].mean() for method in tried]
    best = tried[int(np.argmax(means))]
    values, seconds = _measure(family, best, testing)
    return {
        **_chosen(best, tried),
        **statistics(values, family.metric),
        f"validation_{family.metric.name}": round(float(max(means)), 4),
        "seconds": round(seconds, 4),
    }


def _chosen(best: Method, tried: Sequence[Method]) -> dict[str, Any]:
    """The chosen values of the settings that differ between candidates."""
    settings = [dataclasses.asdict(method) for method in (best, *tried)]  # pyright: ignore[reportArgumentType]
    values = {name: {setting[name] for setting in settings} for name in settings[0]}
    chosen = {name: settings[0][name] for name, among in values.items() if len(among) > 1}
    at_end = [
        name
        for name, value in chosen.items()
        if len(values[name]) > 2
        and not isinstance(value, str)
        and value in (min(values[name]), max(values[name]))
    ]
    return {"setting": chosen, "at_end": at_end}


def _measure(
    family: CTTasks, method: Method, tasks: list[Task]
) -> tuple[Float[np.ndarray, "signals numbers"], float]:
    """The metrics of each reconstruction, and the mean time of one in seconds."""

    def one(task: Task) -> tuple[tuple[float, ...], float]:
        scan = scan_of(task, family)
        began = time.monotonic()
        image = method(scan)
        seconds = time.monotonic() - began
        return family.judge(image.reshape(-1, 1), task), seconds

    # Threads run in parallel: SciPy's sparse products and NumPy release the interpreter lock.
    values, seconds = zip(*in_threads(os.cpu_count(), one, tasks), strict=True)
    return np.array(values), float(np.mean(seconds))
