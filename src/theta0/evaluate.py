"""The protocol of every table: initializations x optimizers x signals x steps -> rows.

Each initialization is fitted by the same loop; one that carries learned step sizes also by them
(the optimizer ``learned``, whose ``lr`` is a factor of 1). For each optimizer and each number of
steps its step size is the one that was best *at that number of steps* on validation signals, so
that no baseline suffers from a step size meant for longer fits; test signals only ever see the
choice. A weight of total variation is chosen in the same way, for the optimizer and step size that
were best without it; a mirrored copy is added to what was best of both.
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from theta0.chunks import predict
from theta0.errors import InputError
from theta0.fields import Field, Siren, Stepped
from theta0.fit import InnerConfig, OptimizerName
from theta0.forward import ForwardMap, with_samples
from theta0.measure import (
    fields_by_step,
    over_devices,
    quality_of,
    step_to_stop,
)
from theta0.metrics import quality
from theta0.protocol import Protocol
from theta0.tasks import SplitName, Task, TaskFamily

Starts = Mapping[str, Callable[[int], Field]]
"""Initializations by name: signal number -> field (a fresh one each for Standard)."""

WORTH_FINER_SUMS = 0.05
"""dB on validation signals by which more samples a ray, which cost as much more, must be better."""

Rows = list[dict[str, Any]]

Pictures = Float[np.ndarray, "pictures height width channels"]

Keep = Callable[[str, str, Callable[[], Rows]], Rows]
"""(initialization, optimizer, what measures its rows) -> its rows: measured now, or kept before."""


class Setting(NamedTuple):
    """What is chosen on validation signals."""

    lr: float
    w0: float | None = None
    """of Standard; None: the network's own"""
    tv: float = 0.0
    samples: int | None = None
    """a ray; None: the forward map's own"""
    huber: float = 0.0
    """of the loss; 0: squared errors"""
    mirrored: bool = False
    """with a mirrored copy"""


def evaluate(
    forward: ForwardMap,
    starts: Starts,
    family: TaskFamily,
    protocol: Protocol,
    seed: int = 0,
    on_progress: Callable[[str, float], None] | None = None,
    keep: Keep = lambda init, optimizer, measure: measure(),
) -> Rows:
    """Fit every initialization to test signals.

    Args:
        forward: how the support is measured.
        starts: initializations by name.
        family: where validation and test signals come from.
        protocol: steps, step sizes, numbers of signals.
        seed: of the randomness of fits.
        on_progress: called with (what runs, fraction done).
        keep: asked for the rows of each initialization and optimizer, so that a caller can keep
            them as soon as they are measured, or leave some out; see `Keep`.

    Returns:
        One row per initialization, optimizer and number of steps (with ``protocol.hold_out`` one
        per initialization and optimizer, see :meth:`_Runner.stopped`): ``init``, ``optimizer``,
        ``lr``, ``steps``, ``psnr_mean``, ``psnr_std``, ``psnr`` (each signal), ``n``,
        ``ssim_mean``, ``validation_psnr`` (mean, of the step size on the signals that chose it),
        ``seconds`` (of one fit, up to that step), and ``w0``, ``tv``, ``mirrored``, ``samples`` and
        ``views`` if given.
    """
    kinds: list[tuple[str, OptimizerName, list[Setting]]] = [
        (name, optimizer, settings)
        for name, start in starts.items()
        for optimizer, settings in _settings(protocol, name, start(0))
    ]
    added = {
        "tv": protocol.tv,
        "huber": protocol.huber,
        "mirrored": (True,) if protocol.mirrored else (),
    }
    more = [
        (name, what, values)
        for name in starts
        if name in REGULARIZED
        for what, values in added.items()
        if values
    ]
    runner = _Runner(
        forward,
        starts,
        family,
        protocol,
        seed,
        tuning_tasks(family, protocol),
        judged_tasks(family, protocol),
    )
    rows: Rows = []
    measure = runner.rows if protocol.hold_out is None else runner.stopped

    def run(name: str, optimizer: OptimizerName, settings: list[Setting]) -> None:
        fraction = next(count) / (len(kinds) + len(more))

        def measured() -> Rows:
            # Not told of what is kept from before, or left out.
            if on_progress:
                on_progress(f"{name}, {optimizer}", fraction)
            return measure(name, optimizer, settings)

        rows.extend(keep(name, optimizer, measured))

    count = itertools.count()
    for kind in kinds:
        run(*kind)
    for name, what, values in more:
        bases = (name, f"{name}+tv") if what == "mirrored" else (name,)
        if plain := [row for row in rows if row["init"] in bases]:
            chosen = best(plain)
            without = _setting(chosen)
            run(
                f"{name}+{what}",
                chosen["optimizer"],
                [without._replace(**{what: value}) for value in values],
            )
    if on_progress:
        on_progress("done", 1.0)
    return rows


REGULARIZED = ("learned", "standard")
"""Starts that are also fitted with total variation, with a robust loss, or mirrored."""


def _settings(
    protocol: Protocol, name: str, start: Field
) -> list[tuple[OptimizerName, list[Setting]]]:
    """Optimizers for a start, which may carry step sizes, and what is tried with each."""
    w0s = protocol.w0 if name == "standard" and protocol.w0 else (None,)
    if w0s != (None,) and not isinstance(start, Siren):
        raise InputError(
            f"w0 is given as {protocol.w0}, but {type(start).__name__} has none; leave it out"
        )
    rates: list[tuple[OptimizerName, tuple[float, ...]]] = [
        ("learned", (1.0,) if isinstance(start, Stepped) else ()),
        ("learned-adam", protocol.learned_adam if isinstance(start, Stepped) else ()),
        ("sgd", protocol.sgd),
        ("adam", protocol.adam),
    ]
    return [
        (optimizer, [Setting(lr, w0) for w0 in w0s for lr in lrs])
        for optimizer, lrs in rates
        if lrs
    ]


@dataclass(frozen=True)
class _Runner:
    """What all fits of an evaluation share."""

    forward: ForwardMap
    starts: Starts
    family: TaskFamily
    protocol: Protocol
    seed: int
    tuning: list[Task]
    testing: list[Task]

    def fits(
        self,
        name: str,
        optimizer: OptimizerName,
        setting: Setting,
        tasks: list[Task],
        first: int,
        steps: tuple[int, ...],
        judged: Sequence[int] | None = None,
    ) -> tuple[Float[np.ndarray, "signals judged 2"], float]:
        """PSNR and SSIM of every task after every number of steps, and mean seconds of a step.

        ``first`` numbers the signals; ``judged`` are the numbers of steps wanted, if not all.
        """
        family, last = self.family, max(*steps, 1)
        forward = with_samples(self.forward, setting.samples)

        def one(device: Any, number: int, task: Task) -> tuple[Any, float]:
            targets = family.pictures(task.query.y)
            judge = lambda field: quality(shown(self.forward, family, field, task), targets)
            start, key = _begin(self.starts, name, setting, self.seed, number)
            start = jax.device_put(start, device)
            loop = _loop(self.protocol, optimizer, setting, last, targets)
            # Of this fit, not of the whole divided by all: several run at once.
            began = time.monotonic()
            fields = fields_by_step(forward, start, task.support, loop, steps, key)
            seconds = time.monotonic() - began
            return quality_of([start, *fields], steps, judge, judged), seconds

        found = over_devices(one, range(first, first + len(tasks)), tasks)
        values, seconds = zip(*found, strict=True)
        return np.stack(values), float(np.mean(seconds)) / last

    def _tried(
        self,
        name: str,
        optimizer: OptimizerName,
        settings: list[Setting],
        steps: tuple[int, ...],
    ) -> Float[np.ndarray, "settings steps"]:
        """Mean PSNR on validation signals."""
        run = lambda one: self.fits(name, optimizer, one, self.tuning, _VALIDATION, steps)
        return np.stack([run(one)[0][..., 0].mean(axis=0) for one in settings])

    def rows(self, name: str, optimizer: OptimizerName, settings: list[Setting]) -> Rows:
        """Choose a setting for each number of steps on validation, then run the test."""
        steps = self.protocol.steps
        means = self._tried(name, optimizer, settings, steps)
        chosen = [settings[int(i)] for i in np.argmax(means, axis=0)]
        # A fit does not depend on when it ends, so none goes beyond the last step it is chosen for.
        wanted = {
            one: [s for s, of in zip(steps, chosen, strict=True) if of == one] for one in chosen
        }
        fits = {
            setting: self.fits(
                name, optimizer, setting, self.testing, 0,
                tuple(s for s in steps if s <= judged[-1]), judged,
            )
            for setting, judged in wanted.items()
        }  # fmt: skip
        return [
            {
                **self._named(name, optimizer, setting, step, fits[setting][1]),
                **statistics(*fits[setting][0][:, wanted[setting].index(step)].T),
                "validation_psnr": round(float(means[:, column].max()), 4),
            }
            for column, (step, setting) in enumerate(zip(steps, chosen, strict=True))
        ]

    def stopped(self, name: str, optimizer: OptimizerName, settings: list[Setting]) -> Rows:
        """Choose a setting and a number of steps on validation, then run the test.

        Returns:
            One row, which also has ``psnr_best_step``, the mean PSNR if the truth stopped each
            fit, at most at twice the chosen number of steps; and of the first ``n_held_out``
            signals ``held_out_cost``, by how many dB stopping where a held-out share of the
            observations says is below that, and ``steps_held_out``, the median of those numbers
            of steps.
        """
        share = self.protocol.hold_out
        assert share is not None
        tried = self.protocol.steps
        means = self._tried(name, optimizer, settings, tried)
        row, column = np.unravel_index(np.argmax(means), means.shape)
        setting, means = settings[int(row)], means[row]
        if self.protocol.samples and setting.samples is None:
            finer = [setting._replace(samples=samples) for samples in self.protocol.samples]
            dearer = self._tried(name, optimizer, finer, tried)
            if dearer.max() >= means.max() + WORTH_FINER_SUMS:
                row, column = np.unravel_index(np.argmax(dearer), dearer.shape)
                setting, means = finer[int(row)], dearer[int(row)]
        if self.protocol.more_steps and column == len(tried) - 1:
            tried = (*tried, *self.protocol.more_steps)
            (means,) = self._tried(name, optimizer, [setting], tried)
            column = np.argmax(means)
        steps = tuple(step for step in tried if step <= 2 * max(tried[column], 1))
        found, pace = self.fits(name, optimizer, setting, self.testing, 0, steps)

        forward = with_samples(self.forward, setting.samples)

        def one(device: Any, number: int, task: Task) -> int:
            start, key = _begin(self.starts, name, setting, self.seed, number)
            targets = self.family.pictures(task.query.y)
            loop = _loop(self.protocol, optimizer, setting, steps[-1], targets)
            return step_to_stop(
                forward, jax.device_put(start, device), task.support, loop, steps, key, share,
                self.seed + number,
            )  # fmt: skip

        few = self.testing[: self.protocol.hold_out_signals]
        stops = over_devices(one, range(len(few)), few)
        psnrs = found[..., 0]
        missed = [psnrs[i].max() - psnrs[i, steps.index(stop)] for i, stop in enumerate(stops)]
        return [
            {
                **self._named(name, optimizer, setting, steps[column], pace),
                **statistics(*found[:, column].T),
                "validation_psnr": round(float(means.max()), 4),
                "psnr_best_step": float(psnrs.max(axis=1).mean()),
                "held_out_cost": float(np.mean(missed)),
                "steps_held_out": float(np.median(stops)),
                "n_held_out": len(few),
            }
        ]

    def _named(
        self, name: str, optimizer: OptimizerName, setting: Setting, step: int, pace: float
    ) -> dict[str, Any]:
        """What a row is about, and its time from the seconds of a step."""
        chosen = {name: value for name, value in setting._asdict().items() if value}
        views = {} if self.protocol.views is None else {"views": self.protocol.views}
        what = {"init": name, "optimizer": optimizer, **chosen, **views}
        return {**what, "steps": step, "seconds": round(pace * step, 4)}


def _setting(row: dict[str, Any]) -> Setting:
    """What was chosen for a row."""
    return Setting(**{name: row[name] for name in Setting._fields if name in row})


def _begin(
    starts: Starts, name: str, setting: Setting, seed: int, number: int
) -> tuple[Field, jax.Array]:
    """Where the fit of a signal starts, and its key."""
    start = starts[name.partition("+")[0]](number)
    if setting.w0 is not None:
        assert isinstance(start, Siren)
        start = start.with_w0(setting.w0)
    return start, jax.random.fold_in(jax.random.PRNGKey(seed), number)


def _loop(
    protocol: Protocol, optimizer: OptimizerName, setting: Setting, steps: int, targets: Pictures
) -> InnerConfig:
    """How a signal is fitted; total variation is taken at the pixels of ``targets``."""
    side = max(targets.shape[1:3])
    return InnerConfig(
        optimizer, setting.lr, steps, protocol.batch, setting.tv, side, huber=setting.huber,
        mirrored=setting.mirrored,
    )  # fmt: skip


def best(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row that did best on validation signals."""
    return max(rows, key=lambda row: row["validation_psnr"])


def best_rows(rows: Rows, by: Sequence[str]) -> Rows:
    """Of rows that are alike in every key of ``by`` the one that did best on validation signals."""
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in by), []).append(row)
    return [best(group) for group in groups.values()]


def pictures_of(
    forward: ForwardMap,
    starts: Starts,
    family: TaskFamily,
    protocol: Protocol,
    seed: int,
    row: dict[str, Any],
    steps: tuple[int, ...],
    signal: int = 0,
    task: Task | None = None,
) -> list[Pictures]:
    """A test signal after each number of steps, fitted once more as a row of :func:`evaluate` says.

    Args:
        forward: how the support is measured.
        starts: initializations by name.
        family: where the signal comes from.
        protocol: of the row.
        seed: of the row.
        row: names the start, the optimizer and what was chosen for it.
        steps: numbers of steps.
        signal: its number.
        task: another part of it to fit, and other places to show; as it is held out when left out.
    """
    task = task or judged_task(family, protocol, signal)
    setting = _setting(row)
    start, key = _begin(starts, row["init"], setting, seed, signal)
    loop = _loop(protocol, row["optimizer"], setting, steps[-1], family.pictures(task.query.y))
    seen_by = with_samples(forward, setting.samples)
    fields = fields_by_step(seen_by, start, task.support, loop, steps, key)
    return [shown(forward, family, field, task) for field in fields]


def shown(forward: ForwardMap, family: TaskFamily, field: Field, task: Task) -> Pictures:
    """The query of a held-out task as a field shows it."""
    seen_by = family.query_forward or forward
    return family.pictures(predict(seen_by, field, task.query.p))


def statistics(
    psnrs: Float[np.ndarray, " signals"], ssims: Float[np.ndarray, " signals"]
) -> dict[str, Any]:
    """Those of a row; SSIM is left out of pictures too small for it."""
    row = {
        "psnr_mean": float(psnrs.mean()),
        "psnr_std": float(psnrs.std(ddof=1)) if len(psnrs) > 1 else None,
        "psnr": [round(float(value), 3) for value in psnrs],
        "n": len(psnrs),
    }
    return row if np.isnan(ssims).any() else {**row, "ssim_mean": float(ssims.mean())}


_VALIDATION = 1_000_000
"""Number of the first validation signal, so that no test signal shares its randomness."""


def as_far_as_there_are(protocol: Protocol, family: TaskFamily) -> Protocol:
    """The protocol with no more signals than the family has, but at least one of each kind."""
    fewer = lambda wanted, split: max(1, min(wanted, family.size(split)))
    return replace(
        protocol,
        signals=fewer(protocol.signals, _judged_split(protocol)),
        tuning_signals=fewer(protocol.tuning_signals, "validation"),
    )


def require_signals(protocol: Protocol, family: TaskFamily) -> None:
    """Refuse a protocol that asks for more signals than there are, before hours of work.

    Raises:
        InputError: it does.
    """
    _enough(family, "validation", protocol.tuning_signals)
    _enough(family, _judged_split(protocol), protocol.signals)


def tuning_tasks(family: TaskFamily, protocol: Protocol) -> list[Task]:
    """The validation signals that choose settings.

    Raises:
        InputError: there are fewer than are asked for.
    """
    count = _enough(family, "validation", protocol.tuning_signals)
    return [family.held_out("validation", index, protocol.views) for index in range(count)]


def judged_tasks(family: TaskFamily, protocol: Protocol) -> list[Task]:
    """The signals that rows are about.

    Raises:
        InputError: there are fewer than are asked for.
    """
    count = _enough(family, _judged_split(protocol), protocol.signals)
    return [judged_task(family, protocol, index) for index in range(count)]


def judged_task(family: TaskFamily, protocol: Protocol, index: int) -> Task:
    """One of them; training signals, of which neighbours are often alike, are spread evenly."""
    if not protocol.training_signals:
        return family.held_out("test", index, protocol.views)
    spread = index * family.size("train") // protocol.signals
    return family.held_out("train", spread, protocol.views)


def _judged_split(protocol: Protocol) -> SplitName:
    return "train" if protocol.training_signals else "test"


def _enough(family: TaskFamily, split: SplitName, count: int) -> int:
    available = family.size(split)
    if count > available:
        raise InputError(
            f"{count} {split} signals asked for, but there are only {available}; give "
            f"--{'tuning-' if split == 'validation' else ''}signals {available}, "
            f"or keep more of the data for {split}"
        )
    return count
