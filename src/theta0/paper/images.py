"""The paper's image tables and figures (section 4.1) from run folders: what is measured for each.

A class of signals is one finished run. Each protocol takes runs, what the user says about it, the
cache of what is measured already, and whom to tell; every fit is one of `theta0.evaluate`.

Times below are for pictures of 128x128 on two cores, where a step takes about 0.1 s.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from theta0.errors import InputError
from theta0.evaluate import Rows, Starts, best
from theta0.files import read_jsonl
from theta0.presets import Experiment, OnProgress, gallery, read_experiment
from theta0.protocol import Protocol

from .comparison import Comparison, Options, each, share
from .reproduction import Reproduction
from .run_cache import RunCache
from .runs import Run, require_alike

MATCH_COUNTS = (0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 1000, 2000, 5000)
"""Step counts at which a start is compared with what Meta has after its inner loop."""


def table1(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR after the inner loop's few steps, and how many steps a start needs for what Meta has.

    PSNR is over all signals. The steps to match are counted on the first few of them: the first
    of `MATCH_COUNTS` after which a start's mean PSNR with an optimizer reaches what Meta has on
    them after the inner loop with its best optimizer. A class takes about 25 minutes: Mean and
    Matched 4, the PSNR 5, the steps to match 15. That is why these have few signals, and a start
    that after a quarter of the steps is not a quarter of the way there is given no more of them.
    """
    rows: Rows = []
    for run, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(run, run.experiment.data.build(), cache)
        starts = comparison.starts(tell)
        protocol = comparison.protocol(options, 100, 4, (run.experiment.inner.steps,))
        found = comparison.rows(starts, run, protocol, share(tell, 0, 0.3))
        curves, goal = _match(comparison, starts, found, protocol, options, share(tell, 0.3, 1))
        for row in found:
            pair = row["init"], row["optimizer"]
            curve = [row for row in curves if (row["init"], row["optimizer"]) == pair]
            is_goal = pair == _best_learned(found)
            steps = row["steps"] if is_goal else steps_to_match(curve, goal)
            rows.append({**row, "protocol": "psnr", "match": _as_text(steps, curve)})
        rows += [{**row, "protocol": "match"} for row in curves]
    return Reproduction(rows)


def table2(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """Every class's start on every class's signals, PSNR after the inner loop's few steps.

    Step sizes are chosen on validation signals of the class that is tested on. A pair of classes
    takes about 3 minutes.
    """
    alike = "data.size", "data.pixel_offset", "field", "forward", "inner.steps"
    require_alike(runs, alike, "starts are compared on each other's signals")
    rows: Rows = []
    for test, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(test, test.experiment.data.build(), cache)
        protocol = comparison.protocol(options, 50, 4, (test.experiment.inner.steps,))
        for number, train in enumerate(runs):
            part = share(tell, number / (len(runs) + 1), (number + 1) / (len(runs) + 1))
            rows += comparison.rows(train.learned(), train, protocol, part)
        part = share(tell, len(runs) / (len(runs) + 1), 1)
        reference = comparison.rows(comparison.standard(), test, protocol, part)
        rows += [{**row, "train_class": None} for row in reference]
    return Reproduction(rows)


def figure_images(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """Test signals as every start shows them after 0, 1, 2, 5 and 10 steps; 7 minutes a class."""
    rows: Rows = []
    galleries = {}
    for run, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(run, run.experiment.data.build(), cache)
        starts = comparison.starts(tell)
        protocol = comparison.protocol(options, 2, 2, (0, 1, 2, 5, 10))
        found = comparison.rows(starts, run, protocol, tell)
        same = replace(run.experiment, protocol=protocol)
        for signal in range(protocol.signals):
            name = run.name if protocol.signals == 1 else f"{run.name}, {signal + 1}"
            galleries[name] = gallery(
                same, starts, comparison.family, found, protocol.steps, signal
            )
        rows += found
    return Reproduction(rows, galleries)


def figure_curves(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR against steps, 0 to 50, from every start; 20 minutes a class."""
    rows: Rows = []
    for run, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(run, run.experiment.data.build(), cache)
        protocol = comparison.protocol(options, 8, 2, (0, 1, 2, 5, 10, 20, 50))
        rows += comparison.rows(comparison.starts(tell), run, protocol, tell)
    return Reproduction(rows)


def figure_training(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """What each run had reached on validation signals, minute by minute; nothing is fitted.

    A run that began from another goes on at the minute at which that one ended.
    """
    rows: Rows = []
    for run in runs:
        best, before = -np.inf, _seconds_before(run.experiment)
        signals = _validation_signals(run.experiment)
        if not (run.folder / "metrics.jsonl").is_file():
            raise InputError(f"{run.folder}: no metrics.jsonl, which tells it; give a run folder")
        for record in read_jsonl(run.folder / "metrics.jsonl"):
            if "validation_psnr" not in record:
                continue
            best = max(best, record["validation_psnr"])
            rows.append(
                {
                    "train_class": run.name,
                    "test_class": run.name,
                    "meta": run.experiment.meta,
                    "steps": run.experiment.inner.steps,
                    "outer_steps": record["step"],
                    "seconds": round(before + record["seconds"], 1),
                    "psnr_mean": record["validation_psnr"],
                    "best": best,
                    "n": signals,
                }
            )
    return Reproduction(rows)


def _validation_signals(experiment: Experiment) -> int:
    """On how many signals a run was validated; where they are gone, the number asked for."""
    try:
        return experiment.validation_count(experiment.data.build())
    except InputError:
        return experiment.outer.validation_signals


def _seconds_before(experiment: Experiment) -> float:
    """How long the runs were learned, one after the other, from which an experiment began."""
    seconds, seen = 0.0, set()
    while experiment.begin and experiment.begin not in seen:
        seen.add(experiment.begin)
        folder = Path(experiment.begin)
        if not (folder / "config.json").is_file():
            break
        seconds += (read_jsonl(folder / "metrics.jsonl") or [{"seconds": 0.0}])[-1]["seconds"]
        experiment = read_experiment(folder)
    return seconds


def steps_to_match(curve: Rows, goal: float) -> int | None:
    """The first number of steps after which the mean PSNR reaches ``goal`` (dB); None: none."""
    reached = (row["steps"] for row in curve if row["psnr_mean"] >= goal)
    return min(reached, default=None)


def _match(
    comparison: Comparison,
    starts: Starts,
    rows: Rows,
    protocol: Protocol,
    options: Options,
    tell: OnProgress,
) -> tuple[Rows, float]:
    """PSNR by steps of every start, as far as is needed to say when it matches Meta.

    Returns:
        The rows, and Meta's mean PSNR (dB) on the same signals.
    """
    signals = min(options.match_signals or 4, protocol.signals)
    best = _best_learned(rows)
    (row,) = (row for row in rows if (row["init"], row["optimizer"]) == best)
    goal = float(np.mean(row["psnr"][:signals]))
    limit = options.match_steps or 200
    counts = [*(count for count in MATCH_COUNTS if count < limit), limit]
    pairs = {(row["init"], row["optimizer"]) for row in rows}
    curves: dict[tuple[str, str], Rows] = {}
    for number, horizon in enumerate((max(1, limit // 4), limit)):
        steps = tuple(count for count in counts if count <= horizon)
        few = replace(
            protocol, steps=steps, signals=signals,
            tuning_signals=options.match_tuning_signals or 1,
        )  # fmt: skip
        part = share(tell, number / 2, (number + 1) / 2)
        found = comparison.rows(starts, comparison.run, few, part, pairs)
        for pair, group in itertools.groupby(found, lambda row: (row["init"], row["optimizer"])):
            curves[pair] = list(group)
        pairs = {pair for pair in pairs - {best} if _is_promising(curves[pair], goal)}
    return [row for curve in curves.values() for row in curve], goal


def _is_promising(curve: Rows, goal: float) -> bool:
    """Whether a start is on its way to ``goal``: not there, but a quarter of the way at least.

    Adam begins slowly: from random weights it may do most of its way in a few of the later steps.
    """
    first, last = curve[0]["psnr_mean"], curve[-1]["psnr_mean"]
    return steps_to_match(curve, goal) is None and last >= first + (goal - first) / 4


def _best_learned(rows: Rows) -> tuple[str, str]:
    """The learned start with the optimizer that is best for it on validation signals."""
    return "learned", best([row for row in rows if row["init"] == "learned"])["optimizer"]


def _as_text(steps: int | None, curve: Rows) -> str:
    return f"> {curve[-1]['steps']}" if steps is None else str(steps)
