"""Gradient descent."""

from dataclasses import dataclass

import optax

from theta0.registry import RULES

from ._rule import Descent, DescentConfig

GRADIENT = optax.identity()
"""The direction of gradient descent."""


@RULES.register("sgd")
@dataclass(frozen=True)
class SGD(DescentConfig):
    """Gradient descent, ``theta - lr * gradient``: the paper's inner loop (equation 3).

    Of weights that few points see, such as the features of a grid, the gradient is multiplied as
    :meth:`theta0.fields.Field.step_scales` says.
    """

    def build(self, field) -> Descent:
        """The rule; nothing of it is learned."""
        return self.descent(GRADIENT)
