"""View synthesis (paper, section 4.3): table 4 and its figures, from runs on classes of objects.

A class is one run trained on many views of each object (multi-view, mv) and optionally others on
the same objects: one trained on a single view of each (sv), and runs by other meta-learners.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from theta0.errors import InputError
from theta0.evaluation import Inits, Protocol, Rows, best
from theta0.presets import OnProgress
from theta0.signals import ViewConfig, ViewTasks

from ._progress import each, forget_programs, nth, share
from .comparison import Comparison
from .options import Options
from .reproduction import NovelViews, Reproduction
from .run_cache import Arrays, RunCache
from .runs import Run, require_alike

STEPS = (50, 200, 1000)
CURVE_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
NAMES = {"learned": "mv-meta", "matched": "mv-matched", "shuffled": "mv-shuffled"}
"""Names in table 4 of initializations from a multi-view run; others keep their own."""
SINGLE_VIEW = "sv-meta"
ALIKE = "data.size", "data.first_held_out", "data.held_out_views", "data.background", "forward"
SHOWN_VIEWS = 4
"""Novel views in a figure."""


@dataclass(frozen=True)
class ObjectClass:
    """The runs of a class."""

    name: str
    many: Run
    others: tuple[tuple[str, Run], ...]
    """other runs, with the names of their initializations in table 4"""


class _Named(NamedTuple):
    """An initialization and its name in table 4."""

    label: str
    inits: Inits
    """the initialization under its own name"""
    run: Run


def table4(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR and SSIM on novel views of test objects, fitted to one view of each.

    Step sizes are chosen on validation objects for each number of steps. Rows have ``class``, and
    ``init`` has the names of the paper's table.
    """
    rows: Rows = []
    novel_views = {}
    for of, tell in each(object_classes(runs), on_progress, lambda of: of.name):
        comparison = Comparison(of.many, of.many.data(ViewConfig).build, cache)
        protocol = _protocol(comparison, options, (1,), 10, STEPS)
        inits = comparison.inits(share(tell, 0, 0.1), options.inits)
        found = comparison.rows(inits, of.many, protocol, share(tell, 0.1, 0.9))
        found = [{**row, "init": NAMES.get(row["init"], row["init"])} for row in found]
        named = [
            _Named(NAMES.get(name, name), {name: init}, of.many) for name, init in inits.items()
        ]
        for number, (name, run) in enumerate(of.others):
            part = nth(share(tell, 0.9, 1), number, len(of.others))
            own = comparison.rows(run.learned(), run, protocol, part)
            found += [{**row, "init": name} for row in own]
            named.append(_Named(name, run.learned(), run))
        rows += [{**row, "class": of.name} for row in found]
        novel_views[of.name] = _novel_views(comparison, protocol, found, named)
        forget_programs()
    return Reproduction(rows, novel_views=novel_views)


def figure_shapenet(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """Novel views of one object of each class: table 4 on few objects and steps.

    Step sizes are chosen on one validation object.
    """
    few = replace(
        options,
        signals=options.signals or 1,
        tuning_signals=options.tuning_signals or 1,
        steps=options.steps or STEPS[:2],
    )
    return table4(runs, few, cache, on_progress)


def figure_shapenet_convergence(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR on novel views against steps, from 25 views: Standard and the learned initialization."""
    rows: Rows = []
    for of, tell in each(object_classes(runs), on_progress, lambda of: of.name):
        comparison = Comparison(of.many, of.many.data(ViewConfig).build, cache)
        protocol = _protocol(comparison, options, (25,), 4, CURVE_STEPS)
        inits = comparison.inits(tell, ("learned", "standard"))
        found = comparison.rows(inits, of.many, protocol, tell)
        rows += [{**row, "class": of.name} for row in found]
        forget_programs()
    return Reproduction(rows)


def _protocol(
    comparison: Comparison[ViewTasks],
    options: Options,
    views: tuple[int, ...],
    signals: int,
    steps: tuple[int, ...],
) -> Protocol:
    if options.views is not None and len(options.views) > 1:
        raise InputError(f"views {options.views}: give one number of input views")
    (count,) = options.views or views
    return replace(comparison.protocol(options, signals, 3, steps), views=count)


def object_classes(runs: Sequence[Run]) -> list[ObjectClass]:
    """Group runs on the same objects into classes.

    Raises:
        InputError: A class has no multi-view run, or two runs of one kind, or its runs differ in a
            setting that must be shared.
    """
    grouped: dict[object, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.data(ViewConfig).source, []).append(run)
    return [_object_class(group) for group in grouped.values()]


def _object_class(runs: list[Run]) -> ObjectClass:
    views = lambda run: run.data(ViewConfig).training_views
    many = [run for run in runs if views(run) > 1]
    single = [run for run in runs if views(run) == 1]
    others = [(f"mv-{run.meta}", run) for run in many[1:]]
    others += [(SINGLE_VIEW, run) for run in single]
    names = [name for name, _ in others]
    if not many or len(set(names)) < len(names) or f"mv-{many[0].meta}" in names:
        raise InputError(
            f"{', '.join(run.name for run in runs)}: a class of objects is a run that learned "
            "from several views of each, at most one that learned from a single view, and one "
            f"by each other meta-learner; here are {len(many)} of several views and "
            f"{len(single)} of one"
        )
    require_alike(runs, ALIKE, "initializations are compared on the same views")
    return ObjectClass(_class_name(many[0]), many[0], tuple(others))


def _class_name(run: Run) -> str:
    """The category of the objects, such as ``chair``, or else the name of the run."""
    category = getattr(run.data(ViewConfig).source, "category", None)
    return category or run.name.removeprefix("view-")


def _novel_views(
    comparison: Comparison[ViewTasks], protocol: Protocol, rows: Rows, named: Sequence[_Named]
) -> NovelViews:
    """Novel views of the first test object, with the best settings on validation objects."""

    def make() -> Arrays:
        return {"inputs": comparison.family.inputs("test", 0, protocol.views or 1)}

    inputs = comparison.cached_arrays("inputs", {"views": protocol.views}, make)["inputs"]
    found = NovelViews(list(inputs), list(comparison.truth(protocol)[:SHOWN_VIEWS]))
    for label, inits, run in named:
        (name,) = inits
        row = {**best([row for row in rows if row["init"] == label]), "init": name}
        (views,) = comparison.pictures(inits, run, protocol, row)
        found.predictions[label] = list(views[:SHOWN_VIEWS])
    return found
