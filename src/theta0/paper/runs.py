"""Results of runs: learned initializations and the experiments they come from."""

import hashlib
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from theta0.errors import InputError
from theta0.evaluation import Init, Inits
from theta0.inits import Initialization, load, locate
from theta0.meta import read_log
from theta0.presets import Experiment, experiment_of
from theta0.registry import META_LEARNERS
from theta0.signals import ImageConfig, SignalConfig

Where = Callable[[SignalConfig], str | None]
"""The path of signals; None: where the run found them."""
AS_LEARNED: Where = lambda data: None

Config = TypeVar("Config", bound=SignalConfig)


@dataclass(frozen=True)
class Run:
    """A learned initialization and the run it comes from; it stands for its class of signals."""

    name: str
    """name of the class"""
    folder: Path
    """the run folder, or the file or shipped name of an initialization without one"""
    experiment: Experiment
    init: Initialization
    """the learned initialization"""
    digest: str
    """SHA-256 of the initialization's file"""

    @property
    def meta(self) -> str:
        """Name of the meta-learner."""
        return META_LEARNERS.name_of(type(self.experiment.meta))

    @property
    def learned_rule(self) -> bool:
        """Whether an update rule was learned together with the initialization."""
        return self.learned()["learned"](0).rule is not None

    def learned(self) -> Inits:
        """The learned initialization, the same for every signal."""
        init = Init.learned(self.init.learned, self.experiment.meta.inner)
        return {"learned": lambda signal: init}

    def data(self, kind: type[Config]) -> Config:
        """The settings of its signals.

        Raises:
            InputError: The signals are of another kind.
        """
        return of_kind(self.experiment, kind, self.folder)

    def on(self, data: SignalConfig) -> "Run":
        """The same run on other signals."""
        return replace(self, experiment=replace(self.experiment, data=data))

    def facts(self) -> dict[str, Any]:
        """How the initialization was learned, for the record of results."""
        facts = self.init.description.provenance
        found = {
            "folder": str(self.folder),
            "learned by": facts.get("command"),
            "at commit": facts.get("commit"),
            "meta-learner": self.meta,
            "seed": self.experiment.seed,
            "best at outer step": facts.get("outer_steps"),
        }
        if steps := read_log(self.folder, self.experiment.outer.steps):
            found["outer steps"] = steps[-1]["step"]
            found["seconds of training"] = round(steps[-1]["seconds"])
        return found


def of_kind(experiment: Experiment, kind: type[Config], folder: Path) -> Config:
    """The settings of an experiment's signals.

    Args:
        experiment: The experiment of a run.
        kind: The kind of signals that is needed.
        folder: The run folder, for the message.

    Raises:
        InputError: The signals are of another kind.
    """
    if not isinstance(experiment.data, kind):
        raise InputError(
            f"{folder}: a run of preset {experiment.preset}, but this is made from runs on "
            f"{kind.noun}; give others"
        )
    return experiment.data


def on_signals(
    experiment: Experiment, folder: Path, kind: type[SignalConfig], where: Where = AS_LEARNED
) -> Experiment:
    """The experiment of a run or initialization, with the present path of its signals.

    Args:
        experiment: The experiment of the run.
        folder: The run folder, for the message.
        kind: The kind of signals that is needed.
        where: Maps the settings of signals to their path.

    Raises:
        InputError: The signals are of another kind.
    """
    return experiment.on_data(where(of_kind(experiment, kind, folder)))


def read_runs(
    folders: Sequence[Path], kind: type[SignalConfig] = ImageConfig, where: Where = AS_LEARNED
) -> list[Run]:
    """Read learned initializations of one kind of signals.

    Args:
        folders: Run folders. Files and shipped names of initializations can be given too, if
            their signals are procedural or ``where`` knows their path. Runs of the same name are
            told apart by their folders.
        kind: The kind of signals that is needed.
        where: Maps the settings of signals to their path.

    Raises:
        InputError: One is not an initialization, is given twice, or its signals are missing.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("a run is given twice; give each once")
    files = [locate(str(folder)) for folder in folders]
    inits = [load(file) for file in files]
    names = [init.description.name for init in inits]
    return [
        Run(
            name if names.count(name) == 1 else f"{name} ({folder})",
            folder,
            _experiment(init, folder, kind, where),
            init,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for name, folder, file, init in zip(names, folders, files, inits, strict=True)
    ]


def _experiment(
    init: Initialization, folder: Path, kind: type[SignalConfig], where: Where
) -> Experiment:
    experiment = experiment_of(init, folder)
    found = on_signals(experiment, folder, kind, where)
    in_run = (folder / "config.json").is_file()
    if experiment.data.path is not None and where(experiment.data) is None and not in_run:
        raise InputError(
            f"{folder} was learned from {experiment.data.path}, which does not come with it; say "
            "where such signals are, with --data"
        )
    return found


def require_alike(runs: Sequence[Run], settings: Sequence[str], why: str) -> None:
    """Refuse runs whose experiments differ in a setting, such as ``data.size``.

    Raises:
        InputError: Names the first setting that differs, and ``why`` it must not.
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
