"""Tasks of a meta-batch are spread over the devices, to the same result."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.fields import trained, weights
from theta0.forward import Points
from theta0.inner import SGD
from theta0.meta import Reptile, meta_step
from theta0.meta._learn import devices_for

from .waves import FAMILY, LEARNED, META


@pytest.mark.parametrize(
    "tasks, meta", [(4, META), (2, Reptile(rule=SGD(0.01)))], ids=["maml", "reptile"]
)
@pytest.mark.slow
def test_one_device_equals_two(key, tasks, meta):
    assert jax.local_device_count() == 2
    batch = jax.tree.map(jnp.asarray, FAMILY.training_tasks(0, 0, tasks))
    optimizer = optax.sgd(1.0)
    state = optimizer.init(trained(LEARNED))
    results = [
        eqx.filter_jit(meta_step)(
            meta, Points(), None, optimizer, LEARNED, state, None, batch, key, devices
        )
        for devices in (1, 2)
    ]
    (one, _, _, one_loss, _), (two, _, _, two_loss, _) = results
    np.testing.assert_allclose(two_loss, one_loss, rtol=1e-6)
    for a, b, start in zip(weights(one), weights(two), weights(LEARNED), strict=True):
        # The mean of means runs in another order: some units in the last place of the step.
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-5 * float(jnp.abs(a - start).max()) + 1e-7)


@pytest.mark.parametrize("tasks, expected", [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1), (6, 2)])
def test_devices_share_tasks_evenly(tasks, expected):
    assert devices_for(tasks) == expected
