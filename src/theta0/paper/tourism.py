"""Tourist photographs (paper, section 4.4): table 5 and its figure, from runs on collections.

A scene is one run with many inner steps and optionally another on the same photographs with a
single one, which is plain joint training: the paper's Standard.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from theta0.data.town import TouristTown
from theta0.errors import InputError
from theta0.evaluation import Inits, Protocol, Rows, best
from theta0.inner import Objective
from theta0.presets import InitName, OnProgress
from theta0.signals import PhotoCollection, PhotoConfig, PhotoTasks, Task

from ._progress import each, forget_programs, nth, share
from .comparison import Comparison
from .options import Options
from .pooling import pooled
from .reproduction import AppearanceTransfer, NovelViews, Reproduction
from .run_cache import Arrays, RunCache
from .runs import Run, require_alike

STEPS = (16, 64, 128, 256, 512)
OBJECTIVES = (Objective(huber=0.03), Objective(huber=0.1), Objective(huber=0.3))
JOINT = "standard"
"""Name in table 5 of the initialization from joint training; random weights are ``random``."""
NAMES = {"learned": "meta", "standard": "random"}
ALIKE = "data.size", "data.pixel_offset", "forward"
SHOWN, POSES = 4, 5
"""Numbers of photographs in the figure: those that are fitted, and those that give the poses."""


@dataclass(frozen=True)
class Scene:
    """The runs of a scene."""

    name: str
    meta: Run
    joint: Run | None

    @property
    def collection(self) -> str:
        """Its name in a table; splits of one collection share the name of its folder."""
        source = self.data.source
        if isinstance(source, PhotoCollection) and source.rotation is not None:
            return Path(source.path or "").name
        return self.name

    @property
    def data(self) -> PhotoConfig:
        """The settings of its photographs."""
        return self.meta.data(PhotoConfig)

    @property
    def runs(self) -> list[tuple[Run, str]]:
        """Its runs, with the names of their initializations in the table."""
        joint = [] if self.joint is None else [(self.joint, JOINT)]
        return [(self.meta, NAMES["learned"]), *joint]

    def comparison(self, data: PhotoConfig, cache: RunCache) -> Comparison[PhotoTasks]:
        """A comparison on its photographs under the protocol of ``data``."""
        return Comparison(self.meta.on(data), data.build, cache)


class _Named(NamedTuple):
    """Initializations of a run, and a mapping of their names to those in the table."""

    run: Run
    names: dict[str, str]
    inits: Inits


def table5(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR and SSIM on parts and views of a scene that were not fitted.

    Rows have ``scene`` and ``protocol``, and ``init`` has the names of the paper's table. Protocol
    right-half fits the left half of a photograph and evaluates on the right half; other-views fits
    a whole photograph and evaluates on novel views of the scene with its appearance. If transient
    occluders are known, ``+huber`` is a fit with a robust loss and ``+mask`` one with the occlusion
    mask. Scenes that are splits of one collection are pooled.
    """
    rows: Rows = []
    novel_views = {}
    for scene, tell in each(scenes(runs), on_progress, lambda scene: scene.name):
        judged = _judged(scene)
        for number, data in enumerate(judged):
            part = nth(tell, number, len(judged))
            comparison = scene.comparison(data, cache)
            protocol = _protocol(comparison, options)
            named = _named(scene, comparison, share(part, 0, 0.1), options.inits)
            last = 0.7 if _is_procedural(data) else 1.0
            found: Rows = []
            for one, tell_run in each(named, share(part, 0.1, last), lambda one: one.run.name):
                measured = comparison.rows(one.inits, one.run, protocol, tell_run)
                found += [_renamed(row, one.names) for row in measured]
            if _is_procedural(data):
                found += _robust(scene, comparison, protocol, options, share(part, 0.7, 1))
            rows += [{**row, "scene": scene.collection, "protocol": data.judge} for row in found]
            name = f"{scene.name}, {data.judge}"
            novel_views[name] = _novel_views(comparison, protocol, found, named)
        forget_programs()
    return Reproduction(pooled(rows), novel_views=novel_views)


def figure_tourism(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """Appearance transfer: the scene with the appearance of each photograph, from several poses.

    Whole photographs are fitted from the learned initialization, with the settings that are best on
    the right halves of validation photographs.
    """
    rows: Rows = []
    transfers = {}
    for scene, tell in each(scenes(runs), on_progress, lambda scene: scene.name):
        comparison = scene.comparison(replace(scene.data, judge="right-half"), cache)
        protocol = _protocol(comparison, options, SHOWN)
        found = comparison.rows(scene.meta.learned(), scene.meta, protocol, tell)
        rows += [{**_renamed(row, NAMES), "scene": scene.name} for row in found]
        transfers[scene.name] = _appearance_transfer(comparison, protocol, best(found))
        forget_programs()
    return Reproduction(rows, appearance_transfers=transfers)


def scenes(runs: Sequence[Run]) -> list[Scene]:
    """Group runs on the same photographs into scenes.

    Raises:
        InputError: A scene has no run with many inner steps, or two runs of one kind, or its runs
            differ in a setting that must be shared.
    """
    grouped: dict[object, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.data(PhotoConfig).source, []).append(run)
    found = []
    for group in grouped.values():
        meta = [run for run in group if run.experiment.meta.steps > 1]
        joint = [run for run in group if run.experiment.meta.steps == 1]
        if len(meta) != 1 or len(joint) > 1:
            raise InputError(
                f"{', '.join(run.name for run in group)}: a scene is one run with several inner "
                f"steps and at most one with a single step; here are {len(meta)} and "
                f"{len(joint)}"
            )
        require_alike(group, ALIKE, "initializations are compared on the same photographs")
        name = meta[0].name.removeprefix("tourism-")
        found.append(Scene(name, meta[0], *(joint or [None])))
    return found


def _is_procedural(data: PhotoConfig) -> bool:
    """Whether the scene is procedural, so that occlusion masks and novel views are known."""
    return isinstance(data.source, TouristTown)


def _judged(scene: Scene) -> list[PhotoConfig]:
    """The settings of the photographs under each protocol."""
    halves = replace(scene.data, judge="right-half")
    return [halves, replace(halves, judge="other-views")] if _is_procedural(halves) else [halves]


def _protocol(comparison: Comparison[PhotoTasks], options: Options, signals: int = 20) -> Protocol:
    return replace(comparison.protocol(options, signals, 5, STEPS), objectives=())


def _named(
    scene: Scene,
    comparison: Comparison[PhotoTasks],
    tell: OnProgress,
    only: Collection[InitName] | None,
) -> list[_Named]:
    """The initializations of both runs; ``only`` selects those of the first."""
    own = comparison.inits(tell, only)
    found = [_Named(scene.meta, {name: NAMES.get(name, name) for name in own}, own)]
    if scene.joint is not None:
        found.append(_Named(scene.joint, {"learned": JOINT}, scene.joint.learned()))
    return found


def _renamed(row: dict, names: dict[str, str], more: str = "") -> dict:
    own, plus, how = row["init"].partition("+")
    return {**row, "init": names.get(own, own) + plus + how + more}


def _robust(
    scene: Scene,
    comparison: Comparison[PhotoTasks],
    protocol: Protocol,
    options: Options,
    on_progress: OnProgress,
) -> Rows:
    """Rows of learned initializations, fitted with a robust loss or with the occlusion mask."""
    rows: Rows = []
    objectives = OBJECTIVES if options.objectives is None else options.objectives
    robust = replace(protocol, objectives=objectives)
    hidden = replace(comparison.run.data(PhotoConfig), leave_out_hidden=True)
    masked = scene.comparison(hidden, comparison.cache)
    for number, (run, name) in enumerate(scene.runs):
        tell, names = nth(on_progress, number, len(scene.runs)), {"learned": name}
        found = comparison.rows(run.learned(), run, robust, share(tell, 0, 0.5))
        rows += [_renamed(row, names) for row in found if "+" in row["init"]]
        found = masked.rows(run.learned(), run, protocol, share(tell, 0.5, 1))
        rows += [_renamed(row, names, "+mask") for row in found]
    return rows


def _novel_views(
    comparison: Comparison[PhotoTasks], protocol: Protocol, rows: Rows, named: Sequence[_Named]
) -> NovelViews:
    """The query of the first test photograph, with the best settings on validation photographs."""

    def make() -> Arrays:
        return {"fitted": comparison.family.fitted_part("test", 0)}

    fitted = comparison.cached_arrays("fitted", {}, make)["fitted"]
    found = NovelViews([fitted], list(comparison.truth(protocol)))
    for run, names, inits in named:
        for name, label in names.items():
            row = {**best([row for row in rows if row["init"] == label]), "init": name}
            (views,) = comparison.pictures(inits, run, protocol, row)
            found.predictions[label] = list(views)
    return found


def _appearance_transfer(
    halves: Comparison[PhotoTasks], protocol: Protocol, row: dict
) -> AppearanceTransfer:
    """The appearance of each photograph at every pose, with the settings of a row on halves."""
    # Whole photographs are fitted and rendered here.
    data = replace(halves.run.data(PhotoConfig), judge="other-views")
    build = lambda: PhotoTasks(data, halves.family.photos)
    comparison = Comparison(halves.run.on(data), build, halves.cache)
    run, count = comparison.run, halves.counts()["test"]
    poses = [(protocol.signals + number) % count for number in range(min(POSES, count))]
    observed = lambda *numbers: comparison.family.observed("test", *numbers)
    pictures = lambda *numbers: comparison.family.pictures(observed(*numbers).y)
    make = lambda: {"poses": pictures(*poses), "inputs": pictures(*range(protocol.signals))}
    taken = comparison.cached_arrays("photographs", {"poses": poses, "n": protocol.signals}, make)
    renderings = []
    for number in range(protocol.signals):
        task = lambda number=number: Task(observed(number), observed(*poses))
        (views,) = comparison.pictures(
            run.learned(), run, protocol, row, signal=number, task=task, shows=f"poses {poses}"
        )
        renderings.append(list(views))
    return AppearanceTransfer(list(taken["poses"]), list(taken["inputs"]), renderings)
