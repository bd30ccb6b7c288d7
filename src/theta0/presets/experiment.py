"""An experiment: everything that decides a training run and its evaluation, as plain values."""

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

import equinox as eqx
import jax
import numpy as np
import tyro

from theta0.errors import InputError, require_defined, require_seed
from theta0.evaluation import Init, Inits, Protocol, over_devices, quality_by_step
from theta0.fields import Field, NetworkConfig, on_device, weights
from theta0.forward import ForwardMap, Observation, check_shapes, predict
from theta0.inits import Description, UsualLosses, find, matched, mean, shuffled, standard
from theta0.inner import SGD, Adam, InnerConfig, RuleConfig, fit
from theta0.memory import MAX_BYTES, bytes_of, check_memory
from theta0.meta import Learned, MetaGradient, OuterConfig
from theta0.signals import SignalConfig, Task, TaskFamily, all_tasks
from theta0.store import MAX_BYTES as LARGEST_FILE

InitName = Literal["learned", "standard", "mean", "matched", "shuffled"]
INITS: tuple[InitName, ...] = get_args(InitName)

_USUAL_SIGNALS = 64
"""At most so many validation signals say how losses fall."""


def rules(sgd: tuple[float, ...] = (), adam: tuple[float, ...] = ()) -> tuple[RuleConfig, ...]:
    """Gradient descent and Adam with these step sizes."""
    return (*map(SGD, sgd), *map(Adam, adam))


@dataclass(frozen=True)
class Experiment:
    """A preset, or what the command line made of it; saved as ``config.json`` of a run."""

    preset: Annotated[str, tyro.conf.Suppress]
    """preset it comes from"""
    scale: str
    """scale of the preset: smoke (seconds), cpu (within an hour on two cores), paper; of pictures,
    grid (a feature grid, minutes on two cores)"""
    data: SignalConfig
    """signals, and how they are measured"""
    field: NetworkConfig
    """the network"""
    forward: ForwardMap
    """how the network is measured"""
    meta: MetaGradient
    """the meta-learner and its inner loop, which is also the default of a fit"""
    outer: OuterConfig
    """the outer loop"""
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    """the evaluation"""
    baseline: InnerConfig = dataclasses.field(default_factory=lambda: InnerConfig(Adam(1e-4), 500))
    """how Mean and Matched are fitted to what they show"""
    init_from: str | None = None
    """initialization to start from (run folder, file or shipped name); random weights when left
    out"""
    seed: int = 0
    """of weights, tasks and keys"""
    name: str | None = None
    """a name for the initialization; the preset's when left out"""
    credit: str | None = None
    """the data and its licence, recorded in the initialization"""

    def __post_init__(self):
        require_seed(self.seed)
        self.outer.optimizer()
        for part in (self.data, self.field, self.forward, self.meta, self.meta.rule):
            require_defined(part)

    def initial(self) -> Learned:
        """Field and rule before learning.

        Raises:
            InputError: the initialization to go on from has another network or rule.
        """
        self._check_memory()
        fresh = self._fresh(jax.random.PRNGKey(self.seed))
        if self.init_from is None:
            return fresh
        found = find(self.init_from)
        # What has learned no rule is given one, at its values before learning.
        learned = found.learned if weights(found.rule) else Learned(found.field, fresh.rule)
        same_rule = not weights(found.rule) or found.description.inner.rule == self.meta.inner.rule
        if found.description.field != self.field or not same_rule:
            raise InputError(self._differs(found.description))
        return learned

    def _fresh(self, key: jax.Array) -> Learned:
        field = self.field.build(key)
        return Learned(field, self.meta.inner.rule_of(field))

    def _check_memory(self) -> None:
        """Refuse a network or an inner loop that is too large, before any of it is made."""
        shapes = eqx.filter_eval_shape(self._fresh, jax.random.PRNGKey(0))
        # Those learned, the best and the two moments of Adam, as a checkpoint holds them.
        sizes = [f"field.{name}" for name in ("width", "layers") if hasattr(self.field, name)]
        remedy = f"choose a smaller network ({', '.join(sizes)})"
        check_memory("field and meta.rule", 4 * bytes_of(shapes), LARGEST_FILE, remedy)
        kept, steps = self.meta.kept_steps * bytes_of(shapes.field), self.meta.steps
        check_memory(f"meta.steps is {steps}", kept, MAX_BYTES, f"take fewer, or {remedy}")

    def _differs(self, found: Description) -> str:
        its = _settings(found.field, found.inner.rule)
        wanted = _settings(self.field, self.meta.inner.rule)
        others = ", ".join(
            f"{name} {its.get(name, 'none')} instead of {wanted.get(name, 'none')}"
            for name in its | wanted
            if its.get(name) != wanted.get(name)
        )
        return (
            f"--init-from {self.init_from}: it was learned with {others}; give the same settings "
            "of field and meta.rule"
        )

    def with_data(self, path: str | None) -> "Experiment":
        """The same on the user's data: pictures, or a file or folder of slices."""
        return self if path is None else replace(self, data=self.data.with_path(path))

    def on_data(self, path: str | None) -> "Experiment":
        """What has been learned, to be used on the user's data."""
        return self if path is None else replace(self, data=self.data.on_new(path))

    def require_fitting(self, family: TaskFamily) -> None:
        """Refuse signals that what was learned cannot show, before anything is fitted to them.

        Raises:
            InputError: they have other channels, or lie elsewhere than on its coordinates.
        """
        require_defined(family)
        support = family.held_out("validation", 0, self.protocol.views).support
        remedy = "give signals like those the initialization was learned from, or another one"
        check_shapes(self.forward, self.field, support.p, support.y, remedy)

    def validation_count(self, family: TaskFamily) -> int:
        """Number of signals that a validation fits: at most as many as there are."""
        return min(self.outer.validation_signals, family.size("validation"))

    def validator(self, family: TaskFamily) -> Callable[[Learned], float]:
        """The mean metric (PSNR in dB) on validation signals after the inner loop."""
        require_defined(family)
        count = self.validation_count(family)
        if count == 0:
            raise InputError(
                "no validation signals, which choose the best initialization; keep some: "
                "--data.source.validation"
            )
        views, loop = self.protocol.views, self.meta.loop
        take = lambda index: family.held_out("validation", index, views)
        tasks = all_tasks("outer.validation_signals", count, take)
        seen_by = family.query_forward or self.forward

        def one(device: Any, index: int, task: Task, learned: Learned) -> float:
            key = jax.random.fold_in(jax.random.PRNGKey(self.seed), index)
            # As test signals are judged: of CT in the disc alone.
            judge = lambda field: family.judge(predict(seen_by, field, task.query.p), task)
            field, rule = on_device(learned, device)
            values = quality_by_step(
                self.forward, field, rule, task.support, loop, (loop.steps,), key, judge
            )
            return float(values[0, 0])

        def validate(learned: Learned) -> float:
            return float(np.mean(over_devices(one, range(count), tasks, [learned] * count)))

        return validate

    def usual_losses(self, family: TaskFamily, learned: Learned) -> UsualLosses:
        """How the losses of validation signals fall over the inner steps learned for."""
        count = min(_USUAL_SIGNALS, family.size("validation"))
        # One step more, for the loss after the last.
        loop = self.meta.loop._replace(steps=self.meta.steps + 1)

        def one(device: Any, index: int) -> Any:
            task = family.held_out("validation", index, self.protocol.views)
            key = jax.random.fold_in(jax.random.PRNGKey(self.seed), index)
            field, rule = on_device(learned, device)
            return fit(self.forward, field, rule, task.support, loop, key).losses

        losses = np.array(over_devices(one, range(count)), float)
        median, largest = np.median(losses, axis=0), losses.max(axis=0)
        return UsualLosses(count, tuple(median.tolist()), tuple(largest.tolist()))

    def inits(
        self,
        learned: Learned,
        family: TaskFamily,
        names: Collection[InitName] = INITS,
        tell: Callable[[InitName], object] = lambda name: None,
    ) -> Inits:
        """The learned initialization and the paper's four baselines, or those that are named.

        Args:
            learned: field and rule.
            family: whose mean signal Mean shows; it is asked for nothing that no baseline needs.
            names: which.
            tell: called with the name of each before it is made, which takes minutes for two.
        """
        forward, made = family.query_forward or self.forward, {}
        for name in INITS:
            if name in names:
                tell(name)
                signal = family.mean_signal() if name == "mean" else None
                places = family.places() if name == "matched" else None
                made[name] = self.init(name, learned, forward, places, signal)
        return made

    def init(
        self,
        name: InitName,
        learned: Learned,
        forward: ForwardMap,
        places: Any = None,
        mean_signal: Observation | None = None,
    ) -> Callable[[int], Init]:
        """One of them: signal number -> where its fit begins.

        Args:
            name: which.
            learned: field and rule.
            forward: how a field is seen.
            places: where Matched shows what the learned initialization shows.
            mean_signal: what Mean shows; the others do without.
        """
        keys = jax.random.split(jax.random.PRNGKey(self.seed + 1), 4)
        if name == "learned":
            return lambda signal: Init.learned(learned, self.meta.inner)
        if name == "standard":
            return lambda signal: Init(standard(self.field, jax.random.fold_in(keys[3], signal)))
        field = self._baseline(name, learned.field, forward, places, mean_signal, keys)
        return lambda signal: Init(field)

    def _baseline(self, name, field: Field, forward, places, mean_signal, keys) -> Field:
        if name == "shuffled":
            return shuffled(field, keys[2])
        if name == "matched":
            return matched(field, self.field, places, self.baseline, keys[1], forward)
        if mean_signal is None:
            raise InputError("Mean needs the mean signal of its class; give its data")
        return mean(self.field, forward, mean_signal, self.baseline, keys[0])


def _settings(network: NetworkConfig, rule: RuleConfig) -> dict[str, Any]:
    """What was learned, under the names of the command line."""
    found = {"field": type(network).__name__}
    found |= {f"field.{name.replace('_', '-')}": value for name, value in vars(network).items()}
    return {**found, "meta.rule": rule.label, **{f"rule.{k}": v for k, v in vars(rule).items()}}
