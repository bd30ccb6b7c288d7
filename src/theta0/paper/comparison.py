"""What the protocols of the paper's tables and figures share: options, and rows that are cached."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import jax

from theta0.config import to_plain
from theta0.errors import InputError, require_positive
from theta0.evaluate import Rows, Starts, as_far_as_there_are, evaluate
from theta0.fields import NetworkConfig
from theta0.fit import InnerConfig
from theta0.forward import ForwardConfig
from theta0.presets import STARTS, OnProgress, StartName
from theta0.protocol import Protocol
from theta0.tasks import DataConfig, TaskFamily

from .run_cache import RunCache
from .runs import Run

Item = TypeVar("Item")


@dataclass(frozen=True)
class Options:
    """What the user says about a protocol; left out: the default, in brackets."""

    signals: int | None = None
    """test signals [table1: 100, table2: 50, table3: 64, table4: 10, table5: 20, figure-images: 2,
    figure-curves: 8, figure-shapenet: 1, figure-shapenet-convergence: 4, figure-tourism: 4]"""
    tuning_signals: int | None = None
    """validation signals that choose step sizes [table1: 4, table2: 4, table3: 4, table4: 3,
    table5: 5, figure-images: 2, figure-curves: 2, figure-shapenet: 1,
    figure-shapenet-convergence: 3, figure-tourism: 5]"""
    steps: tuple[int, ...] | None = None
    """numbers of gradient steps [table3: up to 200, and 500 for what still rises, table4: 50 200
    1000, table5 and figure-tourism: up to 512, figure-images: up to 10, figure-curves: up to 50,
    figure-shapenet: 50 200, figure-shapenet-convergence: up to 2000]"""
    sgd: tuple[float, ...] | None = None
    """step sizes tried for gradient descent [the run's own]"""
    adam: tuple[float, ...] | None = None
    """step sizes tried for Adam [the run's own]"""
    match_signals: int | None = None
    """table1: test signals on which steps to match Meta are counted, the first ones [4]"""
    match_tuning_signals: int | None = None
    """table1: validation signals that choose their step sizes [1]"""
    match_steps: int | None = None
    """table1: the most steps a start is given to match Meta [200]"""
    baseline_signals: int | None = None
    """table3: test slices for baselines, for learned starts by other than their own step sizes, and
    for everything at more than 8 views, the first ones [16]"""
    views: tuple[int, ...] | None = None
    """table3: numbers of views [1 2 4 8 16 32 64 128]; table4 and figure-shapenet: how many are
    fitted [1]; figure-shapenet-convergence: the same [25]"""
    starts: tuple[StartName, ...] | None = None
    """table3: only these starts, beside what reconstructs without a network; table4 and
    figure-shapenet: of the first run of a class; table5: beside that of joint training [all]"""
    learned_adam: tuple[float, ...] | None = None
    """step sizes of Adam tried after the learned steps [table3: 3e-5 1e-4 3e-4]"""
    samples: tuple[int, ...] | None = None
    """samples a ray tried beside those of training [table3: 64]"""
    w0: tuple[float, ...] | None = None
    """values of w0 tried for Standard [table3, SIREN: 15 and the network's own]"""
    huber: tuple[float, ...] | None = None
    """table5: errors beyond which a value counts in proportion, tried for the starts meta and
    standard [0.03 0.1 0.3]"""
    tv: tuple[float, ...] | None = None
    """table3: weights of total variation tried for the starts learned and standard [1e-7 1e-6
    1e-5; none from more than 8 views]"""
    mirrored: bool | None = None
    """table3: fit a mirrored copy of a slice too, from the same starts [yes]"""

    def __post_init__(self):
        # Before an hour of training rather than after it.
        Protocol(**self.of_protocol())
        require_positive(self, "match_signals", "match_tuning_signals", "match_steps")
        require_positive(self, "baseline_signals")
        if self.starts == ():
            raise InputError(f"starts: name at least one of {', '.join(STARTS)}")
        if self.views is not None and (not self.views or min(self.views) < 1):
            raise InputError(f"views {self.views} must be numbers above 0, at least one")
        if (self.match_signals or 0) > (self.signals or self.match_signals or 0):
            raise InputError(
                f"match_signals is {self.match_signals}, but they are the first of {self.signals} "
                "signals; give fewer, or more signals"
            )

    def of_protocol(self) -> dict[str, Any]:
        """What is given of a `Protocol`."""
        names = {setting.name for setting in dataclasses.fields(Protocol)} - {"views"}
        given = {name: value for name, value in vars(self).items() if value is not None}
        return {name: value for name, value in given.items() if name in names}


@dataclass(frozen=True)
class Comparison:
    """The signals of a run, on which starts are measured."""

    run: Run
    family: TaskFamily
    cache: RunCache

    def protocol(
        self, options: Options, signals: int, tuning_signals: int, steps: tuple[int, ...]
    ) -> Protocol:
        """The run's own step sizes, these defaults as far as there are signals, and the options."""
        own = self.run.experiment.protocol
        defaults = replace(own, steps=steps, signals=signals, tuning_signals=tuning_signals)
        return replace(as_far_as_there_are(defaults, self.family), **options.of_protocol())

    def starts(self, tell: OnProgress, only: Collection[StartName] | None = None) -> Starts:
        """The run's start and its baselines, or some of them; Mean and Matched are cached."""
        experiment, signal = self.run.experiment, self.family.mean_signal()
        forward = self.family.query_forward or experiment.forward
        template = jax.eval_shape(experiment.field.build, jax.random.PRNGKey(0))

        def start(name):
            make = lambda: experiment.start(name, self.run.start.field, forward, signal.p, signal)
            if name not in ("mean", "matched"):
                return make()
            tell(f"fitting {name}", 0.0)
            part = f"{self.run.name}-{name}"
            field = self.cache.field(part, self._of(self.run, name), template, lambda: make()(0))
            return lambda signal: field

        return {name: start(name) for name in STARTS if only is None or name in only}

    def standard(self) -> Starts:
        """The usual random initialization alone."""
        start, task = self.run.start.field, self.family.held_out("test", 0)
        forward = self.family.query_forward or self.run.experiment.forward
        return {"standard": self.run.experiment.start("standard", start, forward, task.query.p)}

    def rows(
        self,
        starts: Starts,
        of: Run,
        protocol: Protocol,
        tell: OnProgress,
        only: Collection[tuple[str, str]] | None = None,
    ) -> Rows:
        """Rows of the starts of a run, those of each start and optimizer cached.

        Args:
            starts: by name.
            of: the run they come from.
            protocol: what is measured.
            tell: called with (what runs, fraction done).
            only: the (initialization, optimizer) wanted; all when left out.
        """

        def keep(init, optimizer, measure):
            if only is not None and (init, optimizer) not in only:
                return []
            name = "-".join([*dict.fromkeys([of.name, self.run.name]), init, optimizer])
            settings = {"protocol": _used(replace(protocol, **_absent(init)))}
            key = {**self._of(of, init), **settings, "init": init, "optimizer": optimizer}
            return self.cache.rows(name, key, measure)

        rows = evaluate(
            self.run.experiment.forward, starts, self.family, protocol, of.experiment.seed, tell,
            keep,
        )  # fmt: skip
        classes = {"train_class": of.name, "test_class": self.run.name}
        return [{**classes, **row} for row in rows]

    def _of(self, run: Run, init: str) -> dict[str, Any]:
        """What a start of a run, and all fits of it here, depend on."""
        experiment, learned = run.experiment, {"start": run.digest}
        # Those two are the same whatever has been learned since.
        network = {
            "field": to_plain(experiment.field, NetworkConfig),
            "forward": to_plain(experiment.forward, ForwardConfig),
        }
        return {
            **(network if init.partition("+")[0] in ("standard", "mean") else learned),
            "baseline": _used(experiment.baseline),
            "seed": experiment.seed,
            "data": to_plain(self.run.experiment.data, DataConfig),
        }


def _absent(init: str) -> dict[str, Any]:
    """What is added to other rows only: plain ones are the same whether such rows follow or not."""
    absent: dict[str, Any] = {"tv": (), "huber": (), "mirrored": False}
    added = init.partition("+")[2]
    # A mirrored copy is added with total variation, where that is better.
    for name in ("tv", "mirrored") if added == "mirrored" else (added,):
        absent.pop(name, None)
    return absent


def _used(settings: Protocol | InnerConfig) -> dict[str, Any]:
    """Those that are given: one more that is not leaves cached results valid."""
    return {name: it for name, it in dataclasses.asdict(settings).items() if it}


def forget_programs() -> None:
    """Let go of compiled programs between parts of a table that share none.

    All of them together would exhaust the memory maps that Linux gives a process (65530), which
    ends in a segmentation fault.
    """
    jax.clear_caches()


def each(
    items: Sequence[Item], on_progress: OnProgress, name: Callable[[Item], str]
) -> Iterator[tuple[Item, OnProgress]]:
    """Items one after the other, each with whom to tell of its part of the work, by its name."""
    for number, item in enumerate(items):
        part = share(on_progress, number / len(items), (number + 1) / len(items))
        yield item, lambda what, done, item=item, part=part: part(f"{name(item)}: {what}", done)


def share(on_progress: OnProgress, begin: int | float, end: int | float) -> OnProgress:
    """Progress from 0 to 1 as progress from ``begin`` to ``end``."""
    return lambda what, done: on_progress(what, begin + (end - begin) * done)
