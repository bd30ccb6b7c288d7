"""The outer loop: descend a meta-gradient, validate, keep the best, survive a kill at any moment.

Step k sees the tasks ``family.training_tasks(seed, k)`` and the key ``fold_in(seed, k)``, whatever
happened before; together with the checkpointed field and optimizer state this makes a resumed
run equal to an uninterrupted one, bit for bit.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from theta0.errors import DivergedError, InputError
from theta0.fields import Field, Stepped
from theta0.files import append_jsonl, read_jsonl, write_text
from theta0.forward import ForwardMap
from theta0.store import Stored, require_readable, write
from theta0.tasks import Task, TaskFamily

from ._base import MetaGradient
from ._prefetch import Prefetch


@dataclass(frozen=True)
class OuterConfig:
    """The plain settings of the outer loop."""

    lr: float = 5e-5
    """step size of Adam on the initialization"""
    schedule: Literal["constant", "cosine"] = "cosine"
    """constant, or decaying to zero over all steps"""
    steps: int = 1000
    """outer steps"""
    tasks: int = 1
    """signals a step: the meta-batch"""
    step_size_lr: float = 1e-4
    """step size of Adam on learned step sizes (meta-learner metasgd), in their own units"""
    clip: float | None = None
    """largest norm of a meta-gradient; longer ones are shortened to it"""
    validate_every: int = 100
    """outer steps between validations, each of which may become the best initialization"""
    validation_signals: int = 8
    """held-out signals a validation fits"""
    checkpoint_every: int = 100
    """outer steps between checkpoints"""

    def optimizer(self) -> optax.GradientTransformation:
        """Clipping, then Adam with the schedule; the same object for the same settings."""
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not value > 0:
                raise InputError(f"outer.{name} is {value}; give a number above 0")
        cosine = self.schedule == "cosine"
        decay = self.steps if cosine else None
        return _optimizer(self.lr, self.step_size_lr / self.lr, decay, self.clip)


@cache
def _optimizer(
    lr: float, ratio: float, decay: int | None, clip: float | None
) -> optax.GradientTransformation:
    adam = optax.adam(lr if decay is None else optax.cosine_decay_schedule(lr, decay))

    def pace(updates, params=None):
        # Adam's updates do not depend on the scale of gradients, so this is a step size of its own.
        if not isinstance(updates, Stepped):
            return updates
        scaled = jax.tree.map(lambda update: ratio * update, updates.step_sizes)
        return eqx.tree_at(lambda tree: tree.step_sizes, updates, scaled)

    parts = [] if clip is None else [optax.clip_by_global_norm(clip)]
    return optax.chain(*parts, adam, optax.stateless(pace))


class Progress(NamedTuple):
    """One outer step, as told to the caller and written to ``metrics.jsonl``."""

    step: int
    """steps done"""
    loss: float
    """mean meta-training loss of the step"""
    seconds: float
    """training time so far, validation included, pauses between runs not"""
    validation_psnr: float | None
    """dB on held-out signals, where validated"""
    best_psnr: float | None
    """best so far"""

    def record(self) -> dict[str, Any]:
        """The line for ``metrics.jsonl``."""
        return {key: value for key, value in self._asdict().items() if value is not None}


class Learned(NamedTuple):
    """What the outer loop found."""

    best: Field
    """best on validation signals"""
    last: Field
    progress: Progress


class _State(eqx.Module):
    """Everything a checkpoint holds besides its facts."""

    field: Field
    best: Field
    optimizer_state: optax.OptState


def meta_step(
    estimator: MetaGradient,
    forward: ForwardMap,
    optimizer: optax.GradientTransformation,
    field: Field,
    optimizer_state: optax.OptState,
    tasks: Task,
    key: jax.Array,
    devices: int = 1,
):
    """One outer step, the tasks of the meta-batch spread evenly over ``devices`` local devices.

    Returns:
        The new field, the new optimizer state, the loss, and whether the direction is other than 0.
    """
    params, static = eqx.partition(field, eqx.is_inexact_array)
    keys = jax.random.split(key, tasks.support.y.shape[0])

    settings, code = eqx.partition(estimator, eqx.is_array)

    def mean(settings, params, tasks, keys):
        run = eqx.combine(settings, code).mean
        loss, direction = run(forward, eqx.combine(params, static), tasks, keys)
        return loss, eqx.filter(direction, eqx.is_inexact_array)

    if devices == 1:
        loss, direction = mean(settings, params, tasks, keys)
    else:
        everywhere, shared = PartitionSpec(), PartitionSpec("tasks")
        spread = jax.shard_map(
            lambda *args: jax.lax.pmean(mean(*args), "tasks"),
            mesh=_mesh(devices),
            in_specs=(everywhere, everywhere, shared, shared),
            out_specs=everywhere,
            check_vma=False,
        )
        loss, direction = spread(settings, params, tasks, keys)
    updates, optimizer_state = optimizer.update(direction, optimizer_state, params)
    alive = jnp.any(jnp.stack([jnp.any(leaf != 0) for leaf in jax.tree.leaves(direction)]))
    return eqx.apply_updates(field, updates), optimizer_state, loss, alive


_compiled_step = eqx.filter_jit(meta_step)


def _mesh(devices: int) -> Mesh:
    return jax.make_mesh(
        (devices,), ("tasks",), (AxisType.Auto,), devices=jax.local_devices()[:devices]
    )


def devices_for(tasks: int) -> int:
    """The most local devices that share ``tasks`` evenly."""
    return max(n for n in range(1, jax.local_device_count() + 1) if tasks % n == 0)


class _Run:
    """The files of a run: checkpoint, metrics, and the record of the best validation."""

    def __init__(self, folder: Path | None):
        self.folder = folder

    @property
    def checkpoint(self) -> Path:
        assert self.folder is not None
        return self.folder / "checkpoints" / "last.safetensors"

    def save(self, state: _State, progress: Progress) -> None:
        if self.folder is not None:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            write(self.checkpoint, state, progress.record())

    def load(self, state: _State, progress: Progress) -> tuple[_State, Progress]:
        """The checkpoint, or what is given where there is none; the log ends where it does."""
        if self.folder is None:
            return state, progress
        require_readable(state)  # before hours of steps that no checkpoint could keep
        if self.checkpoint.exists():
            stored = Stored(self.checkpoint)
            state = stored.into(state)
            facts: dict[str, Any] = {name: stored.facts.get(name) for name in Progress._fields}
            progress = Progress(**facts)
        metrics = self.folder / "metrics.jsonl"
        if metrics.exists():
            # Steps after the checkpoint, or before a first one, are run, and written, again.
            lines = [line for line in read_jsonl(metrics) if line["step"] <= progress.step]
            write_text(metrics, "".join(f"{json.dumps(line)}\n" for line in lines))
        return state, progress

    def log(self, progress: Progress) -> None:
        if self.folder is not None:
            append_jsonl(self.folder / "metrics.jsonl", progress.record())


def learn(
    estimator: MetaGradient,
    forward: ForwardMap,
    field: Field,
    family: TaskFamily,
    outer: OuterConfig,
    seed: int = 0,
    folder: Path | None = None,
    validate: Callable[[Field], float] | None = None,
    on_best: Callable[[Field, Progress], None] | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Learned:
    """Learn an initialization.

    Args:
        estimator: the meta-gradient, with its inner loop.
        forward: how signals are measured in training.
        field: where the initialization itself starts.
        family: the tasks.
        outer: settings of this loop.
        seed: of tasks and keys.
        folder: where checkpoints and metrics go; a checkpoint found there is resumed.
        validate: PSNR in dB of an initialization on held-out signals; the best one is kept.
            Without it the last is the best.
        on_best: called with every new best initialization.
        on_step: called after every step.

    Raises:
        DivergedError: the outer loss became non-finite, or the network is dead; the last good
            checkpoint is kept.
    """
    optimizer = outer.optimizer()
    run, devices = _Run(folder), devices_for(outer.tasks)
    state = _State(field, field, optimizer.init(eqx.filter(field, eqx.is_inexact_array)))
    state, progress = run.load(state, Progress(0, float("nan"), 0.0, None, None))
    if devices > 1:  # where the steps leave it; otherwise the second one would compile anew
        state = eqx.filter_shard(state, NamedSharding(_mesh(devices), PartitionSpec()))
    began = time.monotonic() - progress.seconds
    load = lambda step: family.training_tasks(seed, step, outer.tasks)
    try:
        with Prefetch(load, start=progress.step) as batches:
            while progress.step < outer.steps:
                key = jax.random.fold_in(jax.random.PRNGKey(seed), progress.step)
                new, optimizer_state, loss, alive = _compiled_step(
                    estimator, forward, optimizer, state.field, state.optimizer_state,
                    jax.tree.map(jnp.asarray, next(batches)), key, devices,
                )  # fmt: skip
                _check(float(loss), bool(alive), new, progress.step, outer)
                done, validation, best = progress.step + 1, None, progress.best_psnr
                if validate and (done % outer.validate_every == 0 or done == outer.steps):
                    validation = validate(new)
                    # Not a number: not one held-out fit survived its first steps.
                    validation = validation if np.isfinite(validation) else None
                improved = validation is not None and (best is None or validation > best)
                if improved:
                    best = validation
                kept = new if improved or validate is None else state.best
                seconds = time.monotonic() - began
                following = Progress(done, float(loss), seconds, validation, best)
                run.log(following)
                if improved and on_best:
                    on_best(new, following)
                # Last and together: an interrupt anywhere above leaves the step before, whole.
                state, progress = _State(new, kept, optimizer_state), following
                if done % outer.checkpoint_every == 0 or done == outer.steps:
                    run.save(state, progress)
                if on_step:
                    on_step(progress)
    except KeyboardInterrupt:
        if progress.step > 0:
            run.save(state, progress)
        raise
    return Learned(state.best, state.field, progress)


def _check(loss: float, alive: bool, field: Field, step: int, outer: OuterConfig) -> None:
    """Refuse a step from which nothing can be learned: not finite, or without a direction."""
    if not alive:
        raise DivergedError(
            f"nothing to learn at outer step {step + 1}: the loss does not depend on the weights "
            "any more, as when a density is 0 everywhere (a white void); the last checkpoint is "
            "kept. Try --forward.density softplus, or another --seed"
        )
    leaves = jax.tree.leaves(eqx.filter(field, eqx.is_inexact_array))
    if not (np.isfinite(loss) and all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)):
        raise DivergedError(
            f"meta-training became non-finite at outer step {step + 1}; the last checkpoint is "
            f"kept. Try a smaller --outer.lr (now {outer.lr:g}), a smaller --inner.lr, or "
            "--outer.clip 1.0"
        )
