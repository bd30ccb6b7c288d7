"""CT without a network: settings chosen on validation slices, measured on test slices."""

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.classic import FBP, SART, TV, Method, Scan
from theta0.evaluate import Rows, judged_tasks, statistics, tuning_tasks
from theta0.measure import in_threads
from theta0.metrics import quality
from theta0.protocol import Protocol
from theta0.tasks import CTTasks, Task

# Below the least, few views give the same slice, only later.
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
"""Settings tried for each method."""


def scan_of(task: Task, family: CTTasks) -> Scan:
    """The support of a task as line integrals, view after view, whatever the detector reads."""
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
    """Reconstruct test slices by each method, as its settings are best on validation slices.

    Args:
        family: where slices come from.
        protocol: ``views``, ``tuning_signals`` and ``signals``; the rest is not for these methods.
        methods: the settings tried, as dataclasses; the one with the highest mean PSNR on
            validation slices is taken.

    Returns:
        One row a method, like those of :func:`theta0.evaluate.evaluate` with ``optimizer`` None:
        ``init`` (the method), ``setting`` (what was chosen), ``at_end`` (settings of which the
        least or the largest of three or more numbers was chosen, so that one beyond, if there can
        be one, may be better), ``psnr_mean``, ``psnr_std``, ``psnr``, ``ssim_mean``,
        ``n``, ``validation_psnr`` (mean, of the settings on the slices that chose them),
        ``seconds`` (of a reconstruction), and ``views`` if given.
    """
    tuning = tuning_tasks(family, protocol)
    testing = judged_tasks(family, protocol)
    views = {} if protocol.views is None else {"views": protocol.views}
    return [
        {"init": name, "optimizer": None, **_row(family, tried, tuning, testing), **views}
        for name, tried in methods.items()
    ]


def _row(
    family: CTTasks, tried: Sequence[Method], tuning: list[Task], testing: list[Task]
) -> dict[str, Any]:
    means = [_measure(family, method, tuning)[0].mean() for method in tried]
    best = tried[int(np.argmax(means))]
    values, similarities, seconds = _measure(family, best, testing)
    settings = [dataclasses.asdict(method) for method in (best, *tried)]  # pyright: ignore[reportArgumentType]
    numbers = {name: {setting[name] for setting in settings} for name in settings[0]}
    chosen = {name: settings[0][name] for name, among in numbers.items() if len(among) > 1}
    return {
        "setting": chosen,
        "at_end": [
            name
            for name, value in chosen.items()
            if len(numbers[name]) > 2
            and not isinstance(value, str)
            and value in (min(numbers[name]), max(numbers[name]))
        ],
        **statistics(values, similarities),
        "validation_psnr": round(float(max(means)), 4),
        "seconds": round(float(seconds.mean()), 4),
    }


def _measure(family: CTTasks, method: Method, tasks: list[Task]) -> Float[np.ndarray, "3 signals"]:
    """PSNR, SSIM and seconds of each reconstruction."""

    def one(task: Task) -> tuple[float, float, float]:
        scan = scan_of(task, family)
        began = time.monotonic()
        image = method(scan)
        seconds = time.monotonic() - began
        return *quality(family.pictures(image), family.pictures(task.query.y)), seconds

    # SciPy's sparse products and NumPy leave the interpreter to others while they run.
    return np.array(in_threads(os.cpu_count(), one, tasks)).T
