"""What every meta-learner must do."""

import equinox as eqx
import jax
import numpy as np

from theta0.fields import weights
from theta0.forward import ForwardMap
from theta0.meta import Learned, MetaGradient
from theta0.signals import Task

from ._complete import assert_complete
from ._trees import arrays, shapes


def check_meta_gradient(
    meta: MetaGradient, forward: ForwardMap, learned: Learned, tasks: Task
) -> None:
    """Check a meta-learner.

    The loss is a finite scalar and the direction a finite tree like what is learned, the same for
    the same key; a batch gives the mean of its tasks taken one by one; what it remembers keeps its
    shapes.

    Args:
        meta: the meta-learner with the settings of its inner loop.
        forward: how the tasks are measured.
        learned: field and rule.
        tasks: at least two, stacked.
    """
    assert_complete(meta, "meta-learner")
    key, state = jax.random.PRNGKey(11), meta.init(learned)
    run = eqx.filter_jit(meta)
    loss, direction = run(forward, learned, tasks, key, state)
    assert loss.shape == () and np.isfinite(loss), f"loss: {loss} is not a finite scalar"
    same = jax.tree.structure(arrays(direction)) == jax.tree.structure(arrays(learned))
    assert same, "direction: not like field and rule"
    for leaf, like in zip(weights(direction), weights(learned), strict=True):
        assert (leaf.shape, leaf.dtype) == (like.shape, like.dtype), f"direction: {leaf.shape}"
        assert np.isfinite(leaf).all(), "direction: not finite"
    again = run(forward, learned, tasks, key, state)
    assert bool(eqx.tree_equal((loss, direction), again)), "one key, two results"

    count = tasks.support.y.shape[0]
    keys = jax.random.split(key, count)
    one = eqx.filter_jit(meta.task_gradient)
    parts = [
        one(forward, learned, jax.tree.map(lambda leaf: leaf[i], tasks), keys[i], state)  # noqa: B023
        for i in range(count)
    ]
    np.testing.assert_allclose(
        loss, np.mean([part[0] for part in parts]), rtol=1e-4, err_msg="loss: not the tasks' mean"
    )
    rows = [weights(part[1]) for part in parts]
    for found, *alone in zip(weights(direction), *rows, strict=True):
        mean = np.mean(alone, axis=0)
        np.testing.assert_allclose(
            found, mean, rtol=1e-3, atol=1e-4 * float(np.abs(mean).max()) + 1e-12,
            err_msg="direction: not the mean of the tasks",
        )  # fmt: skip
    concluded, later = eqx.filter_jit(meta.conclude)(learned, loss, direction, state)
    assert shapes(later) == shapes(state), "state: an outer step changes its shapes"
    assert shapes(weights(concluded)) == shapes(weights(learned)), "conclude: not like learned"
