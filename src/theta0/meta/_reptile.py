"""Reptile: move towards the adapted weights (Nichol et al. 2018; paper, section 3)."""

from dataclasses import dataclass

import jax

from theta0.inner import adapt
from theta0.registry import META_LEARNERS

from ._base import Learned, MetaGradient, difference


@META_LEARNERS.register("reptile")
@dataclass(frozen=True)
class Reptile(MetaGradient):
    """Reptile (Nichol et al. 2018): the direction to the adapted weights.

    ``theta - theta_m``, as a gradient: descending it moves towards ``theta_m``.

    Only the support is used; the loss reported is that before the last inner step. Learned leaves
    of the rule, which the inner loop does not move, stay as they are.
    """

    def task_gradient(self, forward, learned, task, key, state=None, query_forward=None):
        inner_key, _ = jax.random.split(key)
        adapted, losses = adapt(
            forward, learned.field, learned.rule, task.support, self.loop, inner_key
        )
        return losses[-1], difference(learned, Learned(adapted, learned.rule))
