"""Learned starts, mostly of finished runs, each of which stands for its class of signals."""

import hashlib
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theta0.errors import InputError
from theta0.evaluate import Starts
from theta0.files import read_jsonl
from theta0.inits import Initialization, load, locate
from theta0.presets import Experiment, experiment_of
from theta0.tasks import CTConfig, DataConfig, ImageConfig, PhotoConfig, ViewConfig

Where = Callable[[DataConfig], str | None]
"""Where signals lie now; None: where the run found them."""
AS_LEARNED: Where = lambda data: None


@dataclass(frozen=True)
class Run:
    """A learned start and how it was learned, which stands for its class of signals."""

    name: str
    """of the class"""
    folder: Path
    """run folder; or an initialization without one, by its file or shipped name"""
    experiment: Experiment
    start: Initialization
    """the start it learned"""
    digest: str
    """SHA-256 of the start's file"""

    def learned(self) -> Starts:
        """The start it learned, whatever the signal."""
        return {"learned": lambda signal: self.start.field}

    def facts(self) -> dict[str, Any]:
        """How the start was learned."""
        facts = self.start.description.provenance
        found = {
            "folder": str(self.folder),
            "learned by": facts.get("command"),
            "at commit": facts.get("commit"),
            "meta-learner": self.experiment.meta,
            "seed": self.experiment.seed,
            "best at outer step": facts.get("outer_steps"),
        }
        if steps := read_jsonl(self.folder / "metrics.jsonl"):
            found["outer steps"] = steps[-1]["step"]
            found["seconds of training"] = round(steps[-1]["seconds"])
        return found


def on_signals(
    experiment: Experiment, folder: Path, kind: type, where: Where = AS_LEARNED
) -> Experiment:
    """The experiment of a run, or other start, whose signals are of the kind that is wanted.

    Args:
        experiment: that of the run.
        folder: the run, for the message.
        kind: what its data must be.
        where: its signals lie now.

    Raises:
        InputError: it is on something else.
    """
    if not isinstance(experiment.data, kind):
        wanted = {
            ImageConfig: "pictures",
            CTConfig: "CT slices",
            ViewConfig: "views of objects",
            PhotoConfig: "photographs of a place",
        }
        raise InputError(
            f"{folder}: a run of preset {experiment.preset}, but this is made from runs on "
            f"{wanted[kind]}; give others"
        )
    return experiment.on_data(where(experiment.data))


def read_runs(
    folders: Sequence[Path], kind: type = ImageConfig, where: Where = AS_LEARNED
) -> list[Run]:
    """Starts for pictures, or another ``kind`` of signals.

    Args:
        folders: run folders; or initializations by file or shipped name, if their signals are
            drawn by theta0 or ``where`` says. Two of one name are told apart by this.
        kind: what their data must be.
        where: their signals lie now.

    Raises:
        InputError: one is no start, is given twice, or came without its signals.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("a run is given twice; give each once")
    files = [locate(str(folder)) for folder in folders]
    starts = [load(file) for file in files]
    names = [start.description.name for start in starts]
    return [
        Run(
            name if names.count(name) == 1 else f"{name} ({folder})",
            folder,
            _experiment(start, folder, kind, where),
            start,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for name, folder, file, start in zip(names, folders, files, starts, strict=True)
    ]


def _experiment(start: Initialization, folder: Path, kind: type, where: Where) -> Experiment:
    experiment = experiment_of(start, folder)
    found = on_signals(experiment, folder, kind, where)
    in_run = (folder / "config.json").is_file()
    if experiment.data.path is not None and where(experiment.data) is None and not in_run:
        raise InputError(
            f"{folder} was learned from {experiment.data.path}, which does not come with it; say "
            "where such signals lie, with --data"
        )
    return found


def require_alike(runs: Sequence[Run], settings: Sequence[str], why: str) -> None:
    """Refuse runs that differ in settings of their experiments, such as "data.size".

    Raises:
        InputError: names the first setting that differs, and ``why`` it may not.
    """
    first = runs[0]
    for run in runs[1:]:
        for setting in settings:
            here, there = (operator.attrgetter(setting)(one.experiment) for one in (run, first))
            if here != there:
                raise InputError(
                    f"{run.folder} has {setting} {here}, but {first.folder} has {there}; {why}, so "
                    "give runs that share it"
                )
