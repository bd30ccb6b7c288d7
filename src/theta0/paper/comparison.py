"""Comparison of initializations on the signals of a run, with all results in the run cache.

Nothing is computed before it is needed: the task family is built for the first result that is not
in the cache, the mean signal only for Mean, the places of a signal only for Matched.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax

from theta0.config import to_plain
from theta0.evaluation import Candidate, Init, Inits, Protocol, Rows, evaluate, judged_task
from theta0.evaluation import pictures_of as fitted_pictures
from theta0.fields import NetworkConfig
from theta0.forward import ForwardMap
from theta0.presets import INITS, InitName, OnProgress
from theta0.signals import Pictures, SignalConfig, Task, TaskFamily

from .options import Options
from .run_cache import Arrays, RunCache
from .runs import Run

Family = TypeVar("Family", bound=TaskFamily)

Wanted = Callable[[str, str], bool]
"""(initialization, update rule) -> whether to evaluate them"""

FITTED = ("mean", "matched")
"""Baseline initializations that are themselves the result of a fit."""


@dataclass(frozen=True)
class Comparison(Generic[Family]):
    """A comparison of initializations on the signals of a run."""

    run: Run
    build: Callable[[], Family]
    """builds the task family"""
    cache: RunCache

    @cached_property
    def family(self) -> Family:
        """The task family, built on first use."""
        return self.build()

    def protocol(
        self, options: Options, signals: int, tuning_signals: int, steps: tuple[int, ...]
    ) -> Protocol:
        """The protocol of the run, with these defaults and the options.

        Default numbers of signals are reduced to the number there are.
        """
        own, given = self.run.experiment.protocol, options.of_protocol()
        judged = "train" if own.training_signals else "test"
        defaults = {"signals": (signals, judged), "tuning_signals": (tuning_signals, "validation")}
        found = {
            name: max(1, min(count, self.counts()[split]))
            for name, (count, split) in defaults.items()
            if name not in given
        }
        return replace(own, **{"steps": steps, **found, **given})

    def counts(self) -> dict[str, int]:
        """The number of signals in each split."""
        splits = ("train", "validation", "test")
        count = lambda: [{split: self.family.size(split) for split in splits}]
        return self.cached_rows("signals", {}, count)[0]

    def inits(self, tell: OnProgress, only: Collection[InitName] | None = None) -> Inits:
        """The learned initialization and its baselines, or only some; fitted ones are cached."""
        names: list[InitName] = [name for name in INITS if only is None or name in only]
        return {name: self._init(name, tell) for name in names}

    def _init(self, name: InitName, tell: OnProgress) -> Callable[[int], Init]:
        experiment, learned = self.run.experiment, self.run.init.learned
        if name not in FITTED:
            return experiment.init(name, learned, experiment.forward)
        told = lambda name: tell(f"fitting {name}", 0.0)
        make = lambda: experiment.inits(learned, self.family, (name,), told)[name](0).field
        template = eqx.filter_eval_shape(experiment.field.build, jax.random.PRNGKey(0))
        field = self.cache.field(
            f"{self.run.name}-{name}", self._origin(self.run, name), template, make
        )
        return lambda signal: Init(field)

    def rows(
        self,
        inits: Inits,
        of: Run,
        protocol: Protocol,
        tell: OnProgress,
        wanted: Wanted = lambda init, rule: True,
    ) -> Rows:
        """Evaluate initializations of a run; the rows of each update rule are cached separately.

        Args:
            inits: Initializations by name.
            of: The run they come from.
            protocol: What to evaluate.
            tell: Called with (current evaluation, fraction done).
            wanted: Which initializations and update rules to evaluate.
        """

        def keep(init, rule, measure):
            if not wanted(init, rule):
                return []
            name = self._name(of, init, rule)
            settings = {"protocol": _relevant(protocol, init, rule), "init": init, "rule": rule}
            return self.cache.rows(name, {**self._origin(of, init), **settings}, measure)

        rows = evaluate(
            self.run.experiment.forward, inits, lambda: self.family, protocol, of.experiment.seed,
            tell, keep,
        )  # fmt: skip
        classes = {"train_class": of.name, "test_class": self.run.name}
        return [{**classes, **row} for row in rows]

    def pictures(
        self,
        inits: Inits,
        of: Run,
        protocol: Protocol,
        row: dict[str, Any],
        steps: tuple[int, ...] = (),
        signal: int = 0,
        task: Callable[[], Task] | None = None,
        shows: str = "its query",
    ) -> list[Pictures]:
        """Fit a test signal again with the settings of a row; cached.

        Args:
            inits: Initializations by name.
            of: The run they come from.
            protocol: The protocol of the row.
            row: A row of :meth:`rows`.
            steps: Numbers of steps; by default that of the row.
            signal: Number of the test signal.
            task: Makes another task of the signal, with other observations or another query.
            shows: Describes that task, as part of the key in the run cache.

        Returns:
            The query as predicted after each number of steps.
        """
        steps = steps or (row["steps"],)

        def make() -> Arrays:
            shown = fitted_pictures(
                self.run.experiment.forward, inits, self.family, protocol, of.experiment.seed, row,
                steps, signal, task and task(),
            )  # fmt: skip
            return {str(step): pictures for step, pictures in zip(steps, shown, strict=True)}

        name = self._name(of, row["init"], row["rule"], "pictures")
        fit = self._fit(of, protocol, row, signal)
        found = self.cache.arrays(name, {**fit, "steps": steps, "shows": shows}, make)
        return [found[str(step)] for step in steps]

    def truth(self, protocol: Protocol, signal: int = 0) -> Pictures:
        """The true pictures of a test signal; cached."""
        task = lambda: judged_task(self.family, protocol, signal)
        make = lambda: {"truth": self.family.pictures(task().query.y)}
        return self.cached_arrays("truth", {"signal": _signal(protocol, signal)}, make)["truth"]

    def cached_rows(self, name: str, of: dict[str, Any], make: Callable[[], Rows]) -> Rows:
        """Cached rows that depend on the signals and ``of``, but on no initialization."""
        return self.cache.rows(f"{self.run.name}-{name}", {**of, "data": self._data()}, make)

    def cached_arrays(self, name: str, of: dict[str, Any], make: Callable[[], Arrays]) -> Arrays:
        """Cached arrays that depend on the signals and ``of``, but on no initialization."""
        return self.cache.arrays(f"{self.run.name}-{name}", {**of, "data": self._data()}, make)

    def _name(self, of: Run, *more: str) -> str:
        return "-".join([*dict.fromkeys([of.name, self.run.name]), *more])

    def _data(self) -> dict[str, Any]:
        return to_plain(self.run.experiment.data, SignalConfig)

    def _origin(self, run: Run, init: str) -> dict[str, Any]:
        """What an initialization of a run and every fit from it depend on."""
        experiment, name = run.experiment, init.partition("+")[0]
        # Standard and Mean do not depend on what was learned.
        network = {
            "field": to_plain(experiment.field, NetworkConfig),
            "forward": to_plain(experiment.forward, ForwardMap),
        }
        return {
            **(network if name in ("standard", "mean") else {"learned": run.digest}),
            **({"baseline": _used(to_plain(experiment.baseline))} if name in FITTED else {}),
            "seed": experiment.seed,
            "data": self._data(),
        }

    def _fit(self, of: Run, protocol: Protocol, row: dict[str, Any], signal: int) -> dict[str, Any]:
        """What the fit of a test signal with the settings of a row depends on."""
        return {
            **self._origin(of, row["init"]),
            "fit": {"init": row["init"], **Candidate.of_row(row).described()},
            "signal": _signal(protocol, signal),
            "batch": protocol.batch,
        }


def _signal(protocol: Protocol, number: int) -> dict[str, Any]:
    """What identifies a test signal of a protocol."""
    spread = protocol.signals if protocol.training_signals else None
    return {"number": number, "views": protocol.views, "training signals": spread}


def _relevant(protocol: Protocol, init: str, rule: str) -> dict[str, Any]:
    """The settings of a protocol on which the rows of an initialization and rule depend.

    Plain rows depend only on the candidates of their own rule. Rows with an added objective depend
    on all rules, because the best of them is used; rows with flip test-time augmentation depend on
    all objectives, too.
    """
    name, _, added = init.partition("+")
    settings = _used(to_plain(protocol))
    if name != "standard":
        settings.pop("w0", None)
    if added == "flip":
        return settings
    objectives = [one for one in protocol.objectives if "+".join(one.added) == added]
    settings["objectives"] = [_used(to_plain(one)) for one in objectives]
    settings.pop("flip", None)
    if not added:
        for name, prefix in (("rules", ""), ("after_learned", "learned+")):
            tried = settings.get(name, ())
            settings[name] = [one for one in tried if prefix + one["kind"] == rule]
    return settings


def _used(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are not empty, so that a new, unused setting leaves the cache valid."""
    used = lambda it: _used(it) if isinstance(it, dict) else it
    return {name: used(it) for name, it in settings.items() if it}
