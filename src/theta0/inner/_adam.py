"""Adam (Kingma & Ba 2015)."""

from dataclasses import dataclass
from functools import cache

import optax

from theta0.errors import require_positive
from theta0.registry import RULES

from ._rule import Descent, DescentConfig

# eps_root keeps the derivative of sqrt finite at a zero gradient when MAML looks through it.
ADAM = optax.scale_by_adam(eps_root=1e-16)


@RULES.register("adam")
@dataclass(frozen=True)
class Adam(DescentConfig):
    """Adam (Kingma & Ba 2015) with the usual decay rates."""

    lr: float = 1e-4
    """step size"""
    halved_after: int | None = None
    """steps after which the step size is half of that, as ``lr / (1 + steps / halved_after)``;
    None: it stays"""

    def __post_init__(self):
        DescentConfig.__post_init__(self)
        require_positive(self, "halved_after")

    def build(self, field) -> Descent:
        """The rule; nothing of it is learned."""
        return self.descent(ADAM if self.halved_after is None else _falling(self.halved_after))


@cache
def _falling(half: int) -> optax.GradientTransformation:
    return optax.chain(ADAM, optax.scale_by_schedule(lambda step: 1 / (1 + step / half)))
