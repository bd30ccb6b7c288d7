"""View synthesis (paper, section 4.3): table 4 and its figures, from runs on classes of objects.

A class is one run that learned from many views of each object (multi-view, mv) and, if there are
such, others on the same objects: one that learned from a single view of each (sv), and those by
other meta-learners.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from theta0.errors import InputError
from theta0.evaluate import Rows, Starts, best, pictures_of
from theta0.presets import OnProgress
from theta0.protocol import Protocol
from theta0.tasks import Task, ViewConfig, ViewTasks

from .comparison import Comparison, Options, each, forget_programs, share
from .reproduction import NovelViews, Reproduction
from .run_cache import RunCache
from .runs import Run, require_alike

STEPS = (50, 200, 1000)
CURVE_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
NAMES = {"learned": "mv-meta", "matched": "mv-matched", "shuffled": "mv-shuffled"}
"""Names in table 4 of starts that come from a multi-view run; others keep theirs."""
SINGLE_VIEW = "sv-meta"
ALIKE = "data.size", "data.first_held_out", "data.held_out_views", "data.background", "forward"
SHOWN_VIEWS = 4
"""Held-out views in a figure."""


@dataclass(frozen=True)
class ObjectClass:
    """The runs of a class."""

    name: str
    many: Run
    others: tuple[tuple[str, Run], ...]
    """with the names of their starts in table 4"""


def table4(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR and SSIM on unseen views of unseen objects, from one view of each, for every start.

    Step sizes are chosen on validation objects, apart for each number of steps. Rows have
    ``class`` and the names of the paper's table for ``init``.
    """
    rows: Rows = []
    novel_views = {}
    for of, tell in each(object_classes(runs), on_progress, lambda of: of.name):
        comparison = Comparison(of.many, of.many.experiment.data.build(), cache)
        protocol = _protocol(comparison, options, (1,), 10, STEPS)
        starts = comparison.starts(share(tell, 0, 0.1), options.starts)
        found = comparison.rows(starts, of.many, protocol, share(tell, 0.1, 0.9))
        shown: list[tuple[str, Starts, Run]]
        shown = [(NAMES.get(name, name), {name: start}, of.many) for name, start in starts.items()]
        found = [{**row, "init": NAMES.get(row["init"], row["init"])} for row in found]
        for number, (name, run) in enumerate(of.others):
            learned = run.learned()
            begin, end = (0.9 + 0.1 * place / len(of.others) for place in (number, number + 1))
            own = comparison.rows(learned, run, protocol, share(tell, begin, end))
            found += [{**row, "init": name} for row in own]
            shown.append((name, learned, run))
        rows += [{**row, "class": of.name} for row in found]
        novel_views[of.name] = _novel_views(comparison, protocol, found, shown)
        forget_programs()
    return Reproduction(rows, novel_views=novel_views)


def figure_shapenet(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """Unseen views of an object of each class as every start shows them: table 4 in small.

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
    """PSNR on unseen views against iterations, from 25 views: Standard and the learned start."""
    rows: Rows = []
    for of, tell in each(object_classes(runs), on_progress, lambda of: of.name):
        comparison = Comparison(of.many, of.many.experiment.data.build(), cache)
        protocol = _protocol(comparison, options, (25,), 4, CURVE_STEPS)
        starts = {**of.many.learned(), **comparison.standard()}
        found = comparison.rows(starts, of.many, protocol, tell)
        rows += [{**row, "class": of.name} for row in found]
        forget_programs()
    return Reproduction(rows)


def _protocol(
    comparison: Comparison,
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
    """Runs by class: those on the same objects belong together.

    Raises:
        InputError: a class has no multi-view run, or two of one kind, or its runs differ in what
            they are compared by.
    """
    grouped: dict[object, list[Run]] = {}
    for run in runs:
        grouped.setdefault(_data(run).source, []).append(run)
    found = []
    for group in grouped.values():
        many = [run for run in group if _data(run).training_views > 1]
        single = [run for run in group if _data(run).training_views == 1]
        others = [(f"mv-{run.experiment.meta}", run) for run in many[1:]]
        others += [(SINGLE_VIEW, run) for run in single]
        names = [name for name, _ in others]
        if not many or len(set(names)) < len(names) or f"mv-{many[0].experiment.meta}" in names:
            raise InputError(
                f"{', '.join(run.name for run in group)}: a class of objects is a run that learned "
                "from several views of each, at most one that learned from a single view, and one "
                f"by each other meta-learner; here are {len(many)} of several views and "
                f"{len(single)} of one"
            )
        require_alike(group, ALIKE, "starts are compared on the same views")
        found.append(ObjectClass(_class_name(many[0]), many[0], tuple(others)))
    return found


def _data(run: Run) -> ViewConfig:
    assert isinstance(run.experiment.data, ViewConfig)
    return run.experiment.data


def _class_name(run: Run) -> str:
    """What the objects are called: ``chair``, or the run's name."""
    return getattr(_data(run).source, "category", None) or run.name.removeprefix("view-")


def _novel_views(
    comparison: Comparison, protocol: Protocol, rows: Rows, shown: Sequence[tuple[str, Starts, Run]]
) -> NovelViews:
    """Unseen views of the first test object, as each start is best on validation objects."""
    family = comparison.family
    assert isinstance(family, ViewTasks)
    task: Task = family.held_out("test", 0, protocol.views)
    inputs = family.inputs("test", 0, protocol.views or 1)
    found = NovelViews(list(inputs), list(family.pictures(task.query.y)[:SHOWN_VIEWS]))
    for label, starts, run in shown:
        (name,) = starts
        row = {**best([row for row in rows if row["init"] == label]), "init": name}
        experiment = run.experiment
        (views,) = pictures_of(
            comparison.run.experiment.forward, starts, family, protocol, experiment.seed, row,
            (row["steps"],),
        )  # fmt: skip
        found.predictions[label] = list(views[:SHOWN_VIEWS])
    return found
