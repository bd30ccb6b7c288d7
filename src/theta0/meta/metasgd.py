"""Meta-SGD: learn the step sizes of the inner loop with the start (Li et al. 2017)."""

from theta0.fields import Stepped
from theta0.fit import InnerLoop
from theta0.forward import ForwardMap

from ._base import MetaGradient
from .maml import MAML


class MetaSGD(MetaGradient):
    """``grad L_query(theta_m)`` with respect to the start and to every step size, second order.

    The field is a :class:`theta0.fields.Stepped`, whose step sizes are leaves like its weights,
    and ``inner`` descends by them (``InnerConfig("learned", 1.0, steps)``): MAML's own derivative
    then holds that of the step sizes, at no further product.
    """

    inner: InnerLoop
    query_forward: ForwardMap | None = None
    """how the query is measured; None: like the support"""

    def task_gradient(self, forward, field, task, key):
        if not isinstance(field, Stepped):
            raise TypeError(f"Meta-SGD learns step sizes, but {type(field).__name__} has none")
        return MAML(self.inner, self.query_forward).task_gradient(forward, field, task, key)
