"""Image regression (paper, section 4.1): tables 1 and 2 and their figures.

A class of signals is one run. Each function takes runs, options, the run cache and a progress
callback; all fits are those of `theta0.evaluation`.

Times below are for pictures of 128x128 on two cores, where a step takes about 0.1 s.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from theta0.evaluation import Inits, Protocol, Rows, best, rule_label
from theta0.presets import Gallery, OnProgress

from ._progress import each, nth, share
from .comparison import Comparison
from .options import Options
from .reproduction import Reproduction
from .run_cache import RunCache
from .runs import Run, require_alike

MATCH_COUNTS = (0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 1000, 2000, 5000)
"""Numbers of steps at which an initialization is compared with Meta after its inner loop."""


def table1(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR after the few steps of the inner loop, and steps to match the learned initialization.

    PSNR is the mean over all test signals. Steps to match Meta are counted on the first few of
    them: the first of `MATCH_COUNTS` at which the mean PSNR from an initialization with an update
    rule reaches that of Meta after the inner loop with its best rule. A class takes about 25
    minutes: Mean and Matched 4, the PSNR 5, the steps to match 15. To save time the latter use few
    signals, and the search ends at a quarter of the steps if less than a quarter of the gap is
    closed by then.
    """
    rows: Rows = []
    for run, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(run, run.experiment.data.build, cache)
        inits = comparison.inits(tell)
        protocol = comparison.protocol(options, 100, 4, (run.experiment.meta.steps,))
        found = comparison.rows(inits, run, protocol, share(tell, 0, 0.3))
        curves, goal = _match(comparison, inits, found, protocol, options, share(tell, 0.3, 1))
        for row in found:
            curve = [one for one in curves if _pair(one) == _pair(row)]
            is_goal = _pair(row) == _best_learned(found)
            steps = row["steps"] if is_goal else steps_to_match(curve, goal)
            rows.append({**row, "protocol": "psnr", "match": _as_text(steps, curve)})
        rows += [{**row, "protocol": "match"} for row in curves]
    return Reproduction(rows)


def table2(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR from the initialization of every class on the signals of every class.

    Step sizes are chosen on validation signals of the test class. A pair of classes takes about 3
    minutes.
    """
    alike = "data.size", "data.pixel_offset", "field", "forward", "meta.steps"
    require_alike(runs, alike, "initializations are compared on each other's signals")
    rows: Rows = []
    for test, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(test, test.experiment.data.build, cache)
        protocol = comparison.protocol(options, 50, 4, (test.experiment.meta.steps,))
        for number, train in enumerate(runs):
            part = nth(tell, number, len(runs) + 1)
            rows += comparison.rows(train.learned(), train, protocol, part)
        part = nth(tell, len(runs), len(runs) + 1)
        reference = comparison.rows(comparison.inits(part, ["standard"]), test, protocol, part)
        rows += [{**row, "train_class": None} for row in reference]
    return Reproduction(rows)


def figure_images(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """Test signals from every initialization after 0, 1, 2, 5 and 10 steps; 7 minutes a class."""
    rows: Rows = []
    galleries = {}
    for run, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(run, run.experiment.data.build, cache)
        inits = comparison.inits(tell)
        protocol = comparison.protocol(options, 2, 2, (0, 1, 2, 5, 10))
        found = comparison.rows(inits, run, protocol, tell)
        for signal in range(protocol.signals):
            name = run.name if protocol.signals == 1 else f"{run.name}, {signal + 1}"
            galleries[name] = _gallery(comparison, inits, protocol, found, signal)
        rows += found
    return Reproduction(rows, galleries)


def figure_curves(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR against steps, 0 to 50, from every initialization; 20 minutes a class."""
    rows: Rows = []
    for run, tell in each(runs, on_progress, lambda run: run.name):
        comparison = Comparison(run, run.experiment.data.build, cache)
        protocol = comparison.protocol(options, 8, 2, (0, 1, 2, 5, 10, 20, 50))
        rows += comparison.rows(comparison.inits(tell), run, protocol, tell)
    return Reproduction(rows)


def steps_to_match(curve: Rows, goal: float) -> int | None:
    """The first number of steps at which the mean PSNR reaches ``goal`` (dB), or None."""
    reached = (row["steps"] for row in curve if row["psnr_mean"] >= goal)
    return min(reached, default=None)


def _gallery(
    comparison: Comparison, inits: Inits, protocol: Protocol, rows: Rows, signal: int
) -> Gallery:
    """A test signal fitted from every initialization, with its best rule at the last step."""
    steps, pictures, fits = protocol.steps, {}, {}
    for name in inits:
        row = best([row for row in rows if (row["init"], row["steps"]) == (name, steps[-1])])
        shown = comparison.pictures(inits, comparison.run, protocol, row, steps, signal)
        pictures[name] = [picture for (picture,) in shown]
        fits[name] = rule_label(row)
    (target,) = comparison.truth(protocol, signal)
    return Gallery(target, steps, pictures, fits)


def _match(
    comparison: Comparison,
    inits: Inits,
    rows: Rows,
    protocol: Protocol,
    options: Options,
    tell: OnProgress,
) -> tuple[Rows, float]:
    """PSNR by steps from every initialization, until it matches Meta.

    Returns:
        The rows, and the mean PSNR of Meta (dB) on the same signals.
    """
    signals = min(options.match_signals or 4, protocol.signals)
    best = _best_learned(rows)
    (row,) = (row for row in rows if _pair(row) == best)
    goal = float(np.mean(row["psnr"][:signals]))
    limit = options.match_steps or 200
    counts = [*(count for count in MATCH_COUNTS if count < limit), limit]
    pairs, curves = {_pair(row) for row in rows}, {}
    for number, horizon in enumerate((max(1, limit // 4), limit)):
        steps = tuple(count for count in counts if count <= horizon)
        few = replace(
            protocol, steps=steps, signals=signals,
            tuning_signals=options.match_tuning_signals or 1,
        )  # fmt: skip
        wanted = lambda init, rule, pairs=pairs: (init, rule) in pairs
        found = comparison.rows(inits, comparison.run, few, nth(tell, number, 2), wanted)
        curves |= {pair: list(group) for pair, group in itertools.groupby(found, _pair)}
        pairs = {pair for pair in pairs - {best} if _is_promising(curves[pair], goal)}
    return [row for curve in curves.values() for row in curve], goal


def _is_promising(curve: Rows, goal: float) -> bool:
    """Whether the curve is below ``goal``, but has closed at least a quarter of the gap.

    Adam is slow at first: from random weights it may close most of the gap in a few later steps.
    """
    first, last = curve[0]["psnr_mean"], curve[-1]["psnr_mean"]
    return steps_to_match(curve, goal) is None and last >= first + (goal - first) / 4


def _pair(row: dict) -> tuple[str, str]:
    return row["init"], row["rule"]


def _best_learned(rows: Rows) -> tuple[str, str]:
    """The learned initialization and its best rule on validation signals."""
    return _pair(best([row for row in rows if row["init"] == "learned"]))


def _as_text(steps: int | None, curve: Rows) -> str:
    return f"> {curve[-1]['steps']}" if steps is None else str(steps)
