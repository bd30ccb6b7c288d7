"""An experiment: everything that decides a training run and its evaluation, as plain values."""

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

import jax
import numpy as np
import tyro

from theta0.errors import InputError
from theta0.evaluate import Starts, shown
from theta0.fields import (
    Field,
    FieldConfig,
    Granularity,
    MirroredConfig,
    NetworkConfig,
    Stepped,
    SteppedConfig,
)
from theta0.fit import InnerConfig
from theta0.forward import ForwardConfig, ForwardMap
from theta0.inits import find, matched, mean, shuffled, standard
from theta0.measure import over_devices, quality_by_step
from theta0.meta import FOMAML, MAML, MetaGradient, MetaSGD, OuterConfig, Reptile
from theta0.metrics import psnr
from theta0.protocol import Protocol
from theta0.tasks import DataConfig, ImageConfig, Observation, Task, TaskFamily

StartName = Literal["learned", "standard", "mean", "matched", "shuffled"]
STARTS: tuple[StartName, ...] = get_args(StartName)


@dataclass(frozen=True)
class StepSizes:
    """How finely step sizes are learned (meta-learner metasgd)."""

    per: Granularity = "layer"
    """one step size for each layer's matrix and each layer's biases, or for each weight"""
    per_step: bool = True
    """others for each inner step"""


@dataclass(frozen=True)
class Experiment:
    """A preset, or what the command line made of it; saved as ``config.json`` of a run."""

    preset: Annotated[str, tyro.conf.Suppress]
    """preset it comes from"""
    scale: str
    """scale of the preset: smoke (seconds), cpu (within an hour on two cores), paper"""
    data: DataConfig
    """signals, and how they are measured"""
    field: NetworkConfig
    """the network"""
    forward: ForwardConfig
    """how the network is measured"""
    meta: Literal["maml", "fomaml", "reptile", "metasgd"]
    """the meta-learner; metasgd: MAML that learns the inner step sizes too"""
    inner: InnerConfig
    """the inner loop, in training and as the default of a fit"""
    outer: OuterConfig
    """the outer loop"""
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    """the evaluation"""
    baseline: InnerConfig = dataclasses.field(
        default_factory=lambda: InnerConfig("adam", 1e-4, 500)
    )
    """how Mean and Matched are fitted to what they show"""
    begin: str | None = None
    """initialization to go on learning from (run folder, file or shipped name); random weights when
    left out"""
    step_sizes: StepSizes = StepSizes()
    """what metasgd learns besides the start"""
    seed: int = 0
    """of weights, tasks and keys"""
    name: str | None = None
    """a name for the initialization; the preset's when left out"""
    credit: str | None = None
    """the data and its licence, recorded in the initialization"""

    def __post_init__(self):
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; give 0 or more")
        for name, loop in (("inner", self.inner), ("baseline", self.baseline)):
            try:
                loop.build()
            except InputError as error:
                raise InputError(f"{name}.{error}") from error
        self.outer.optimizer()
        if self.meta == "metasgd" and self.inner.optimizer != "sgd":
            raise InputError(
                f"metasgd learns the step sizes of gradient descent, but inner.optimizer is "
                f"{self.inner.optimizer}; give --inner.optimizer sgd"
            )

    @property
    def learned_field(self) -> FieldConfig:
        """What is learned: the network, and with metasgd its step sizes."""
        if self.meta != "metasgd":
            return self.field
        steps = self.inner.steps if self.step_sizes.per_step else 1
        return SteppedConfig(self.field, self.inner.lr, steps, self.step_sizes.per)

    @property
    def learned_inner(self) -> InnerConfig:
        """The inner loop of what is learned."""
        if self.meta != "metasgd":
            return self.inner
        return replace(self.inner, optimizer="learned", lr=1.0)

    def with_learned(self, field: FieldConfig, inner: InnerConfig) -> "Experiment":
        """The same with another ``learned_field`` and ``learned_inner``."""
        if isinstance(field, MirroredConfig):
            field, inner = field.field, replace(inner, mirrored=False)
        if not isinstance(field, SteppedConfig):
            meta = "maml" if self.meta == "metasgd" else self.meta
            return replace(self, field=field, inner=inner, meta=meta)
        return replace(
            self,
            field=field.field,
            inner=replace(inner, optimizer="sgd", lr=field.lr),
            meta="metasgd",
            step_sizes=StepSizes(field.per, field.steps > 1),
        )

    def beginning(self) -> Field:
        """Where learning begins."""
        fresh = self.learned_field.build(jax.random.PRNGKey(self.seed))
        if self.begin is None:
            return fresh
        found = find(self.begin).field
        if isinstance(fresh, Stepped) and not isinstance(found, Stepped):
            found = Stepped(found, fresh.step_sizes, fresh.config)
        if (kept := getattr(found, "config", None)) != self.learned_field:
            its = {"field": type(found).__name__} if kept is None else _settings(kept)
            wanted = _settings(self.learned_field)
            others = ", ".join(
                f"{name} {its.get(name, 'none')} instead of {wanted.get(name, 'none')}"
                for name in its | wanted
                if its.get(name) != wanted.get(name)
            )
            raise InputError(
                f"begin: {self.begin} was learned with {others}; give the same settings of field, "
                "inner and step-sizes"
            )
        return found

    def estimator(self, family: TaskFamily) -> MetaGradient:
        """The meta-gradient."""
        inner = self.learned_inner.build()
        if self.meta == "reptile":
            return Reptile(inner)
        kinds = {"maml": MAML, "fomaml": FOMAML, "metasgd": MetaSGD}
        return kinds[self.meta](inner, family.training_query_forward)

    def with_data(self, path: str | None) -> "Experiment":
        """The same on the user's data: pictures, or a file or folder of slices."""
        return self if path is None else replace(self, data=self.data.with_path(path))

    def on_data(self, path: str | None) -> "Experiment":
        """What has been learned, to be used on the user's data."""
        if path is None or not isinstance(self.data, ImageConfig):
            return self.with_data(path)
        return replace(self, data=self.data.on_new(path))

    def validation_count(self, family: TaskFamily) -> int:
        """Signals of a validation: those asked for, as far as there are such."""
        return min(self.outer.validation_signals, family.size("validation"))

    def validator(self, family: TaskFamily) -> Callable[[Field], float]:
        """Mean PSNR in dB on validation signals after the inner loop."""
        count = self.validation_count(family)
        if count == 0:
            raise InputError(
                "no validation signals, which choose the best start; keep some: "
                "--data.source.validation, of CT --data.validation"
            )
        views = self.protocol.views
        tasks = [family.held_out("validation", index, views) for index in range(count)]

        def one(device: Any, index: int, task: Task, start: Field) -> float:
            key = jax.random.fold_in(jax.random.PRNGKey(self.seed), index)
            # As test signals are judged: of CT in the disc alone.
            targets = family.pictures(task.query.y)
            judge = lambda field: (psnr(shown(self.forward, family, field, task), targets),)
            ((value,),) = quality_by_step(
                self.forward, jax.device_put(start, device), task.support, self.learned_inner,
                (self.inner.steps,), key, judge,
            )  # fmt: skip
            return float(value)

        def validate(start: Field) -> float:
            return float(np.mean(over_devices(one, range(count), tasks, [start] * count)))

        return validate

    def starts(
        self,
        learned: Field,
        family: TaskFamily,
        names: Collection[StartName] = STARTS,
        tell: Callable[[StartName], object] = lambda name: None,
    ) -> Starts:
        """The learned start and the paper's four baselines, or those of them that are named.

        Args:
            learned: the learned start.
            family: whose mean signal Mean shows.
            names: which.
            tell: called with the name of each before it is made, which takes minutes for two.
        """
        signal, forward = family.mean_signal(), family.query_forward or self.forward
        made: Starts = {}
        for name in STARTS:
            if name in names:
                tell(name)
                made[name] = self.start(name, learned, forward, signal.p, signal)
        return made

    def start(
        self,
        name: StartName,
        learned: Field,
        forward: ForwardMap,
        places: Any,
        mean_signal: Observation | None = None,
    ) -> Callable[[int], Field]:
        """One of them: signal number -> field.

        Args:
            name: which.
            learned: the learned start.
            forward: how a field is seen.
            places: where Matched shows what the learned start shows.
            mean_signal: what Mean shows; the others do without.
        """
        keys = jax.random.split(jax.random.PRNGKey(self.seed + 1), 4)
        field = learned
        if name == "standard":
            return lambda signal: standard(self.field, jax.random.fold_in(keys[3], signal))
        if name == "mean":
            if mean_signal is None:
                raise InputError("the start mean needs the mean signal of its class; give its data")
            field = mean(self.field, forward, mean_signal, self.baseline, keys[0])
        if name == "matched":
            field = matched(learned, self.field, places, self.baseline, keys[1], forward)
        if name == "shuffled":
            field = shuffled(learned.field if isinstance(learned, Stepped) else learned, keys[2])
        return lambda signal: field


def _settings(field: Any) -> dict[str, Any]:
    """What a field was made by, under the names of the command line."""
    stepped = isinstance(field, SteppedConfig)
    network = field.field if stepped else field
    found = {f"field.{name.replace('_', '-')}": value for name, value in vars(network).items()}
    found = {"field": type(network).__name__.removesuffix("Config"), **found}
    if stepped:
        steps = {"inner.lr": field.lr, "inner.steps": field.steps, "step-sizes.per": field.per}
        found = {**found, **steps}
    return found
