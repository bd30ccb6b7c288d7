"""What a meta-learner is: an estimate of how to move what is learned, from a batch of tasks."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Float

from theta0.errors import require_positive
from theta0.fields import Field
from theta0.forward import ForwardMap
from theta0.inner import (
    SGD,
    InnerConfig,
    InnerLoop,
    Objective,
    RuleConfig,
    UpdateRule,
    settings_of,
)
from theta0.registry import META_LEARNERS
from theta0.signals import Task


class Learned(NamedTuple):
    """What is learned: a field, and the rule by which it is to be fitted."""

    field: Field
    rule: UpdateRule


@META_LEARNERS.base_class
@dataclass(frozen=True)
class MetaGradient:
    """Maps (forward, learned, tasks, key) to a loss and a direction shaped like ``learned``.

    The direction is handed to the outer optimizer as if it were a gradient, so meta-learners are
    interchangeable. A custom meta-learner derives from this class, implements
    :meth:`task_gradient` and is registered: ``@theta0.register("meta", NAME)``. Its settings are
    those of the inner loop, and its own.
    """

    steps: int = 2
    """inner steps"""
    rule: RuleConfig = SGD()
    """the update rule of the inner loop; what it has to learn is learned with the field"""
    batch: int | None = None
    """observations drawn at random for each inner step; None: all of them"""
    objective: Objective = Objective()
    """what the inner loop descends besides the mean squared error"""

    def __post_init__(self):
        require_positive(self, "steps", "batch")
        # Words become settings, which are what is saved.
        object.__setattr__(self, "rule", settings_of(self.rule, "rule"))

    @property
    def inner(self) -> InnerConfig:
        """The inner loop of meta-training: the default of a fit."""
        rule = self.rule.for_steps(self.steps)
        return InnerConfig(rule, self.steps, self.batch, self.objective)

    @property
    def loop(self) -> InnerLoop:
        """The inner loop without its rule, which is part of what is learned."""
        return self.inner.build()

    @property
    def kept_steps(self) -> int:
        """Inner steps whose weights are in memory at once: only the last, unless it is said."""
        return 1

    @abstractmethod
    def task_gradient(
        self,
        forward: ForwardMap,
        learned: Learned,
        task: Task,
        key: Array,
        state: Any = None,
        query_forward: ForwardMap | None = None,
    ) -> tuple[Float[Array, ""], Learned]:
        """Loss and direction of one task.

        Args:
            forward: how the support is measured.
            learned: field and rule.
            task: one signal.
            key: randomness of its inner loop and its query.
            state: what the meta-learner remembers; see :meth:`init`.
            query_forward: how the query is measured; None: like the support.
        """
        raise NotImplementedError

    def init(self, learned: Learned) -> Any:
        """What is remembered from one outer step to the next, before the first: arrays, or None."""
        return None

    def conclude(
        self, learned: Learned, loss: Array, direction: Learned, state: Any
    ) -> tuple[Learned, Any]:
        """Called once per outer step with the mean over tasks; the direction and state to use."""
        return direction, state

    def __call__(
        self,
        forward: ForwardMap,
        learned: Learned,
        tasks: Task,
        key: Array,
        state: Any = None,
        query_forward: ForwardMap | None = None,
    ) -> tuple[Float[Array, ""], Learned]:
        """Mean loss and mean direction over a batch of tasks (leading axis of every array)."""
        keys = jax.random.split(key, tasks.support.y.shape[0])
        return self.mean(forward, learned, tasks, keys, state, query_forward)

    def mean(
        self,
        forward: ForwardMap,
        learned: Learned,
        tasks: Task,
        keys: Array,
        state: Any = None,
        query_forward: ForwardMap | None = None,
    ):
        """As :meth:`__call__`, with one key per task; :func:`learn` shards it over devices."""
        params, static = eqx.partition(learned, eqx.is_inexact_array)

        def one(args):
            task, key = args
            loss, direction = self.task_gradient(
                forward, eqx.combine(params, static), task, key, state, query_forward
            )
            return loss, eqx.filter(direction, eqx.is_inexact_array)

        # Products batched over per-task weights are slower than a loop on a CPU.
        over = jax.lax.map if jax.default_backend() == "cpu" else lambda f, args: jax.vmap(f)(args)
        loss, direction = jax.tree.map(lambda leaf: leaf.mean(axis=0), over(one, (tasks, keys)))
        return loss, eqx.combine(direction, static)


def difference(start: Learned, end: Learned) -> Learned:
    """``start - end``, array by array."""
    minus = lambda a, b: a - b if eqx.is_inexact_array(a) else a
    return jax.tree.map(minus, start, end)
