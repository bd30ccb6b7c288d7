"""Meta-Curvature (Park & Oliva 2019): gradients turned by learned matrices before each step."""

from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theta0.errors import require_positive
from theta0.fields import trained
from theta0.registry import RULES

from ._rule import RuleConfig
from ._step_sizes import LearnedSteps, StepSizes

_LARGEST = 1024
"""Sides of a weight array that are longer, such as the rows of a feature grid, get no matrix."""

Factor = Float[Array, "_ _"] | None


@RULES.register("meta-curvature")
@dataclass(frozen=True)
class MetaCurvature(RuleConfig):
    """Gradient descent with a preconditioner that is learned with the initialization.

    The gradient ``G`` (out, in) of a layer becomes ``L G R``, where ``L`` (out, out) and ``R``
    (in, in) begin as the identity: a Kronecker-factored preconditioner (Park & Oliva 2019). All
    steps share it; each has a step size of its own for each layer.
    """

    lr: float = 1e-2
    """every step size before learning"""
    steps: int | None = None
    """inner steps that have step sizes of their own; None: as many as the inner loop takes in
    meta-training"""
    sides: Literal["both", "in"] = "both"
    """whether outputs and inputs of a layer are turned, or its inputs alone"""

    def __post_init__(self):
        require_positive(self, "lr", "steps")

    def for_steps(self, steps: int) -> "MetaCurvature":
        """With step sizes of their own for so many steps, unless that is given."""
        return replace(self, steps=self.steps or steps)

    @property
    def label(self) -> str:
        """What tables and messages call it; what it learns is much."""
        return "learned preconditioner"

    def build(self, field) -> "LearnedCurvature":
        """The rule: the identity, and every step size at ``lr``."""
        plain = StepSizes(self.lr, "layer", self.steps, logarithms=True).build(field)

        def factors(leaf: Array) -> tuple[Factor, Factor]:
            matrix = lambda side: jnp.eye(side, dtype=leaf.dtype) if side <= _LARGEST else None
            left = matrix(leaf.shape[0]) if leaf.ndim == 2 and self.sides == "both" else None
            return left, matrix(leaf.shape[-1])

        turned = tuple(map(factors, jax.tree.leaves(trained(field))))
        return LearnedCurvature(plain.transformation, plain.step_sizes, True, turned)


class LearnedCurvature(LearnedSteps):
    """Steps along gradients that learned matrices have turned; see :class:`MetaCurvature`."""

    factors: tuple[tuple[Factor, Factor], ...]
    """``L`` and ``R`` of each weight array in tree order; None: that side is left as it is"""

    def updates(self, gradient, state, params, loss):
        leaves, structure = jax.tree.flatten(gradient)
        turned = []
        for leaf, (left, right) in zip(leaves, self.factors, strict=True):
            leaf = leaf if left is None else left @ leaf
            turned.append(leaf if right is None else leaf @ right)
        return super().updates(jax.tree.unflatten(structure, turned), state, params, loss)
