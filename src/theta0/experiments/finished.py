"""Finished runs, each of which stands for its class of signals."""

import hashlib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theta0.errors import InputError
from theta0.evaluate import Starts
from theta0.files import read_jsonl
from theta0.inits import Initialization, find
from theta0.tasks import CTConfig, ImageConfig, PhotoConfig, ViewConfig

from ._experiment import Experiment
from .run import read_experiment


@dataclass(frozen=True)
class Run:
    """A finished run, which stands for its class of signals."""

    name: str
    """of the class"""
    folder: Path
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


def read_run_experiment(
    folder: Path, kind: type = ImageConfig, paths: Mapping[type, str] | None = None
) -> Experiment:
    """The settings of a run on pictures, or on another kind of signals.

    Args:
        folder: the run.
        kind: what its data must be.
        paths: where pictures lie now, by kind of source.

    Raises:
        InputError: no run, or one on something else.
    """
    experiment = read_experiment(folder)
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
    """Finished runs on pictures, or another ``kind`` of signals.

    Two of one name are told apart by their folders.

    Raises:
        InputError: a folder is none, or given twice.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("a run is given twice; give each once")
    experiments = [read_run_experiment(folder, kind, paths) for folder in folders]
    names = [experiment.name or experiment.preset for experiment in experiments]
    return [
        Run(
            name if names.count(name) == 1 else f"{name} ({folder})",
            folder,
            experiment,
            find(str(folder)),
            hashlib.sha256((folder / "init.safetensors").read_bytes()).hexdigest(),
        )
        for name, folder, experiment in zip(names, folders, experiments, strict=True)
    ]


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
