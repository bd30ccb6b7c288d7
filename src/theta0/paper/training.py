"""The course of meta-training, from the logs of runs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from theta0.errors import InputError
from theta0.evaluation import Rows
from theta0.meta import read_log
from theta0.presets import Experiment, OnProgress, read_experiment

from .options import Options
from .reproduction import Reproduction
from .run_cache import RunCache
from .runs import Run


def figure_training(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR on validation signals against the minutes of meta-training; nothing is fitted.

    The time of a run that was initialized from another one includes the time of that run.
    """
    rows: Rows = []
    for run in runs:
        best, before = -np.inf, _seconds_before(run.experiment)
        signals = _validation_signals(run.experiment)
        if not (run.folder / "metrics.jsonl").is_file():
            raise InputError(f"{run.folder}: no metrics.jsonl, the log of a run; give a run folder")
        for record in read_log(run.folder, run.experiment.outer.steps):
            if "validation_psnr" not in record:
                continue
            best = max(best, record["validation_psnr"])
            rows.append(
                {
                    "train_class": run.name,
                    "test_class": run.name,
                    "meta": run.meta,
                    "steps": run.experiment.meta.steps,
                    "outer_steps": record["step"],
                    "seconds": round(before + record["seconds"], 1),
                    "psnr_mean": record["validation_psnr"],
                    "best": best,
                    "n": signals,
                }
            )
    return Reproduction(rows)


def _validation_signals(experiment: Experiment) -> int:
    """Number of validation signals of a run; if they are gone, the number in its settings."""
    try:
        return experiment.validation_count(experiment.data.build())
    except InputError:
        return experiment.outer.validation_signals


def _seconds_before(experiment: Experiment) -> float:
    """Total time in seconds of the runs from which an experiment was initialized."""
    seconds, seen = 0.0, set()
    while experiment.init_from and experiment.init_from not in seen:
        seen.add(experiment.init_from)
        folder = Path(experiment.init_from)
        if not (folder / "config.json").is_file():
            break
        experiment = read_experiment(folder)
        log = read_log(folder, experiment.outer.steps)
        seconds += log[-1]["seconds"] if log else 0.0
    return seconds
