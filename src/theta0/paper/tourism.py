"""Tourist photographs (paper, section 4.4): table 5 and its figure, from runs on collections.

A scene is one run that learned for many inner steps and, if there is one, another on the same
photographs that learned for a single one: plain joint training, the paper's Standard.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from theta0.data.town import TouristTown
from theta0.errors import InputError
from theta0.evaluate import Rows, Starts, best, pictures_of
from theta0.presets import OnProgress, StartName
from theta0.protocol import Protocol
from theta0.tasks import PhotoCollection, PhotoConfig, PhotoTasks, Task

from .comparison import Comparison, Options, each, forget_programs, share
from .reproduction import AppearanceTransfer, NovelViews, Reproduction
from .run_cache import RunCache
from .runs import Run, require_alike

STEPS = (16, 64, 128, 256, 512)
HUBER = (0.03, 0.1, 0.3)
JOINT = "standard"
"""Name in table 5 of the start from joint training; random weights are ``random``."""
NAMES = {"learned": "meta", "standard": "random"}
ALIKE = "data.size", "data.pixel_offset", "forward"
ROBUST = ("meta", JOINT)
"""Starts that are also fitted with a robust loss, and without what is hidden."""
SHOWN, POSES = 4, 5
"""Photographs whose light is taken on in the figure, and others whose standpoints are seen."""


@dataclass(frozen=True)
class Scene:
    """The runs of a place."""

    name: str
    meta: Run
    joint: Run | None

    @property
    def place(self) -> str:
        """What it is called in a table: scenes that are one collection, split in several ways, by
        the folder of the collection."""
        source = _data(self.meta).source
        if isinstance(source, PhotoCollection) and source.rotation is not None:
            return Path(source.path).name
        return self.name

    def starts(
        self, comparison: Comparison, tell: OnProgress, only: Collection[StartName] | None
    ) -> list[tuple[Run, dict[str, str], Starts]]:
        """The starts of both runs, with their names in the table by their own.

        ``only`` says which of the first run's are wanted; all when left out.
        """
        own = comparison.starts(tell, only)
        found: list[tuple[Run, dict[str, str], Starts]]
        found = [(self.meta, {name: NAMES.get(name, name) for name in own}, own)]
        if self.joint is not None:
            found.append((self.joint, {"learned": JOINT}, self.joint.learned()))
        return found


def table5(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """PSNR and SSIM on what was not fitted of a photograph, for every start.

    Rows have ``scene``, ``protocol`` (right-half: the left half is fitted, the right one judges;
    other-views: a whole photograph is fitted, the place in its light from elsewhere judges) and the
    names of the paper's table for ``init``. Where people who stand before the place are known,
    ``+huber`` and ``+mask`` say what a robust loss and leaving them out change. Scenes that
    are one collection, split in several ways, share their rows.
    """
    rows: Rows = []
    novel_views = {}
    for scene, tell in each(scenes(runs), on_progress, lambda scene: scene.name):
        judged = _judged(scene)
        for number, data in enumerate(judged):
            part = share(tell, number / len(judged), (number + 1) / len(judged))
            comparison = Comparison(_with(scene.meta, data), data.build(), cache)
            protocol = _protocol(comparison, options)
            starts = scene.starts(comparison, share(part, 0, 0.1), options.starts)
            found: Rows = []
            last = 0.7 if isinstance(data.source, TouristTown) else 1.0
            measuring = share(part, 0.1, last)
            for (of, names, own), tell_run in each(starts, measuring, lambda one: one[0].name):
                measured = comparison.rows(own, of, protocol, tell_run)
                found += [_renamed(row, names) for row in measured]
            if isinstance(data.source, TouristTown):
                robust = replace(protocol, huber=HUBER if options.huber is None else options.huber)
                found += _robust(scene, data, cache, robust, share(part, 0.7, 1))
            rows += [{**row, "scene": scene.place, "protocol": data.judge} for row in found]
            name = f"{scene.name}, {data.judge}"
            novel_views[name] = _novel_views(comparison, protocol, found, starts)
        forget_programs()
    return Reproduction(_pooled(rows), novel_views=novel_views)


def figure_tourism(
    runs: Sequence[Run], options: Options, cache: RunCache, on_progress: OnProgress
) -> Reproduction:
    """A place in the light of one photograph after another, from where others were taken.

    Whole photographs are fitted from the learned start, as was best on right halves of validation
    photographs.
    """
    rows: Rows = []
    transfers = {}
    for scene, tell in each(scenes(runs), on_progress, lambda scene: scene.name):
        data = _data(scene.meta)
        comparison = Comparison(
            _with(scene.meta, replace(data, judge="right-half")), data.build(), cache
        )
        protocol = _protocol(comparison, replace(options, signals=options.signals or SHOWN))
        found = comparison.rows(scene.meta.learned(), scene.meta, protocol, tell)
        rows += [{**_renamed(row, NAMES), "scene": scene.name} for row in found]
        transfers[scene.name] = _appearance_transfer(comparison, protocol, best(found))
        forget_programs()
    return Reproduction(rows, appearance_transfers=transfers)


def scenes(runs: Sequence[Run]) -> list[Scene]:
    """Runs by the photographs they learned from.

    Raises:
        InputError: a scene has no run of many inner steps, or two of one kind, or its runs differ
            in what they are compared by.
    """
    grouped: dict[object, list[Run]] = {}
    for run in runs:
        grouped.setdefault(_data(run).source, []).append(run)
    found = []
    for group in grouped.values():
        meta = [run for run in group if run.experiment.inner.steps > 1]
        joint = [run for run in group if run.experiment.inner.steps == 1]
        if len(meta) != 1 or len(joint) > 1:
            raise InputError(
                f"{', '.join(run.name for run in group)}: a scene is one run learned for several "
                f"inner steps and at most one for a single step; here are {len(meta)} and "
                f"{len(joint)}"
            )
        require_alike(group, ALIKE, "starts are compared on the same photographs")
        name = meta[0].name.removeprefix("tourism-")
        found.append(Scene(name, meta[0], *(joint or [None])))
    return found


def _pooled(rows: Rows) -> Rows:
    """Rows of one scene that differ in the photographs alone as one, with all of them.

    Settings that were chosen apart for each split are left out where they differ.
    """
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        names = ("scene", "protocol", "init", "optimizer", "steps")
        groups.setdefault(tuple(row.get(name) for name in names), []).append(row)
    return [group[0] if len(group) == 1 else _pool(group) for group in groups.values()]


def _pool(group: Rows) -> dict[str, Any]:
    same = {
        name: value
        for name, value in group[0].items()
        if all(row.get(name) == value for row in group)
    }
    weights = [row["n"] for row in group]
    mean = lambda name: float(np.average([row[name] for row in group], weights=weights))
    psnrs = [psnr for row in group for psnr in row["psnr"]]
    means = ("psnr_mean", "validation_psnr", "seconds", "ssim_mean")
    return {
        **same,
        **{name: mean(name) for name in means if all(name in row for row in group)},
        "psnr": psnrs,
        "psnr_std": float(np.std(psnrs, ddof=1)),
        "n": len(psnrs),
    }


def _data(run: Run) -> PhotoConfig:
    assert isinstance(run.experiment.data, PhotoConfig)
    return run.experiment.data


def _with(run: Run, data: PhotoConfig) -> Run:
    """The run as if it had been judged in another way."""
    return replace(run, experiment=replace(run.experiment, data=data))


def _judged(scene: Scene) -> list[PhotoConfig]:
    """The data under each protocol."""
    data = _data(scene.meta)
    halves = replace(data, judge="right-half")
    if not isinstance(data.source, TouristTown):
        return [halves]
    return [halves, replace(data, judge="other-views")]


def _protocol(comparison: Comparison, options: Options) -> Protocol:
    return replace(comparison.protocol(options, 20, 5, STEPS), huber=())


def _renamed(row: dict, names: dict[str, str], more: str = "") -> dict:
    own, plus, how = row["init"].partition("+")
    return {**row, "init": names.get(own, own) + plus + how + more}


def _robust(
    scene: Scene, data: PhotoConfig, cache: RunCache, protocol: Protocol, tell: OnProgress
) -> Rows:
    """Rows of the leading starts with a robust loss, and without what is hidden."""
    rows: Rows = []
    hidden = replace(data, leave_out_hidden=True)
    runs = [(scene.meta, "meta"), (scene.joint, JOINT)]
    for number, (run, name) in enumerate((run, name) for run, name in runs if run is not None):
        part = share(tell, number / 2, (number + 1) / 2)
        names = {"learned": name}
        comparison = Comparison(_with(scene.meta, data), data.build(), cache)
        found = comparison.rows(run.learned(), run, protocol, share(part, 0, 0.5))
        rows += [_renamed(row, names) for row in found if row["init"].endswith("+huber")]
        masked = Comparison(_with(scene.meta, hidden), hidden.build(), cache)
        plain = replace(protocol, huber=())
        found = masked.rows(run.learned(), run, plain, share(part, 0.5, 1))
        rows += [_renamed(row, names, "+mask") for row in found]
    return rows


def _novel_views(
    comparison: Comparison,
    protocol: Protocol,
    rows: Rows,
    starts: Sequence[tuple[Run, dict[str, str], Starts]],
) -> NovelViews:
    """What judged the first test photograph, as each start is best on validation photographs."""
    family = _photos(comparison)
    task = family.held_out("test", 0)
    found = NovelViews([family.fitted_part("test", 0)], list(family.pictures(task.query.y)))
    for run, names, own in starts:
        for name, label in names.items():
            row = {**best([row for row in rows if row["init"] == label]), "init": name}
            (views,) = pictures_of(
                run.experiment.forward, own, family, protocol, run.experiment.seed, row,
                (row["steps"],),
            )  # fmt: skip
            found.predictions[label] = list(views)
    return found


def _photos(comparison: Comparison) -> PhotoTasks:
    assert isinstance(comparison.family, PhotoTasks)
    return comparison.family


def _appearance_transfer(
    comparison: Comparison, protocol: Protocol, row: dict
) -> AppearanceTransfer:
    """Every pose in the light of every photograph, as is best for the learned start."""
    halves = _photos(comparison)
    # Judged by whole pictures: none is cut in half here.
    family = PhotoTasks(replace(halves.config, judge="other-views"), halves.photos)
    count, run = family.size("test"), comparison.run
    standing = [(protocol.signals + number) % count for number in range(min(POSES, count))]
    query = family.observed("test", *standing)
    inputs, views = [], []
    for number in range(protocol.signals):
        whole = family.observed("test", number)
        (shown,) = pictures_of(
            run.experiment.forward, run.learned(), family, protocol, run.experiment.seed, row,
            (row["steps"],), number, Task(whole, query),
        )  # fmt: skip
        inputs.append(family.pictures(whole.y)[0])
        views.append(list(shown))
    return AppearanceTransfer(list(family.pictures(query.y)), inputs, views)
