"""MAML: the gradient of the loss after adaptation, through the adaptation (Finn et al. 2017)."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.errors import InputError
from theta0.inner import DescentConfig, RuleConfig, StepSizes, adapt_through, loss_and_gradient
from theta0.registry import META_LEARNERS

from ._base import Learned, MetaGradient


@dataclass(frozen=True)
class QueryLoss(MetaGradient):
    """A meta-learner that descends the query loss after adaptation."""

    also_after: tuple[int, ...] = ()
    """numbers of inner steps after which the query loss counts as well as after the last, so that
    fits are good at each of them (Antoniou et al. 2019, section 4)"""
    log_loss: bool = False
    """descend the logarithm of the query loss, so the mean PSNR: tasks and numbers of steps of
    little loss count as much as those of a large one"""

    def __post_init__(self):
        super().__post_init__()
        after = self.also_after
        if list(after) != sorted({*after}) or not all(0 < stop < self.steps for stop in after):
            raise InputError(
                f"also_after is {after}; give rising numbers of steps, from 1 to {self.steps - 1}"
            )

    def through_adaptation(self, forward, learned, task, key, query_forward, first_order: bool):
        """The query loss after the inner loop, and its derivative by field and rule.

        The loss is the mean over the numbers of steps that count, or its geometric mean.
        """
        inner_key, outer_key = jax.random.split(key)
        stops = (*self.also_after, self.steps)

        def run(learned: Learned):
            return adapt_through(
                forward, learned.field, learned.rule, task.support, self.loop, inner_key, stops,
                first_order,
            )[0]  # fmt: skip

        fields, pull_back = eqx.filter_vjp(run, learned)
        losses, slopes = [], []
        for field in fields:
            loss, slope = loss_and_gradient(query_forward or forward, field, task.query, outer_key)
            share = (1 / loss if self.log_loss else 1.0) / len(stops)
            times = lambda leaf, share=share: share * leaf
            slopes.append(jax.tree.map(times, eqx.filter(slope, eqx.is_inexact_array)))
            losses.append(loss)
        (direction,) = pull_back(slopes)
        losses = jnp.stack(losses)
        return jnp.exp(jnp.log(losses).mean()) if self.log_loss else losses.mean(), direction


@META_LEARNERS.register("maml")
@dataclass(frozen=True)
class MAML(QueryLoss):
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
        return self.through_adaptation(forward, learned, task, key, query_forward, False)


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
