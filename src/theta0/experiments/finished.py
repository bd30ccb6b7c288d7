"""Learned starts, mostly of finished runs, each of which stands for its class of signals."""

import hashlib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theta0.errors import InputError
from theta0.evaluate import Starts
from theta0.files import read_jsonl
from theta0.inits import Initialization, load, locate
from theta0.tasks import CTConfig, ImageConfig, PhotoConfig, ViewConfig

from ._experiment import Experiment
from ._presets import experiment_of


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
        last = (read_jsonl(self.folder / "metrics.jsonl") or [{}])[-1]
        return {
            "folder": str(self.folder),
            "learned by": facts.get("command"),
            "at commit": facts.get("commit"),
            "meta-learner": self.experiment.meta,
            "seed": self.experiment.seed,
            "outer steps": last.get("step"),
            "best at outer step": facts.get("outer_steps"),
            "seconds of training": round(last.get("seconds", 0)),
        }


def on_signals(
    experiment: Experiment, folder: Path, kind: type, paths: Mapping[type, str] | None = None
) -> Experiment:
    """The experiment of a run, or other start, whose signals are of the kind that is wanted.

    Args:
        experiment: that of the run.
        folder: the run, for the message.
        kind: what its data must be.
        paths: where pictures lie now, by kind of source.

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
    return experiment.with_data((paths or {}).get(type(experiment.data.source)))


def read_runs(
    folders: Sequence[Path], kind: type = ImageConfig, paths: Mapping[type, str] | None = None
) -> list[Run]:
    """Starts for pictures, or another ``kind`` of signals.

    Args:
        folders: run folders; or initializations by file or shipped name, if their signals are
            drawn by theta0 or lie where ``paths`` says. Two of one name are told apart by this.
        kind: what their data must be.
        paths: where pictures lie now, by kind of source.

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
            _experiment(start, folder, kind, paths or {}),
            start,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for name, folder, file, start in zip(names, folders, files, starts, strict=True)
    ]


def _experiment(
    start: Initialization, folder: Path, kind: type, paths: Mapping[type, str]
) -> Experiment:
    experiment = on_signals(experiment_of(start, folder), folder, kind, paths)
    at_hand = type(experiment.data.source) in paths or (folder / "config.json").is_file()
    if experiment.data.path is not None and not at_hand:
        raise InputError(
            f"{folder} was learned from {experiment.data.path}, which does not come with it; give "
            f"a run folder (theta0 train {start.description.preset} --begin {folder} --data ...)"
        )
    return experiment


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
