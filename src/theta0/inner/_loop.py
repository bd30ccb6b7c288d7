"""The one inner loop: steps of an update rule on the observations of one signal.

Meta-training, test-time fitting and every baseline call :func:`adapt` or :func:`fit`, which drives
the same :func:`step` from the host.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.errors import InputError, require_positive
from theta0.fields import Field, FlipAverageField
from theta0.forward import ForwardMap, Observation
from theta0.memory import MAX_BYTES, bytes_of, check_memory

from ._objective import BoundObjective, Objective
from ._rule import Rule, RuleConfig, UpdateRule, as_rule, settings_of
from ._sgd import SGD


class InnerLoop(NamedTuple):
    """What an inner loop does besides the rule that moves the weights."""

    steps: int
    batch: int | None = None
    """observations drawn at random (with replacement) for each step; None: all of them"""
    objective: Objective = Objective()
    flip: bool = False
    """see :class:`InnerConfig`; of a :func:`fit`, not of :func:`adapt`"""


@dataclass(frozen=True)
class InnerConfig:
    """The settings of an inner loop, as saved and as given on the command line."""

    rule: RuleConfig = SGD()
    """the update rule"""
    steps: int = 2
    """inner steps"""
    batch: int | None = None
    """observations drawn at random for each step; None: all of them"""
    objective: Objective = Objective()
    """what is descended besides the mean squared error"""
    flip: bool = False
    """flip test-time augmentation: fit a signal on a plane twice, as it is and mirrored left to
    right, and show the mean; of a class that is symmetric in this way, the errors of the two
    differ where little was measured"""

    def __post_init__(self):
        require_positive(self, "steps", "batch")
        object.__setattr__(self, "rule", settings_of(self.rule, "rule"))

    def build(self) -> InnerLoop:
        """The loop without its rule, which goes with the field."""
        return InnerLoop(self.steps, self.batch, self.objective, self.flip)

    def rule_of(self, field: Field) -> UpdateRule:
        """The rule for fits that begin at ``field``, its learned leaves at what they begin with."""
        return as_rule(self.rule, moved_by_rule(field, self.flip))


def moved_by_rule(field: Field, flip: bool) -> Field:
    """The field, or with flip test-time augmentation one of its two copies, which are alike."""
    return field.upright if flip and isinstance(field, FlipAverageField) else field


class State(NamedTuple):
    """Where an inner loop stands."""

    field: Field
    rule_state: Any
    step: Array | int


def begin(field: Field, rule: UpdateRule) -> State:
    """The state before the first step."""
    return State(field, rule.init(field), jnp.zeros((), jnp.int32))


def check_batch(batch: int, observation: Observation) -> None:
    """Refuse a batch that does not fit into memory.

    Raises:
        InputError: it does not.
    """
    # In its order, and cut into chunks; the numbers of what is drawn.
    needed = batch * (2 * -(-bytes_of(observation) // observation.y.shape[0]) + 16)
    check_memory(f"batch is {batch}", needed, MAX_BYTES, "draw fewer observations per step")


def step(
    forward: ForwardMap,
    rule: UpdateRule,
    state: State,
    observation: Observation,
    objective: BoundObjective,
    batch: int | None,
    key: Array,
) -> tuple[State, Float[Array, ""]]:
    """One inner step; returns the new state and the loss before the step."""
    batch_key, forward_key = jax.random.split(jax.random.fold_in(key, state.step))
    if batch is not None:
        n = observation.y.shape[0]
        check_batch(batch, observation)
        chosen = jax.random.randint(batch_key, (batch,), 0, n)
        observation = jax.tree.map(lambda leaf: jnp.asarray(leaf)[chosen], observation)
    field, rule_state, loss = rule.step(
        forward, state.field, observation, state.rule_state, forward_key, objective
    )
    return State(field, rule_state, state.step + 1), loss


UNROLLED_STEPS = 4
"""Inner loops up to this length are unrolled, longer ones become a scan (compile time)."""


def adapt(
    forward: ForwardMap,
    field: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    key: Array,
    first_order: bool = False,
) -> tuple[Field, Float[Array, " steps"]]:
    """Fit a field for ``loop.steps`` steps; traceable, differentiable in ``field`` and ``rule``.

    Args:
        forward: how the signal is measured.
        field: the initialization.
        rule: how its weights are moved.
        observation: what was measured.
        loop: number of steps, batch, objective.
        key: randomness of batches and samples.
        first_order: derivatives take the gradients of inner steps for constants (FOMAML).

    Returns:
        The fitted field, and the loss before each step.

    Raises:
        InputError: the loop asks for flip test-time augmentation.
    """
    (fitted,), losses = adapt_through(
        forward, field, rule, observation, loop, key, (loop.steps,), first_order
    )
    return fitted, losses


def adapt_through(
    forward: ForwardMap,
    field: Field,
    rule: Rule,
    observation: Observation,
    loop: InnerLoop,
    key: Array,
    stops: Sequence[int],
    first_order: bool = False,
) -> tuple[list[Field], Float[Array, " steps"]]:
    """As :func:`adapt`, but returns the field after each of ``stops``, rising numbers of steps."""
    if loop.flip:
        raise InputError("flip test-time augmentation is not for meta-training; leave flip out")
    rule = as_rule(rule, field)
    objective, state = loop.objective.bind(field, first_order), begin(field, rule)
    one = lambda state: step(forward, rule, state, observation, objective, loop.batch, key)
    fields, losses, done = [], [], 0
    for stop in stops:
        state, block = _several(one, state, stop - done)
        fields.append(state.field)
        losses.append(block)
        done = stop
    return fields, jnp.concatenate(losses)


def _several(
    one: Callable[[State], tuple[State, Array]], state: State, steps: int
) -> tuple[State, Float[Array, " steps"]]:
    """So many steps, and the loss before each."""
    if steps <= UNROLLED_STEPS:
        losses = []
        for _ in range(steps):
            state, loss = one(state)
            losses.append(loss)
        return state, jnp.stack(losses)
    arrays, static = eqx.partition(state, eqx.is_array)

    def body(arrays, _):
        new, loss = one(eqx.combine(arrays, static))
        return eqx.filter(new, eqx.is_array), loss

    arrays, losses = jax.lax.scan(body, arrays, None, length=steps)
    return eqx.combine(arrays, static), losses
