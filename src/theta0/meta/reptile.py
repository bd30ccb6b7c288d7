"""Reptile: move towards the adapted weights (Nichol et al. 2018; paper, section 3)."""

import jax

from theta0.fit import InnerLoop, adapt

from ._base import MetaGradient, difference


class Reptile(MetaGradient):
    """``theta - theta_m``, as a gradient: descending it moves towards ``theta_m``.

    Only the support is used; the loss reported is that before the last inner step.
    """

    inner: InnerLoop

    def task_gradient(self, forward, field, task, key):
        inner_key, _ = jax.random.split(key)
        adapted, losses = adapt(forward, field, task.support, self.inner, inner_key)
        return losses[-1], difference(field, adapted)
