"""Learned step sizes: Meta-SGD (Li et al. 2017), a step size for each layer or weight and step."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.errors import InputError, require_positive
from theta0.fields import trained
from theta0.registry import RULES

from ._adam import ADAM
from ._rule import FirstOrder, RuleConfig, scaled
from ._sgd import GRADIENT

Granularity = Literal["layer", "weight"]
Direction = Literal["gradient", "adam"]


@RULES.register("step-sizes")
@dataclass(frozen=True)
class StepSizes(RuleConfig):
    """Gradient descent whose step sizes are learned with the initialization (Meta-SGD).

    MAML with this rule is Meta-SGD: its derivative through the inner loop reaches the step sizes
    at no further product.
    """

    lr: float = 1e-2
    """every step size before learning"""
    per: Granularity = "layer"
    """one step size for each layer's matrix and each layer's biases, or for each weight"""
    steps: int | None = None
    """inner steps that have step sizes of their own; 1: all steps share them; None: as many as the
    inner loop takes in meta-training"""
    logarithms: bool = False
    """learn their logarithms: they stay above 0, and move in proportion to what they are"""
    direction: Direction = "gradient"
    """what the steps descend: the gradient, or what Adam makes of it"""

    def __post_init__(self):
        require_positive(self, "lr", "steps")
        if (self.steps or 1) > 1000:
            raise InputError(f"step sizes for {self.steps} inner steps; give at most 1000")

    def for_steps(self, steps: int) -> "StepSizes":
        """With step sizes of their own for so many steps, unless that is given."""
        return replace(self, steps=self.steps or steps)

    @property
    def label(self) -> str:
        """What tables and messages call it; its step sizes are many."""
        return "learned step sizes"

    def build(self, field) -> "LearnedSteps":
        """The rule, every step size at ``lr``."""

        begin = math.log(self.lr) if self.logarithms else self.lr

        def constant(leaf):
            shape = leaf.shape if self.per == "weight" else (1,) * leaf.ndim
            return jnp.full((self.steps or 1, *shape), begin, leaf.dtype)

        direction = {"gradient": GRADIENT, "adam": ADAM}[self.direction]
        return LearnedSteps(direction, jax.tree.map(constant, trained(field)), self.logarithms)


def require_like(step_sizes: Any, params: Any) -> None:
    """Refuse step sizes that were learned for another network.

    Raises:
        InputError: they were.
    """
    same = jax.tree.structure(step_sizes) == jax.tree.structure(params)
    fit = lambda size, leaf: all(
        n in (1, m) for n, m in zip(size.shape[1:], leaf.shape, strict=True)
    )
    if not (same and all(jax.tree.leaves(jax.tree.map(fit, step_sizes, params)))):
        raise InputError(
            "the update rule has learned step sizes for another network; fit from the "
            "initialization that it was learned with, or give another rule, such as adam"
        )


class LearnedSteps(FirstOrder):
    """Steps by sizes of its own along what an optax transformation makes of the gradient.

    See :class:`StepSizes`.
    """

    step_sizes: Any
    """like the field's weights, each leaf (steps, ...), ending in the shape of the weights or ones;
    in the units of a step size: change of a weight over the direction, which is
    that of the gradient as :func:`scaled` gives it; or their logarithms"""
    logarithms: bool = eqx.field(static=True)

    @property
    def steps(self) -> int:
        """Inner steps that have step sizes of their own."""
        return jax.tree.leaves(self.step_sizes)[0].shape[0]

    def init(self, field):
        require_like(self.step_sizes, trained(field))
        return jnp.zeros((), jnp.int32), super().init(field)

    def updates(self, gradient, state, params, loss):
        step, state = state
        direction, state = super().updates(scaled(gradient), state, params, loss)
        updates = jax.tree.map(lambda size, d: -size * d, self.at(step), direction)
        return updates, (step + 1, state)

    def at(self, step) -> Any:
        """Step sizes of inner step ``step``, from 0; those of the last for all later ones."""
        pick = lambda leaf: leaf[jnp.minimum(step, leaf.shape[0] - 1)]
        sizes = jax.tree.map(pick, self.step_sizes)
        return jax.tree.map(jnp.exp, sizes) if self.logarithms else sizes
