"""The outer loop: descend a meta-gradient, validate, keep the best, survive a kill at any moment.

Step k sees the tasks ``family.training_tasks(seed, k)`` and the key ``fold_in(seed, k)``, whatever
happened before; together with the checkpointed state this makes a resumed run equal to an
uninterrupted one, bit for bit.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from theta0.errors import DivergedError
from theta0.fields import on_device, trained
from theta0.forward import ForwardMap
from theta0.inner import transformed
from theta0.signals import Task, TaskFamily

from ._base import Learned, MetaGradient
from ._outer import OuterConfig
from ._prefetch import Prefetch
from ._run_files import Progress, RunFiles, RunState


class MetaTrained(NamedTuple):
    """What the outer loop found."""

    best: Learned
    """best on validation signals"""
    last: Learned
    progress: Progress


def meta_step(
    meta: MetaGradient,
    forward: ForwardMap,
    query_forward: ForwardMap | None,
    optimizer: optax.GradientTransformation,
    learned: Learned,
    optimizer_state: optax.OptState,
    meta_state: Any,
    tasks: Task,
    key: jax.Array,
    devices: int = 1,
):
    """One outer step, the tasks of the meta-batch spread evenly over ``devices`` local devices.

    Returns:
        The new field and rule, the new states of the optimizer and the meta-learner, the loss, and
        whether the direction is other than 0.
    """
    params, static = eqx.partition(learned, eqx.is_inexact_array)
    keys = jax.random.split(key, tasks.support.y.shape[0])

    def mean(params, meta_state, tasks, keys):
        now = eqx.combine(params, static)
        loss, direction = meta.mean(forward, now, tasks, keys, meta_state, query_forward)
        return loss, eqx.filter(direction, eqx.is_inexact_array)

    if devices == 1:
        loss, direction = mean(params, meta_state, tasks, keys)
    else:
        everywhere, shared = PartitionSpec(), PartitionSpec("tasks")
        spread = jax.shard_map(
            lambda *args: jax.lax.pmean(mean(*args), "tasks"),
            mesh=_mesh(devices),
            in_specs=(everywhere, everywhere, shared, shared),
            out_specs=everywhere,
            check_vma=False,
        )
        loss, direction = spread(params, meta_state, tasks, keys)
    direction, meta_state = meta.conclude(learned, loss, direction, meta_state)
    direction = trained(direction)
    updates, optimizer_state = transformed(
        optimizer, direction, optimizer_state, trained(learned), loss
    )
    alive = jnp.any(jnp.stack([jnp.any(leaf != 0) for leaf in jax.tree.leaves(direction)]))
    new = eqx.apply_updates(learned, updates)
    return new, optimizer_state, meta_state, loss, alive


_compiled_step = eqx.filter_jit(meta_step)


def _mesh(devices: int) -> Mesh:
    return jax.make_mesh(
        (devices,), ("tasks",), (AxisType.Auto,), devices=jax.local_devices()[:devices]
    )


def devices_for(tasks: int) -> int:
    """The most local devices that share ``tasks`` evenly."""
    return max(n for n in range(1, jax.local_device_count() + 1) if tasks % n == 0)


def learn(
    meta: MetaGradient,
    forward: ForwardMap,
    learned: Learned,
    family: TaskFamily,
    outer: OuterConfig,
    seed: int = 0,
    folder: Path | None = None,
    validate: Callable[[Learned], float] | None = None,
    on_best: Callable[[Learned, Progress], None] | None = None,
    on_step: Callable[[Progress], None] | None = None,
    optimizer: optax.GradientTransformation | None = None,
) -> MetaTrained:
    """Learn an initialization: the weights of a field, and what its update rule has to learn.

    Args:
        meta: the meta-learner, with the settings of its inner loop.
        forward: how signals are measured in training.
        learned: field and rule before the first step.
        family: the tasks.
        outer: settings of this loop.
        seed: of tasks and keys.
        folder: where checkpoints and metrics go; a checkpoint found there is resumed.
        validate: PSNR in dB of what is learned on validation signals; the best is kept.
            Without it the last is the best.
        on_best: called with every new best initialization.
        on_step: called after every step.
        optimizer: of the outer loop, in place of ``outer``'s clipped Adam; it sees a
            :class:`Learned` of weights.

    Raises:
        DivergedError: the outer loss became non-finite, or the network is dead; the last good
            checkpoint is kept.
    """
    optimizer = outer.optimizer() if optimizer is None else optimizer
    run, devices = RunFiles(folder), devices_for(outer.tasks)
    state = RunState(learned, learned, optimizer.init(trained(learned)), meta.init(learned))
    state, progress = run.load(state, Progress(0, float("nan"), 0.0, None, None), outer.steps)
    if devices > 1:  # where the steps leave it; otherwise the second one would compile anew
        state = eqx.filter_shard(state, NamedSharding(_mesh(devices), PartitionSpec()))
    began = time.monotonic() - progress.seconds
    load = lambda step: family.training_tasks(seed, step, outer.tasks)
    try:
        with Prefetch(load, start=progress.step) as batches:
            while progress.step < outer.steps:
                key = jax.random.fold_in(jax.random.PRNGKey(seed), progress.step)
                tasks = jax.tree.map(jnp.asarray, next(batches))
                new, optimizer_state, meta_state, loss, alive = _compiled_step(
                    meta, forward, family.training_query_forward, optimizer, state.learned,
                    state.optimizer_state, state.meta_state, tasks, key, devices,
                )  # fmt: skip
                _check(float(loss), bool(alive), new, progress.step, outer)
                following, kept = _validated(
                    progress, state, new, float(loss), outer, validate and on_one(validate), began
                )
                run.log(following)
                if on_best and validate and kept is new:
                    on_one(on_best)(new, following)
                # Last and together: an interrupt anywhere above leaves the step before, whole.
                state, progress = RunState(new, kept, optimizer_state, meta_state), following
                if progress.step % outer.checkpoint_every == 0 or progress.step == outer.steps:
                    run.save(state, progress)
                if on_step:
                    on_step(progress)
    except KeyboardInterrupt:
        if progress.step > 0:
            run.save(state, progress)
        raise
    first = jax.local_devices()[0]
    best, last = on_device((state.best, state.learned), first)
    return MetaTrained(best, last, progress)


def on_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of what is learned, given on a single device.

    It may fit signals in threads, one on each device; taking apart an array that lies on all of
    them is not safe in several threads at once.
    """
    return lambda learned, *rest: function(on_device(learned, jax.local_devices()[0]), *rest)


def _validated(
    progress: Progress,
    state: RunState,
    new: Learned,
    loss: float,
    outer: OuterConfig,
    validate: Callable[[Learned], float] | None,
    began: float,
) -> tuple[Progress, Learned]:
    """The progress that ``new`` makes, validated where it is time for that, and the best so far."""
    done, validation, best = progress.step + 1, None, progress.best_psnr
    if validate and (done % outer.validate_every == 0 or done == outer.steps):
        validation = validate(new)
        # Not a number: not one validation fit survived its first steps.
        validation = validation if np.isfinite(validation) else None
    improved = validation is not None and (best is None or validation > best)
    kept = new if improved or validate is None else state.best
    seconds = time.monotonic() - began
    return Progress(done, loss, seconds, validation, validation if improved else best), kept


def _check(loss: float, alive: bool, learned: Learned, step: int, outer: OuterConfig) -> None:
    """Refuse a step from which nothing can be learned: not finite, or without a direction."""
    if not alive:
        raise DivergedError(
            f"nothing to learn at outer step {step + 1}: the loss does not depend on the weights "
            "any more, as when a density is 0 everywhere (a white void); the last checkpoint is "
            "kept. Try --forward.density softplus, or another --seed"
        )
    leaves = jax.tree.leaves(eqx.filter(learned, eqx.is_inexact_array))
    if not (np.isfinite(loss) and all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)):
        raise DivergedError(
            f"meta-training became non-finite at outer step {step + 1}; the last checkpoint is "
            f"kept. Try a smaller --outer.lr (now {outer.lr:g}), a smaller step size in "
            "--meta.rule, or --outer.clip 1.0"
        )
