"""First-order MAML: the gradient at the adapted weights (Finn et al. 2017, section 5.2)."""

from dataclasses import dataclass

from theta0.registry import META_LEARNERS

from ._maml import QueryLoss


@META_LEARNERS.register("fomaml")
@dataclass(frozen=True)
class FOMAML(QueryLoss):
    """First-order MAML (Finn et al. 2017): the gradient of the query loss at the adapted weights.

    ``grad L_query`` at ``theta_m``, the gradients of inner steps held constant.

    Learned leaves of the rule get the derivative of the steps that they scale.
    """

    def task_gradient(self, forward, learned, task, key, state=None, query_forward=None):
        return self.through_adaptation(forward, learned, task, key, query_forward, True)
