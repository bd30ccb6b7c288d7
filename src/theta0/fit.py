"""The one inner loop: gradient steps on the observations of one signal.

Meta-training, test time and every baseline call :func:`adapt`; :func:`fit` drives it from the
host with snapshots, budgets and checks. The loss is the mean squared error over observations and
channels (paper, equation 2, divided by the number of values as in the authors' code).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from theta0.chunks import Chunks, cut, points_per_chunk, sum_over
from theta0.errors import DivergedError, InputError, require_positive
from theta0.fields import Field, Mirrored, MirroredConfig, Stepped, mirrored
from theta0.forward import ForwardMap
from theta0.regularizers import TotalVariation, proximal
from theta0.tasks import Observation

OptimizerName = Literal["sgd", "adam", "learned", "learned-adam"]


class InnerLoop(NamedTuple):
    """How a field is fitted to observations."""

    optimizer: optax.GradientTransformation
    steps: int
    batch: int | None = None
    """observations drawn at random (with replacement) for each step; None: all of them"""
    label: str = "the optimizer"
    """what an error calls it"""
    penalty: TotalVariation | None = None
    """added to the loss that is descended, not to the loss that is reported"""
    huber: float = 0.0
    """see `InnerConfig`"""
    mirrored: bool = False
    """see `InnerConfig`; of a :func:`fit`, not of :func:`adapt`"""


@dataclass(frozen=True)
class InnerConfig:
    """The plain settings of an inner loop, as saved and as given on the command line."""

    optimizer: OptimizerName = "sgd"
    """gradient descent, Adam, gradient descent by the step sizes learned with the start, or that
    for as many steps as were learned, and Adam from there"""
    lr: float = 1e-2
    """step size; a factor of the learned ones (1: as learned)"""
    steps: int = 2
    """gradient steps"""
    batch: int | None = None
    """observations drawn at random for each step; None: all of them"""
    tv: float = 0.0
    """weight of the field's total variation (mean slope, in values a side) beside the mean squared
    error; 0: none"""
    tv_side: int = 128
    """points a side of the grid on which total variation is taken"""
    proximal: float = 0.0
    """weight of half the squared distance of the weights from the start; 0: none"""
    huber: float = 0.0
    """error of a value beyond which it counts in proportion instead of squared, so that what does
    not belong to the signal (people before a building) pulls less; 0: all errors squared"""
    mirrored: bool = False
    """fit a signal on a plane twice, as it is and mirrored left to right, and show the mean: of a
    class whose mirror images belong to it too, as heads, their errors differ where little was
    measured (test-time augmentation)"""

    def build(self) -> InnerLoop:
        """The loop; the same optimizer object for the same settings, so nothing is retraced."""
        if self.steps <= 0:
            raise InputError(f"steps is {self.steps}; give a number of gradient steps above 0")
        if not (self.lr > 0 and np.isfinite(self.lr)):
            raise InputError(f"lr is {self.lr}; give a finite step size above 0")
        require_positive(self, "batch", "tv_side")
        if self.tv and self.tv_side < 2:
            raise InputError(f"tv_side is {self.tv_side}; give 2 points a side or more")
        for name in ("tv", "proximal", "huber"):
            if not (getattr(self, name) >= 0 and np.isfinite(getattr(self, name))):
                raise InputError(
                    f"{name} is {getattr(self, name)}; give a finite number, 0 or more"
                )
        optimizer = _optimizer(self.optimizer, self.lr, self.proximal)
        label = f"{self.optimizer} with step size {self.lr:g}"
        penalty = TotalVariation(np.asarray(self.tv, np.float32), self.tv_side) if self.tv else None
        return InnerLoop(
            optimizer, self.steps, self.batch, label, penalty, self.huber, self.mirrored
        )


@cache
def _optimizer(name: OptimizerName, lr: float, pull: float) -> optax.GradientTransformation:
    """Descent whose step size is an array argument, so that one compiled loop serves them all."""
    update = jax.tree_util.Partial(_DESCENTS[name], np.asarray(lr))
    descent = optax.GradientTransformation(_DIRECTIONS[name].init, update)
    return proximal(pull, descent) if pull else descent


def _learned(updates, state, params=None) -> Any:
    """The gradient times the step sizes that the field carries, which themselves stay."""
    if not isinstance(params, Stepped):
        raise InputError(f"optimizer learned: {type(params).__name__} carries no step sizes")
    field = jax.tree.map(jnp.multiply, params.at(state), updates.field)
    still = jax.tree.map(jnp.zeros_like, params.step_sizes)
    return Stepped(field, still, params.config), state + 1


# eps_root keeps the derivative of sqrt finite at a zero gradient when MAML looks through it.
_ADAM = optax.scale_by_adam(eps_root=1e-16)
_LEARNED = optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), _learned)
_DIRECTIONS: dict[OptimizerName, optax.GradientTransformation] = {
    "sgd": optax.identity(),
    "adam": _ADAM,
    "learned": _LEARNED,
    "learned-adam": optax.chain(_LEARNED, _ADAM),
}


def _descend(name: OptimizerName, lr, gradient, state, params=None):
    direction, state = _DIRECTIONS[name].update(gradient, state, params)
    return jax.tree.map(lambda d: jnp.asarray(-lr, d.dtype) * d, direction), state


def _learned_then_adam(lr, gradient, state, params=None):
    """The learned steps, whatever ``lr``; from then on Adam, whose means begin there."""
    step, means = state
    learned, following = _LEARNED.update(gradient, step, params)
    direction, new_means = _ADAM.update(gradient, means, params)
    first = step < params.config.steps  # pyright: ignore[reportOptionalMemberAccess]
    choose = partial(jax.tree.map, partial(jnp.where, first))
    adam = jax.tree.map(lambda d: jnp.asarray(-lr, d.dtype) * d, direction)
    updates = choose(jax.tree.map(jnp.negative, learned), adam)
    return updates, (following, choose(means, new_means))


# One function object an optimizer: compiled programs are found again by identity.
_DESCENTS: dict[OptimizerName, Callable[..., Any]] = {
    name: partial(_descend, name) for name in _DIRECTIONS
}
_DESCENTS["learned-adam"] = _learned_then_adam


def loss_and_gradient(
    forward: ForwardMap,
    field: Field,
    observation: Observation,
    key: Array | None = None,
    chunk: int | None = None,
    huber: float = 0.0,
) -> tuple[Float[Array, ""], Field]:
    """Mean squared error of the field's predictions, and its gradient.

    Costs 3 units (one unit: the products of one forward pass) and the activations of one chunk.
    Its own derivative, which MAML needs, is a Hessian-vector product computed from the same
    arguments, 8 units and again one chunk of memory; no activation outlives its chunk, so the
    memory of MAML does not depend on the number of inner steps. It is differentiable with
    respect to the field only.

    Args:
        forward: how the signal is measured.
        field: the network.
        observation: n pairs (p, y).
        key: randomness of the forward map; None makes it deterministic.
        chunk: field evaluations at once; default :func:`points_per_chunk`.
        huber: errors beyond it count in proportion, with the same slope there (twice Huber's loss,
            Huber 1964); 0: all errors squared.

    Returns:
        The loss, and its gradient as a pytree like ``field``.
    """
    params, static = eqx.partition(field, eqx.is_inexact_array)

    def chunk_loss(params, chunk: Chunks):
        prediction = forward(eqx.combine(params, static), chunk.observation.p, chunk.keys)
        errors = _penalized(prediction - chunk.observation.y, huber)
        return jnp.sum(chunk.weight * jnp.mean(errors, axis=1))

    @jax.custom_vjp
    def total(params, chunks):
        return sum_over(lambda chunk: jax.value_and_grad(chunk_loss)(params, chunk), chunks)

    def total_fwd(params, chunks):
        return total(params, chunks), (params, chunks)

    def total_bwd(residuals, cotangents):
        params, chunks = residuals
        loss_bar, direction = cotangents

        def slope(params, chunk):
            # d/d epsilon of L(theta + epsilon v): its gradient is the Hessian product H v.
            loss, along = jax.jvp(lambda q: chunk_loss(q, chunk), (params,), (direction,))
            return loss_bar * loss + along

        return sum_over(lambda chunk: jax.grad(slope)(params, chunk), chunks), None

    total.defvjp(total_fwd, total_bwd)
    limit = points_per_chunk(field) if chunk is None else chunk
    loss, gradient = total(params, cut(observation, key, forward.samples, limit))
    return loss, eqx.combine(gradient, static)


def _penalized(error: Float[Array, "n c"], huber: float) -> Float[Array, "n c"]:
    """Squared errors, beyond ``huber`` their tangents."""
    if not huber:
        return error**2
    # min(e^2, h^2) + 2 h max(|e| - h, 0): no branch whose gradient could be NaN.
    inner = jnp.clip(error, -huber, huber)
    return inner**2 + 2 * huber * jnp.abs(error - inner)


class State(NamedTuple):
    """Where an inner loop stands."""

    field: Field
    optimizer_state: optax.OptState
    step: Array | int


def start(field: Field, loop: InnerLoop) -> State:
    """The state before the first step."""
    state = loop.optimizer.init(eqx.filter(field, eqx.is_inexact_array))
    return State(field, state, jnp.zeros((), jnp.int32))


def step(
    forward: ForwardMap, state: State, observation: Observation, loop: InnerLoop, key: Array
) -> tuple[State, Float[Array, ""]]:
    """One gradient step; returns the new state and the loss before the step."""
    batch_key, forward_key = jax.random.split(jax.random.fold_in(key, state.step))
    if loop.batch is not None:
        n = observation.y.shape[0]
        chosen = jax.random.randint(batch_key, (loop.batch,), 0, n)
        observation = jax.tree.map(lambda leaf: jnp.asarray(leaf)[chosen], observation)
    loss, gradient = loss_and_gradient(
        forward, state.field, observation, forward_key, huber=loop.huber
    )
    if loop.penalty is not None:
        slope = loop.penalty.gradient(state.field, jax.random.fold_in(forward_key, 1))
        gradient = eqx.apply_updates(gradient, slope)
    params = eqx.filter(state.field, eqx.is_inexact_array)
    updates, optimizer_state = loop.optimizer.update(
        eqx.filter(gradient, eqx.is_inexact_array), state.optimizer_state, params
    )
    return State(eqx.apply_updates(state.field, updates), optimizer_state, state.step + 1), loss


UNROLLED_STEPS = 4
"""Inner loops up to this length are unrolled, longer ones become a scan (compile time)."""


def adapt(
    forward: ForwardMap, field: Field, observation: Observation, loop: InnerLoop, key: Array
) -> tuple[Field, Float[Array, " steps"]]:
    """Fit a field for ``loop.steps`` steps; traceable and differentiable in ``field``.

    Returns:
        The fitted field, and the loss before each step.

    Raises:
        InputError: the loop asks for a mirrored copy.
    """
    if loop.mirrored:
        raise InputError("a mirrored copy is of a fit, not of learning; leave mirrored out")
    state = start(field, loop)
    if loop.steps <= UNROLLED_STEPS:
        losses = []
        for _ in range(loop.steps):
            state, loss = step(forward, state, observation, loop, key)
            losses.append(loss)
        return state.field, jnp.stack(losses)
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(arrays, _):
        new, loss = step(forward, eqx.combine(arrays, static), observation, loop, key)
        return eqx.filter(new, eqx.is_array), loss

    arrays, losses = jax.lax.scan(body, arrays, None, length=loop.steps)
    return eqx.combine(arrays, static).field, losses


_BLOCK = 64


@eqx.filter_jit
def _advance(forward, state: State, observation, loop: InnerLoop, key, count):
    """At most ``_BLOCK`` steps of :func:`step`, their number known only at run time.

    Returns:
        The state, the losses, whether all weights are finite, and whether one of them moved.
    """
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(i, carry):
        arrays, losses = carry
        new, loss = step(forward, eqx.combine(arrays, static), observation, loop, key)
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


class Fit(eqx.Module):
    """A finished fit."""

    field: Field
    losses: Float[np.ndarray, " steps"]
    """loss before each step"""
    snapshots: dict[int, Field]
    """the field after the chosen numbers of steps (0: the start)"""
    seconds: float
    """wall time, compilation included"""


def fit(
    forward: ForwardMap,
    field: Field,
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
        field: where to start.
        observation: what was measured.
        loop: optimizer, number of steps, batch.
        key: randomness of batches and samples; the same key gives the same fit as
            :func:`adapt` inside a meta-gradient.
        snapshots: step counts whose field is kept; those beyond ``loop.steps`` are ignored.
        seconds: stop early after this much wall time.
        on_progress: called with (steps done, last loss) between blocks of steps.

    Returns:
        The fit; with ``loop.mirrored`` its fields are :class:`Mirrored`, and its losses means.

    Raises:
        DivergedError: the loss or a weight became non-finite, or no weight moves any more.
        InputError: a mirrored copy is asked for of a signal that is not on a plane, or in a given
            time.
    """
    if loop.mirrored:
        if seconds is not None:
            raise InputError("a mirrored copy is fitted after the first, not in a given time")
        return _fit_mirrored(forward, field, observation, loop, key, snapshots, on_progress)
    began = time.monotonic()
    stops = sorted({s for s in snapshots if 0 < s < loop.steps} | {loop.steps})
    kept = {0: field} if 0 in snapshots else {}
    state, losses, done, pace = start(field, loop), [], 0, None
    # The compiled loop does not know how many steps will be asked for, nor by what name.
    device_loop = loop._replace(steps=0, label="")
    while done < loop.steps and (seconds is None or time.monotonic() - began < seconds):
        count = min(_BLOCK, next(s for s in stops if s > done) - done)
        if seconds is not None:
            count = 1 if pace is None else min(count, max(1, int(0.2 / pace)))
        before = time.monotonic()
        # A NumPy number, because Equinox would compile anew for every Python one.
        state, block, finite, moved = _advance(
            forward, state, observation, device_loop, key, np.int32(count)
        )
        block = np.asarray(block)[:count]
        pace = (time.monotonic() - before) / count
        losses.append(block)
        if not (finite and np.isfinite(block).all()):
            bad = np.flatnonzero(~np.isfinite(block))
            at = done + (int(bad[0]) if bad.size else count)
            raise DivergedError(_diverged(at, loop.label), kept)
        if not moved:
            raise DivergedError(_DEAD.format(done + count), kept)
        done += count
        if done in snapshots:
            kept[done] = state.field
        if on_progress:
            on_progress(done, float(block[-1]))
    # The empty array: a budget may leave no time for a single step.
    every_loss = np.concatenate([np.empty(0, np.float32), *losses])
    return Fit(state.field, every_loss, kept, time.monotonic() - began)


def _fit_mirrored(
    forward: ForwardMap,
    field: Field,
    observation: Observation,
    loop: InnerLoop,
    key: Array,
    snapshots: Sequence[int],
    on_progress: Callable[[int, float], None] | None,
) -> Fit:
    """The same signal as it is, and mirrored, fitted one after the other.

    A start that is two such copies already goes on from them. If one diverges, the fields kept are
    those that both reached.
    """
    began = time.monotonic()
    if any(leaf.shape[-1] != 2 for leaf in jax.tree.leaves(observation.p)):
        raise InputError("a mirrored copy is of a signal on a plane; leave mirrored out")
    if not isinstance(field, Mirrored):
        config = MirroredConfig(field.config)  # pyright: ignore[reportAttributeAccessIssue]
        field = Mirrored(field, field, config)
    seen = observation.p, jax.tree.map(mirrored, observation.p)
    starts, fits, kept, failed = (field.upright, field.reversed), [], [], None
    for number, (begin, p) in enumerate(zip(starts, seen, strict=True)):
        tell = on_progress and (
            lambda done, loss, number=number: on_progress((number * loop.steps + done) // 2, loss)
        )
        try:
            done = fit(
                forward, begin, Observation(p, observation.y), loop._replace(mirrored=False),
                jax.random.fold_in(key, number), snapshots, on_progress=tell,
            )  # fmt: skip
        except DivergedError as error:
            failed = error
            kept.append(error.snapshots)
        else:
            fits.append(done)
            kept.append(done.snapshots)
    both: dict[int, Field] = {
        step: Mirrored(kept[0][step], kept[1][step], field.config)
        for step in sorted(set(kept[0]) & set(kept[1]))
    }
    if failed is not None:
        raise DivergedError(str(failed), both)
    losses = (fits[0].losses + fits[1].losses) / 2
    last = Mirrored(fits[0].field, fits[1].field, field.config)
    return Fit(last, losses, both, time.monotonic() - began)


_DEAD = (
    "the fit stands still at step {}: the loss does not depend on the weights, as when a density "
    "is 0 everywhere (a white void); take a start with another density activation"
)


def _diverged(step_number: int, optimizer: str) -> str:
    return (
        f"the fit became non-finite at step {step_number}: {optimizer} is too much for this "
        "start; try --lr ten times smaller, or --optimizer adam"
    )
