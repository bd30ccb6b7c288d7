"""MAML: the gradient of the loss after adaptation, through the adaptation (Finn et al. 2017)."""

import equinox as eqx
import jax

from theta0.fit import InnerLoop, adapt, loss_and_gradient
from theta0.forward import ForwardMap

from ._base import MetaGradient


class MAML(MetaGradient):
    """``grad_theta L_query(theta_m(theta))``, second order.

    The product with the Jacobian of every inner step costs 8 units, whatever the number of
    steps, and its memory is one set of weights a step: see :func:`theta0.fit.loss_and_gradient`.
    """

    inner: InnerLoop
    query_forward: ForwardMap | None = None
    """how the query is measured; None: like the support"""

    def task_gradient(self, forward, field, task, key):
        inner_key, outer_key = jax.random.split(key)
        run = lambda field: adapt(forward, field, task.support, self.inner, inner_key)[0]
        adapted, pull_back = eqx.filter_vjp(run, field)
        loss, gradient = loss_and_gradient(
            self.query_forward or forward, adapted, task.query, outer_key
        )
        (direction,) = pull_back(eqx.filter(gradient, eqx.is_inexact_array))
        return loss, direction
