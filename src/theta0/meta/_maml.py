"""MAML: the gradient of the loss after adaptation, through the adaptation (Finn et al. 2017)."""

from dataclasses import dataclass

import equinox as eqx
import jax

from theta0.errors import InputError
from theta0.inner import DescentConfig, RuleConfig, StepSizes, adapt, loss_and_gradient
from theta0.registry import META_LEARNERS

from ._base import Learned, MetaGradient


def through_adaptation(
    meta: MetaGradient, forward, learned, task, key, query_forward, first_order: bool
):
    """The query loss after the inner loop, and its derivative by field and rule."""
    inner_key, outer_key = jax.random.split(key)

    def run(learned: Learned):
        return adapt(
            forward, learned.field, learned.rule, task.support, meta.loop, inner_key, first_order
        )[0]

    adapted, pull_back = eqx.filter_vjp(run, learned)
    loss, gradient = loss_and_gradient(query_forward or forward, adapted, task.query, outer_key)
    (direction,) = pull_back(eqx.filter(gradient, eqx.is_inexact_array))
    return loss, direction


@META_LEARNERS.register("maml")
@dataclass(frozen=True)
class MAML(MetaGradient):
    """MAML (Finn et al. 2017): the gradient of the query loss after adaptation, second order.

    ``grad L_query(theta_m(theta))`` with respect to the field and its rule.

    With a rule that has learned step sizes (:class:`theta0.inner.StepSizes`) it is Meta-SGD. The
    product with the Jacobian of every inner step costs 8 units, whatever the number of steps, and
    its memory is one set of weights per step: see :func:`theta0.inner.loss_and_gradient`.
    """

    @property
    def kept_steps(self) -> int:
        """All of them, for they are differentiated through."""
        return self.steps

    def task_gradient(self, forward, learned, task, key, state=None, query_forward=None):
        return through_adaptation(self, forward, learned, task, key, query_forward, False)


@META_LEARNERS.register("metasgd")
@dataclass(frozen=True)
class MetaSGD(MAML):
    """Meta-SGD (Li et al. 2017): MAML whose rule is gradient descent with learned step sizes."""

    rule: RuleConfig = StepSizes()
    """the step sizes before learning, and how finely they are learned"""

    def __post_init__(self):
        MAML.__post_init__(self)
        if isinstance(self.rule, DescentConfig):
            raise InputError(
                f"metasgd learns step sizes, but {self.rule.label} has one that is not learned; "
                "give step-sizes, or take maml"
            )
