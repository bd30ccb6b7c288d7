"""One rule for some steps, another from there on."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from theta0.errors import require_positive
from theta0.fields import Field
from theta0.registry import RULES

from ._rule import RuleConfig, UpdateRule, as_rule, settings_of


@RULES.register("then")
@dataclass(frozen=True)
class Then(RuleConfig):
    """One rule for some steps, another from there on.

    ``first`` takes ``steps`` steps, ``second`` all later ones; its state begins there.

    As :class:`RuleConfig` where both are settings; :func:`then` joins rules of any kind, such as
    an initialization's own.
    """

    first: RuleConfig
    """the rule of the first steps"""
    steps: int
    """how many they are"""
    second: RuleConfig
    """the rule of all later ones"""

    def __post_init__(self):
        require_positive(self, "steps")
        for name in ("first", "second"):
            object.__setattr__(self, name, settings_of(getattr(self, name), name))

    def for_steps(self, steps: int) -> "Then":
        """The same with each rule as it is where it takes its part of so many steps."""
        return replace(
            self,
            first=self.first.for_steps(min(steps, self.steps)),
            second=self.second.for_steps(max(1, steps - self.steps)),
        )

    @property
    def label(self) -> str:
        """What tables and messages call it."""
        return f"{self.first.label}, then {self.second.label}"

    def build(self, field) -> "Sequence":
        """Both rules, one after the other."""
        return then(as_rule(self.first, field), self.steps, as_rule(self.second, field))


class _State(NamedTuple):
    done: Array
    first: Any
    second: Any


class Sequence(UpdateRule):
    """One rule after another; see :class:`Then`."""

    first: UpdateRule
    second: UpdateRule
    steps: int = eqx.field(static=True)

    def init(self, field: Field) -> _State:
        return _State(jnp.zeros((), jnp.int32), self.first.init(field), self.second.init(field))

    def step(self, forward, field, observation, state, key, objective):
        arrays, static = eqx.partition(field, eqx.is_array)

        def early(arrays, state):
            now = eqx.combine(arrays, static)
            moved, first, loss = self.first.step(
                forward, now, observation, state.first, key, objective
            )
            return eqx.filter(moved, eqx.is_array), (first, state.second), loss

        def late(arrays, state):
            now = eqx.combine(arrays, static)
            fresh = self.second.init(now)
            begins = state.done == self.steps
            choose = lambda new, old: jnp.where(begins, new, old) if eqx.is_array(new) else new
            second = jax.tree.map(choose, fresh, state.second)
            moved, second, loss = self.second.step(
                forward, now, observation, second, key, objective
            )
            return eqx.filter(moved, eqx.is_array), (state.first, second), loss

        arrays, (first, second), loss = jax.lax.cond(
            state.done < self.steps, early, late, arrays, state
        )
        return eqx.combine(arrays, static), _State(state.done + 1, first, second), loss


def then(first: UpdateRule, steps: int, second: UpdateRule) -> Sequence:
    """``first`` for ``steps`` steps, ``second`` from there on."""
    return Sequence(first, second, steps)
