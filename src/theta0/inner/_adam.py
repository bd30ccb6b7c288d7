"""Adam (Kingma & Ba 2015)."""

from dataclasses import dataclass

import optax

from theta0.registry import RULES

from ._rule import Descent, DescentConfig

# eps_root keeps the derivative of sqrt finite at a zero gradient when MAML looks through it.
_ADAM = optax.scale_by_adam(eps_root=1e-16)


@RULES.register("adam")
@dataclass(frozen=True)
class Adam(DescentConfig):
    """Adam (Kingma & Ba 2015) with the usual decay rates."""

    lr: float = 1e-4
    """step size"""

    def build(self, field) -> Descent:
        """The rule; nothing of it is learned."""
        return self.descent(_ADAM)
