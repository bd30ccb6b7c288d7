"""What a MetaGradient is: an estimate of how to move the initialization, from a batch of tasks."""

from abc import abstractmethod

import equinox as eqx
import jax
from jaxtyping import Array, Float

from theta0.fields import Field
from theta0.fit import InnerLoop
from theta0.forward import ForwardMap
from theta0.tasks import Task


class MetaGradient(eqx.Module):
    """Maps (forward, field, tasks, key) to a loss and a direction shaped like the field.

    The direction is handed to the outer optimizer as if it were a gradient, so meta-learners are
    interchangeable. A new one implements :meth:`task_gradient`.
    """

    inner: eqx.AbstractVar[InnerLoop]

    @abstractmethod
    def task_gradient(
        self, forward: ForwardMap, field: Field, task: Task, key: Array
    ) -> tuple[Float[Array, ""], Field]:
        """Loss and direction for one task."""

    def __call__(
        self, forward: ForwardMap, field: Field, tasks: Task, key: Array
    ) -> tuple[Float[Array, ""], Field]:
        """Mean loss and mean direction over a batch of tasks (leading axis of every array)."""
        keys = jax.random.split(key, tasks.support.y.shape[0])
        return self.mean(forward, field, tasks, keys)

    def mean(self, forward: ForwardMap, field: Field, tasks: Task, keys: Array):
        """As :meth:`__call__`, with one key a task; :func:`learn` shards it over devices."""
        params, static = eqx.partition(field, eqx.is_inexact_array)

        def one(args):
            task, key = args
            loss, direction = self.task_gradient(forward, eqx.combine(params, static), task, key)
            return loss, eqx.filter(direction, eqx.is_inexact_array)

        # Products batched over per-task weights are slower than a loop on a CPU.
        over = jax.lax.map if jax.default_backend() == "cpu" else lambda f, args: jax.vmap(f)(args)
        loss, direction = jax.tree.map(lambda leaf: leaf.mean(axis=0), over(one, (tasks, keys)))
        return loss, eqx.combine(direction, static)


def difference(start: Field, end: Field) -> Field:
    """``start - end``, weight by weight."""
    minus = lambda a, b: a - b if eqx.is_inexact_array(a) else a
    return jax.tree.map(minus, start, end)
