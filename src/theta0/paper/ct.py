"""CT from few views (paper, section 4.2), against what reconstructs without a network: table 3.

Everything is chosen on validation slices: of a start the optimizer's step size, the weight of total
variation and the number of steps; of a method without a network its
settings.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from theta0.classic import Method
from theta0.config import to_plain
from theta0.evaluate import Rows, Starts, best_rows, pictures_of
from theta0.fields import SirenConfig, Stepped
from theta0.presets import STARTS, OnProgress
from theta0.protocol import Protocol
from theta0.tasks import CTTasks, DataConfig

from .classical import METHODS, evaluate_classic, scan_of
from .comparison import Comparison, Options, forget_programs, share
from .reproduction import Reconstructions, Reproduction
from .run_cache import RunCache
from .runs import Run, require_alike

BY_VIEWS = ("views", "train_class", "init")
"""What tells starts and methods apart; of each the best optimizer is shown."""
VIEWS = (1, 2, 4, 8, 16, 32, 64, 128)
STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
TV_WEIGHTS = (1e-7, 1e-6, 1e-5)
STANDARD_W0 = (15.0,)
"""Tried for Standard beside the network's own, which is meant for a learned start."""
HOLD_OUT = 0.1
ALIKE = (
    "data.size", "data.rays", "data.measure", "data.source",
    # Another split of the same slices would have learned from those that test here.
    "data.validation", "data.test",
)  # fmt: skip
LEARNED_ADAM = (3e-5, 1e-4, 3e-4)
SAMPLES = (64,)
MORE_STEPS = (500,)
"""Tried for what is still rising: random weights need longer, and so does any start for which many
views have more to say."""
BASELINE_SIGNALS = 16
"""Test slices on which baselines are measured, which cost the most and are the furthest behind;
learned starts where their own step sizes are not used, and everything where there are many views.
"""
HELD_OUT_SIGNALS = 8
"""Test slices on which stopping by held-out rays is measured."""
MANY_VIEWS = 8
"""Beyond, steps cost the most, and what matters is where a learned start ceases to help: only such
starts and Standard are fitted, by Adam (after learned steps, where there are such), no row has a
mirrored copy added, and only those weights of total variation that are asked for."""
BATCH = 512
"""Most rays a step, random ones where there are more."""
OWN_STEPS = ("learned", "learned-adam")
"""Optimizers that begin with the step sizes of a start."""
LEARNED_BATCH = 2048
"""The same for these, whose step sizes were learned for steps without noise."""


def table3(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR and SSIM by number of views: every run's start, the baselines, and no network at all.

    Baselines are those of the first run, up to ``MANY_VIEWS`` views. A row says, beside what its
    chosen number of steps gives, what the best step of each slice would, which only the truth
    knows, and how far below that stopping by held-out rays stays. Rows of methods without a network
    have no ``train_class``.
    """
    first = runs[0]
    require_alike(runs, ALIKE, "starts are compared on the same scans")
    family = first.experiment.data.build()
    comparisons = [Comparison(run, family, cache) for run in runs]
    starts = [comparisons[0].starts(share(on_progress, 0, 0.02), options.starts)]
    starts += [run.learned() for run in runs[1:]]
    rows: Rows = []
    reconstructions = {}
    counts = options.views or VIEWS
    for number, views in enumerate(counts):
        begin, end = (0.02 + 0.98 * (number + done) / len(counts) for done in (0, 1))
        tell = share(on_progress, begin, end)
        protocol = _protocol(comparisons[0], options, views)
        few = min(protocol.signals, options.baseline_signals or BASELINE_SIGNALS)
        if views > MANY_VIEWS:
            protocol = replace(protocol, signals=few, tv=options.tv or (), mirrored=False)
        fewer = replace(protocol, signals=few)
        found: Rows = []
        for place, (comparison, own) in enumerate(zip(comparisons, starts, strict=True)):
            part = share(tell, place / (len(runs) + 1), (place + 1) / (len(runs) + 1))
            where = f"{views} views, {comparison.run.name}: "
            say = lambda what, done, part=part, where=where: part(where + what, done)
            groups = _groups(comparison, protocol, fewer)
            for group, (names, only, judged) in enumerate(groups):
                kept = {name: start for name, start in own.items() if name in names}
                within = share(say, group / len(groups), (group + 1) / len(groups))
                if kept:
                    found += comparison.rows(kept, comparison.run, judged, within, only)
        tell(f"{views} views, without a network", len(runs) / (len(runs) + 1))
        found += _without_network(comparisons[0], protocol)
        name = f"{first.name}, {views} view{'' if views == 1 else 's'}"
        reconstructions[name] = _reconstructions(comparisons, starts, protocol, found)
        rows += [{**row, "test_class": first.name} for row in found]
        forget_programs()
    return Reproduction(rows, reconstructions=reconstructions)


def _protocol(comparison: Comparison, options: Options, views: int) -> Protocol:
    protocol = comparison.protocol(options, 64, 4, STEPS)
    defaults = {
        "tv": TV_WEIGHTS, "mirrored": True, "samples": SAMPLES, "learned_adam": LEARNED_ADAM,
    }  # fmt: skip
    defaults = {name: it for name, it in defaults.items() if getattr(options, name) is None}
    network = comparison.run.experiment.field
    own = (*STANDARD_W0, network.w0) if isinstance(network, SirenConfig) else ()
    w0 = options.w0 if options.w0 is not None else own
    return replace(
        protocol, views=views, batch=_batch(comparison, views, BATCH), w0=w0, hold_out=HOLD_OUT,
        hold_out_signals=HELD_OUT_SIGNALS, more_steps=MORE_STEPS if options.steps is None else (),
        **defaults,
    )  # fmt: skip


def _batch(comparison: Comparison, views: int, most: int) -> int | None:
    return most if views * _scans(comparison).config.rays > most else None


def _steady(comparison: Comparison, protocol: Protocol) -> Protocol:
    """A protocol for learned step sizes."""
    return replace(protocol, batch=_batch(comparison, protocol.views or 1, LEARNED_BATCH))


def _groups(
    comparison: Comparison, protocol: Protocol, fewer: Protocol
) -> list[tuple[Sequence[str], set[tuple[str, str]] | None, Protocol]]:
    """Starts of a run, the (start, optimizer) that are measured of them, and how."""
    stepped = isinstance(comparison.run.start.field, Stepped)
    if protocol.views is not None and protocol.views > MANY_VIEWS:
        only = lambda name, optimizer: {(name, optimizer), (f"{name}+tv", optimizer)}
        own = only("learned", "learned-adam" if stepped else "adam")
        return [
            (["learned"], own, _steady(comparison, protocol) if stepped else protocol),
            (["standard"], only("standard", "adam"), fewer),
        ]
    baselines = ([name for name in STARTS if name != "learned"], None, fewer)
    if not stepped:
        return [(["learned"], None, protocol), baselines]
    pairs = lambda *optimizers: {
        (init, optimizer)
        for init in ("learned", "learned+tv", "learned+mirrored")
        for optimizer in optimizers
    }
    return [
        (["learned"], pairs(*OWN_STEPS), _steady(comparison, protocol)),
        (["learned"], pairs("sgd", "adam"), replace(fewer, tv=(), mirrored=False)),
        baselines,
    ]


def _scans(comparison: Comparison) -> CTTasks:
    assert isinstance(comparison.family, CTTasks)
    return comparison.family


def _methods(comparison: Comparison) -> dict[str, Sequence[Method]]:
    """Methods without a network; two of them know parallel rays only."""
    parallel = _scans(comparison).config.beam == "parallel"
    return {name: tried for name, tried in METHODS.items() if parallel or name == "tv"}


def _without_network(comparison: Comparison, protocol: Protocol) -> Rows:
    """Rows of every method without a network, each cached."""
    rows: Rows = []
    for name, tried in _methods(comparison).items():
        key: dict[str, Any] = {
            "data": to_plain(comparison.run.experiment.data, DataConfig),
            "settings": [dataclasses.asdict(method) for method in tried],  # pyright: ignore[reportArgumentType]
            "signals": (protocol.tuning_signals, protocol.signals),
            "views": protocol.views,
        }
        measure = lambda name=name, tried=tried: evaluate_classic(
            _scans(comparison), protocol, {name: tried}
        )
        found = comparison.cache.rows(
            f"{comparison.run.name}-{name}-{protocol.views}", key, measure
        )
        # At one number of steps, none, as rows of starts have one.
        rows += [{"train_class": None, "steps": 0, "lr": None, **row} for row in found]
    return rows


def _reconstructions(
    comparisons: Sequence[Comparison], starts: Sequence[Starts], protocol: Protocol, rows: Rows
) -> Reconstructions:
    """The first test slice, reconstructed as was best on validation slices."""
    comparison = comparisons[0]
    family, task = _scans(comparison), comparison.family.held_out("test", 0, protocol.views)
    by_name = {of.run.name: (of, own) for of, own in zip(comparisons, starts, strict=True)}
    pictures = {}
    for row in best_rows(rows, BY_VIEWS):
        if row["train_class"] is None:
            values = _method_of(row, _methods(comparison))(scan_of(task, family))
            pictures[row["init"]] = family.pictures(values)[0]
            continue
        of, own = by_name[row["train_class"]]
        label = row["init"] if len(comparisons) == 1 else f"{row['init']} ({of.run.name})"
        experiment, steps = of.run.experiment, (row["steps"],)
        judged = _steady(comparison, protocol) if row["optimizer"] in OWN_STEPS else protocol
        ((pictures[label],),) = pictures_of(
            experiment.forward, own, family, judged, experiment.seed, row, steps
        )
    return Reconstructions(family.pictures(task.query.y)[0], pictures)


def _method_of(row: Any, methods: dict[str, Sequence[Method]]) -> Method:
    """The method of a row, by its settings."""
    matches = lambda method: row["setting"].items() <= dataclasses.asdict(method).items()
    return next(method for method in methods[row["init"]] if matches(method))
