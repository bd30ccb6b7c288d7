"""A rule that never lets the loss rise: what another rule proposes, shortened until it helps."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.fields import Field, trained
from theta0.registry import RULES

from ._rule import RuleConfig, UpdateRule, as_rule, settings_of


@RULES.register("guarded")
@dataclass(frozen=True)
class Guarded(RuleConfig):
    """The steps of another rule, none of which raises the objective on what it sees.

    A step that would is not taken; the next is a quarter as long, and steps double again while
    they help. One forward pass more a step. Of a loop that draws batches or samples at random, a
    step is compared on those that it saw itself.
    """

    rule: RuleConfig
    """the rule whose steps are taken"""

    def __post_init__(self):
        object.__setattr__(self, "rule", settings_of(self.rule, "rule"))

    def for_steps(self, steps: int) -> "Guarded":
        """The same with the guarded rule as it is where it takes so many steps."""
        return Guarded(self.rule.for_steps(steps))

    @property
    def label(self) -> str:
        """What tables and messages call it."""
        return f"{self.rule.label}, guarded"

    def build(self, field) -> "GuardedRule":
        """The rule, guarded."""
        return GuardedRule(as_rule(self.rule, field))


class _State(NamedTuple):
    rule: Any
    length: Float[Array, ""]
    """of the next step over that of the step which is proposed"""


class GuardedRule(UpdateRule):
    """A rule whose steps are taken where they help; see :class:`Guarded`."""

    rule: UpdateRule

    def init(self, field: Field) -> _State:
        return _State(self.rule.init(field), jnp.ones(()))

    def step(self, forward, field, observation, state, key, objective):
        proposed, rule_state, loss = self.rule.step(
            forward, field, observation, state.rule, key, objective
        )
        shorter = lambda old, new: old + state.length.astype(old.dtype) * (new - old)
        part = jax.tree.map(shorter, trained(field), trained(proposed))
        moved = eqx.combine(part, proposed)
        before = objective.value(forward, field, observation, key, loss)
        after = objective.value(forward, moved, observation, key)
        helps = after <= before  # not where either is NaN
        choose = lambda new, old: jnp.where(helps, new, old) if eqx.is_array(new) else new
        length = jnp.where(helps, jnp.minimum(1, 2 * state.length), state.length / 4)
        return jax.tree.map(choose, moved, field), _State(rule_state, length), loss
