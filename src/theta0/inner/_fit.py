"""Test-time fitting: the inner loop driven from the host, with snapshots, budgets and checks."""

import time
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import DivergedError, InputError, require_count
from theta0.fields import Field, FlipAverage, FlipAverageField, config_of, flip, weights
from theta0.forward import ForwardMap, Observation

from ._loop import InnerLoop, State, begin, step
from ._objective import BoundObjective
from ._rule import Rule, RuleConfig, UpdateRule, as_rule

_BLOCK = 64


@eqx.filter_jit
def _advance(
    forward,
    rule: UpdateRule,
    state: State,
    observation,
    objective: BoundObjective,
    batch: int | None,
    key,
    count,
):
    """At most ``_BLOCK`` steps of :func:`step`, their number known only at run time.

    Returns:
        The state, the losses, whether all weights are finite, and whether one of them moved.
    """
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(i, carry):
        arrays, losses = carry
        now = eqx.combine(arrays, static)
        new, loss = step(forward, rule, now, observation, objective, batch, key)
        return eqx.filter(new, eqx.is_array), losses.at[i].set(loss)

    losses = jnp.full(_BLOCK, jnp.nan, observation.y.dtype)
    arrays, losses = jax.lax.fori_loop(0, count, body, (arrays, losses))
    before, state = state, eqx.combine(arrays, static)
    were, are = (
        jax.tree.leaves(eqx.filter(at.field, eqx.is_inexact_array)) for at in (before, state)
    )
    finite = jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in are]))
    moved = jnp.any(jnp.stack([jnp.any(a != b) for a, b in zip(were, are, strict=True)]))
    return state, losses, finite, moved


@eqx.filter_jit
def _flat(forward, field, observation, objective: BoundObjective, key):
    """Whether the loss has no slope; a rule may also stand still by itself, as in a warm-up."""
    _, gradient = objective.loss_and_gradient(forward, field, observation, key)
    return ~jnp.any(jnp.stack([jnp.any(leaf != 0) for leaf in weights(gradient)]))


class Fit(eqx.Module):
    """A finished fit."""

    field: Field
    losses: Float[np.ndarray, " steps"]
    """loss before each step"""
    snapshots: dict[int, Field]
    """the field after the chosen numbers of steps (0: the initialization)"""
    seconds: float
    """wall time, compilation included"""


def fit(
    forward: ForwardMap,
    field: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    key: Array,
    snapshots: Sequence[int] = (),
    seconds: float | None = None,
    on_progress: Callable[[int, float], None] | None = None,
) -> Fit:
    """Fit a field to the observations of one signal, from the host.

    Args:
        forward: how the signal is measured.
        field: the initialization.
        rule: how its weights are moved: a rule, its settings, or an optax transformation.
        observation: what was measured.
        loop: number of steps, batch, objective, flip test-time augmentation.
        key: randomness of batches and samples; the same key gives the same fit as
            :func:`adapt` inside a meta-gradient.
        snapshots: step counts whose field is kept; those beyond ``loop.steps`` are ignored.
        seconds: stop early after this much wall time.
        on_progress: called with (steps done, last loss) between blocks of steps.

    Returns:
        The fit; with ``loop.flip`` its fields are :class:`theta0.fields.FlipAverageField`, and its
        losses means.

    Raises:
        DivergedError: the loss or a weight became non-finite, or no weight moves any more.
        InputError: flip test-time augmentation is asked for of a signal that is not on a plane, or
            in a given time; or the number of steps is negative, or does not fit into 32 bits.
    """
    require_count(loop, "steps")
    if loop.flip:
        if seconds is not None:
            raise InputError(
                "flip test-time augmentation fits a signal twice, one after the other; give a "
                "number of steps instead of seconds"
            )
        return _fit_flipped(forward, field, rule, observation, loop, key, snapshots, on_progress)
    label = rule.label if isinstance(rule, RuleConfig) else "its update rule"
    rule, objective = as_rule(rule, field), loop.objective.bind(field)
    began = time.monotonic()
    stops = sorted({s for s in snapshots if 0 < s < loop.steps} | {loop.steps})
    kept = {0: field} if 0 in snapshots else {}
    state, losses, done, pace = begin(field, rule), [], 0, None
    while done < loop.steps and (seconds is None or time.monotonic() - began < seconds):
        count = min(_BLOCK, next(s for s in stops if s > done) - done)
        if seconds is not None:
            count = 1 if pace is None else min(count, max(1, int(0.2 / pace)))
        before = time.monotonic()
        # A NumPy number, because Equinox would compile anew for every Python one.
        state, block, finite, moved = _advance(
            forward, rule, state, observation, objective, loop.batch, key, np.int32(count)
        )
        block = np.asarray(block)[:count]
        pace = (time.monotonic() - before) / count
        losses.append(block)
        if not (finite and np.isfinite(block).all()):
            bad = np.flatnonzero(~np.isfinite(block))
            at = done + (int(bad[0]) if bad.size else count)
            raise DivergedError(_diverged(at, label, loop.objective.added), kept)
        if not moved and _flat(forward, state.field, observation, objective, key):
            raise DivergedError(_DEAD.format(done + count), kept)
        done += count
        if done in snapshots:
            kept[done] = state.field
        if on_progress:
            on_progress(done, float(block[-1]))
    # The empty array: a budget may leave no time for a single step.
    every_loss = np.concatenate([np.empty(0, np.float32), *losses])
    return Fit(state.field, every_loss, kept, time.monotonic() - began)


def _fit_flipped(
    forward: ForwardMap,
    field: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    key: Array,
    snapshots: Sequence[int],
    on_progress: Callable[[int, float], None] | None,
) -> Fit:
    """The same signal as it is, and mirrored, fitted one after the other.

    An initialization that is two such copies already goes on from them. If one diverges, the fields
    kept are those that both reached.
    """
    began = time.monotonic()
    if any(leaf.shape[-1] != 2 for leaf in jax.tree.leaves(observation.p)):
        raise InputError("flip test-time augmentation needs a signal on a plane; leave flip out")
    if not isinstance(field, FlipAverageField):
        field = FlipAverageField(field, field, FlipAverage(config_of(field)))
    seen = observation.p, jax.tree.map(flip, observation.p)
    both, fits, kept, failed = (field.upright, field.flipped), [], [], None
    for number, (single, p) in enumerate(zip(both, seen, strict=True)):
        tell = on_progress and (
            lambda done, loss, number=number: on_progress((number * loop.steps + done) // 2, loss)
        )
        try:
            done = fit(
                forward, single, rule, Observation(p, observation.y), loop._replace(flip=False),
                jax.random.fold_in(key, number), snapshots, on_progress=tell,
            )  # fmt: skip
        except DivergedError as error:
            failed = error
            kept.append(error.snapshots)
        else:
            fits.append(done)
            kept.append(done.snapshots)
    reached: dict[int, Field] = {
        step: FlipAverageField(kept[0][step], kept[1][step], field.config)
        for step in sorted(set(kept[0]) & set(kept[1]))
    }
    if failed is not None:
        raise DivergedError(str(failed), reached)
    losses = (fits[0].losses + fits[1].losses) / 2
    last = FlipAverageField(fits[0].field, fits[1].field, field.config)
    return Fit(last, losses, reached, time.monotonic() - began)


_DEAD = (
    "the fit stands still at step {}: the loss does not depend on the weights, as when a density "
    "is 0 everywhere (a white void); take an initialization with another density activation"
)


def _diverged(step_number: int, rule: str, added: dict[str, float]) -> str:
    terms = "".join(f", with {name} {value:g}," for name, value in added.items())
    return (
        f"the fit became non-finite at step {step_number}: {rule}{terms} is too much for this "
        "initialization; try a step size (--lr) ten times smaller, or --rule adam"
        + "".join(f", or a smaller --{name}" for name in added)
    )
