"""First-order MAML: the gradient at the adapted weights (Finn et al. 2017, section 5.2)."""

import jax

from theta0.fit import InnerLoop, adapt, loss_and_gradient
from theta0.forward import ForwardMap

from ._base import MetaGradient


class FOMAML(MetaGradient):
    """``grad L_query`` at ``theta_m``, the inner gradients held constant."""

    inner: InnerLoop
    query_forward: ForwardMap | None = None
    """how the query is measured; None: like the support"""

    def task_gradient(self, forward, field, task, key):
        inner_key, outer_key = jax.random.split(key)
        adapted, _ = adapt(forward, field, task.support, self.inner, inner_key)
        return loss_and_gradient(self.query_forward or forward, adapted, task.query, outer_key)
