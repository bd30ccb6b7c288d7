"""A feature grid against its floor: products at the machine's rate, and bytes that must move."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.fields import GridField
from theta0.forward import Points
from theta0.inner import StepSizes, loss_and_gradient
from theta0.meta import MAML, Learned
from theta0.signals import Task

from ._measure import Row, Sgemm, Sizes, interleaved
from .fitting import picture


def floor_parts(field: GridField, points: int) -> tuple[float, float]:
    """Operations and bytes of one forward pass.

    Operations are those of the matrix products. Of every level the features of the samples around
    each point are read, and what lies between them is written.
    """
    config = field.config
    dense = sum(layer.weight.size for layer in (*field.layers, field.skip) if layer is not None)
    corners = 2**config.in_size
    return 2.0 * dense * points, 4.0 * points * config.inputs * (corners + 1)


def rows(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    """One gradient, and a MAML step with a step size for each layer."""
    field = sizes.grid.build(jax.random.PRNGKey(0))
    observation = jax.tree.map(jnp.asarray, picture(sizes))
    gradient = partial(eqx.filter_jit(loss_and_gradient), Points(), field, observation)

    estimator = MAML(sizes.few_steps, StepSizes(0.3))
    learned = Learned(field, estimator.inner.rule_of(field))
    tasks = jax.tree.map(lambda leaf: leaf[None], Task(observation, observation))
    step = partial(eqx.filter_jit(estimator), Points(), learned, tasks, jax.random.PRNGKey(0))
    units = 9 * sizes.few_steps + 3
    return [
        _row("grid gradient: times its floor", gradient, field, 3, sizes, sgemm, repeats),
        _row(
            f"grid MAML step, K = {sizes.few_steps}: times its floor",
            step, field, units, sizes, sgemm, repeats,
        ),
    ]  # fmt: skip


def _row(
    name: str, call: Any, field: GridField, units: int, sizes: Sizes, sgemm: Sgemm, repeats: int
) -> Row:
    """``units`` forward passes, against what moves and what is multiplied in them."""
    operations, moved = floor_parts(field, sizes.side**2)
    product = sgemm.time(call, units * operations, repeats)
    numbers = jnp.ones(sizes.copied)
    copy = partial(jax.jit(lambda array: array + 1), numbers)
    # The copy reads and writes every number once.
    copying = interleaved(call, copy, repeats)
    seconds = (product.seconds + copying.seconds) / 2
    moving = copying.reference_seconds * units * moved / (8 * sizes.copied)
    floor = product.reference_seconds + moving
    note = (
        f"{units} units at the sgemm rate ({product.reference_seconds:.2g} s) and their features "
        f"at the bandwidth of a copy ({moving:.2g} s)"
    )
    return Row("grid", name, seconds / floor, 2.0, False, seconds, floor, note)
