"""CT from few views (paper, section 4.2), against classical reconstruction: table 3.

All settings are chosen on validation slices: the update rule, the objective and the number of steps
of an initialization, and the settings of a classical method.
"""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from theta0.classic import Method
from theta0.evaluation import Inits, Protocol, Rows, best_rows, judged_task
from theta0.fields import Siren
from theta0.inner import Adam, Objective, RuleConfig
from theta0.presets import INITS, OnProgress
from theta0.signals import CTConfig, CTTasks

from ._progress import forget_programs, nth, share
from .classical import METHODS, evaluate_classic, scan_of
from .comparison import Comparison, Wanted
from .options import Options
from .reproduction import Reconstructions, Reproduction
from .run_cache import Arrays, RunCache
from .runs import Run, require_alike

BY_VIEWS = ("views", "train_class", "init")
"""Keys that identify an initialization or method; the best update rule of each is shown."""
VIEWS = (1, 2, 4, 8, 16, 32, 64, 128)
STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
OBJECTIVES = (Objective(tv=1e-7), Objective(tv=1e-6), Objective(tv=1e-5))
STANDARD_W0 = (15.0,)
"""Candidates for Standard in addition to the w0 of the network, which suits learned weights."""
VALIDATION_FRACTION = 0.1
ALIKE = (
    "data.size", "data.rays", "data.measure",
    # With another split of the same slices, test slices would be training slices of another run.
    "data.source",
)  # fmt: skip
AFTER_LEARNED = (Adam(3e-5), Adam(1e-4), Adam(3e-4))
SAMPLES = (64,)
MORE_STEPS = (500,)
"""Candidates if PSNR is still rising: random weights need more steps, and so do many views."""
BASELINE_SIGNALS = 16
"""Test slices for the most costly evaluations: baselines, learned initializations with update rules
other than their own, and everything at many views."""
STOPPING_SIGNALS = 8
"""Test slices on which early stopping by a validation fraction of the rays is evaluated."""
MANY_VIEWS = 8
"""Beyond this number steps are costly, and the question is where a learned initialization ceases to
help. Only learned initializations and Standard are fitted, by Adam (after the learned steps, if
any) unless the options name other rules, with no objectives but those of the options, and without
flip test-time augmentation."""
BATCH = 512
"""Maximum number of rays per step; random ones if there are more."""
LEARNED_BATCH = 2048
"""The same for learned step sizes, which suit steps without noise."""


class Compared(NamedTuple):
    """Initializations of a run, and the comparison they are part of."""

    comparison: Comparison[CTTasks]
    inits: Inits


class Group(NamedTuple):
    """Initializations that are evaluated under one protocol."""

    names: Collection[str]
    wanted: Wanted
    protocol: Protocol


def table3(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR and SSIM by number of views, from every run, its baselines, and by classical methods.

    Baselines are those of the first run, at up to ``MANY_VIEWS`` views. In addition to the PSNR at
    the chosen number of steps, a row has that at the best number of steps of each slice, which only
    the ground truth knows, and the loss against it of early stopping by a validation fraction of
    the rays. ``train_class`` is None in rows of classical methods.
    """
    first = runs[0]
    require_alike(runs, ALIKE, "initializations are compared on the same scans")
    data = first.data(CTConfig)
    comparison = Comparison(first, data.build, cache)
    compared = [
        Compared(comparison, comparison.inits(share(on_progress, 0, 0.02), options.inits)),
        *(
            Compared(Comparison(run.on(data), lambda: comparison.family, cache), run.learned())
            for run in runs[1:]
        ),
    ]
    rows: Rows = []
    reconstructions = {}
    counts = options.views or VIEWS
    for number, views in enumerate(counts):
        tell = nth(share(on_progress, 0.02, 1), number, len(counts))
        protocol = _protocol(comparison, options, views)
        found = _initialized(compared, protocol, options, tell)
        tell(f"{views} views, classical reconstruction", len(runs) / (len(runs) + 1))
        found += _classical(comparison, protocol)
        name = f"{first.name}, {views} view{'' if views == 1 else 's'}"
        reconstructions[name] = _reconstructions(compared, protocol, found)
        rows += [{**row, "test_class": first.name} for row in found]
        forget_programs()
    return Reproduction(rows, reconstructions=reconstructions)


def _protocol(comparison: Comparison[CTTasks], options: Options, views: int) -> Protocol:
    protocol = comparison.protocol(options, 64, 4, STEPS)
    many = views > MANY_VIEWS
    defaults = {
        "objectives": () if many else OBJECTIVES,
        "flip": True,
        "samples": SAMPLES,
        "after_learned": AFTER_LEARNED,
        "rules": _by_adam(protocol.rules) if many else protocol.rules,
        "w0": _w0(comparison),
    }
    defaults = {name: it for name, it in defaults.items() if getattr(options, name) is None}
    protocol = replace(
        protocol, views=views, batch=_batch(comparison, views, BATCH),
        validation_fraction=VALIDATION_FRACTION, stopping_signals=STOPPING_SIGNALS,
        more_steps=MORE_STEPS if options.steps is None else (), **defaults,
    )  # fmt: skip
    return replace(_on_fewer(protocol, options), flip=False) if many else protocol


def _w0(comparison: Comparison[CTTasks]) -> tuple[float, ...]:
    network = comparison.run.experiment.field
    # A network with a frequency factor for each layer is tried with its own alone.
    if isinstance(network, Siren) and not network.layer_w0:
        return (*STANDARD_W0, network.w0)
    return ()


def _by_adam(rules: tuple[RuleConfig, ...]) -> tuple[RuleConfig, ...]:
    return tuple(rule for rule in rules if isinstance(rule, Adam)) or rules


def _on_fewer(protocol: Protocol, options: Options) -> Protocol:
    """The protocol of the most costly evaluations."""
    few = min(protocol.signals, options.baseline_signals or BASELINE_SIGNALS)
    return replace(protocol, signals=few)


def _batch(comparison: Comparison[CTTasks], views: int, most: int) -> int | None:
    return most if views * comparison.run.data(CTConfig).rays > most else None


def _without_noise(comparison: Comparison[CTTasks], protocol: Protocol) -> Protocol:
    """The protocol for learned step sizes."""
    return replace(protocol, batch=_batch(comparison, protocol.views or 1, LEARNED_BATCH))


def _initialized(
    compared: Sequence[Compared], protocol: Protocol, options: Options, on_progress: OnProgress
) -> Rows:
    """Rows of the initializations of all runs at one number of views."""
    rows: Rows = []
    for place, (comparison, inits) in enumerate(compared):
        part = nth(on_progress, place, len(compared) + 1)
        where = f"{protocol.views} views, {comparison.run.name}: "
        tell = lambda what, done, part=part, where=where: part(where + what, done)
        groups = _groups(comparison, protocol, _on_fewer(protocol, options))
        for number, group in enumerate(groups):
            kept = {name: init for name, init in inits.items() if name in group.names}
            within = nth(tell, number, len(groups))
            if kept:
                rows += comparison.rows(kept, comparison.run, group.protocol, within, group.wanted)
    return rows


def _groups(comparison: Comparison[CTTasks], protocol: Protocol, fewer: Protocol) -> list[Group]:
    """How the initializations of a run are evaluated."""
    everything: Wanted = lambda init, rule: True
    learned_rule, steady = comparison.run.learned_rule, _without_noise(comparison, protocol)
    if protocol.views is not None and protocol.views > MANY_VIEWS:
        after_learned: Wanted = lambda init, rule: rule.startswith("learned+")
        own = Group(["learned"], after_learned, steady)
        plain = Group(["learned"], everything, protocol)
        return [own if learned_rule else plain, Group(["standard"], everything, fewer)]
    baselines = Group([name for name in INITS if name != "learned"], everything, fewer)
    if not learned_rule:
        return [Group(["learned"], everything, protocol), baselines]
    return [
        Group(["learned"], lambda init, rule: _begins_learned(rule), steady),
        Group(
            ["learned"],
            lambda init, rule: not _begins_learned(rule),
            replace(fewer, objectives=(), flip=False),
        ),
        baselines,
    ]


def _begins_learned(rule: str) -> bool:
    """Whether a rule begins with the learned rule of an initialization."""
    return rule.partition("+")[0] == "learned"


def _methods(comparison: Comparison[CTTasks]) -> dict[str, Sequence[Method]]:
    """The classical methods; two of them are for parallel rays only."""
    parallel = comparison.run.data(CTConfig).beam == "parallel"
    return {name: tried for name, tried in METHODS.items() if parallel or name == "tv"}


def _classical(comparison: Comparison[CTTasks], protocol: Protocol) -> Rows:
    """Cached rows of every classical method."""
    rows: Rows = []
    for name, tried in _methods(comparison).items():
        key: dict[str, Any] = {
            "settings": [dataclasses.asdict(method) for method in tried],  # pyright: ignore[reportArgumentType]
            "signals": (protocol.tuning_signals, protocol.signals),
            "views": protocol.views,
        }
        measure = lambda name=name, tried=tried: evaluate_classic(
            comparison.family, protocol, {name: tried}
        )
        found = comparison.cached_rows(f"{name}-{protocol.views}", key, measure)
        # Classical methods take no inner steps.
        rows += [{"train_class": None, "steps": 0, **row} for row in found]
    return rows


def _reconstructions(
    compared: Sequence[Compared], protocol: Protocol, rows: Rows
) -> Reconstructions:
    """The first test slice, reconstructed with the best settings on validation slices."""
    first, by_name = compared[0].comparison, {one.comparison.run.name: one for one in compared}
    pictures = {}
    for row in best_rows(rows, BY_VIEWS):
        if row["train_class"] is None:
            pictures[row["init"]] = _reconstructed(first, protocol, row)
            continue
        comparison, inits = by_name[row["train_class"]]
        run = comparison.run
        label = row["init"] if len(compared) == 1 else f"{row['init']} ({run.name})"
        judged = _without_noise(comparison, protocol) if _begins_learned(row["rule"]) else protocol
        ((pictures[label],),) = comparison.pictures(inits, run, judged, row)
    return Reconstructions(first.truth(protocol)[0], pictures)


def _reconstructed(
    comparison: Comparison[CTTasks], protocol: Protocol, row: dict[str, Any]
) -> Float[np.ndarray, "height width channels"]:
    """The first test slice, reconstructed by the classical method of a row."""
    matches = lambda method: row["setting"].items() <= dataclasses.asdict(method).items()

    def make() -> Arrays:
        family = comparison.family
        method = next(one for one in _methods(comparison)[row["init"]] if matches(one))
        values = method(scan_of(judged_task(family, protocol, 0), family))
        return {"picture": family.pictures(values)[0]}

    key = {"method": row["init"], "setting": row["setting"], "views": protocol.views}
    return comparison.cached_arrays(f"{row['init']}-picture", key, make)["picture"]
