"""Gradient descent."""

from dataclasses import dataclass

import optax

from theta0.registry import RULES

from ._rule import Descent, DescentConfig

_GRADIENT = optax.identity()


@RULES.register("sgd")
@dataclass(frozen=True)
class SGD(DescentConfig):
    """Gradient descent, ``theta - lr * gradient``: the paper's inner loop (equation 3)."""

    def build(self, field) -> Descent:
        """The rule; nothing of it is learned."""
        return self.descent(_GRADIENT)
