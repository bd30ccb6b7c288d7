"""Write your own meta-learner: one class with one method, nothing to register.

Unit-Reptile moves towards where the inner loop ended, but by one unit of length for every task:
signals that pull far do not outvote the others. It first passes the check that every meta-learner
of theta0 passes, then learns from random phantoms. Prints the loss on an unseen phantom before and
after 12 steps from the learned and from a standard start.

    python examples/02_your_own_meta_gradient.py        # about 10 s on 2 cores
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from theta0.conformance import check_meta_gradient
from theta0.fields import FourierConfig
from theta0.fit import InnerConfig, InnerLoop, adapt, fit
from theta0.forward import Lines
from theta0.meta import MetaGradient, OuterConfig, learn
from theta0.tasks import CTConfig


class UnitReptile(MetaGradient):
    """``(theta - theta_m) / |theta - theta_m|``, as a gradient."""

    inner: InnerLoop

    def task_gradient(self, forward, field, task, key):
        adapted, losses = adapt(forward, field, task.support, self.inner, key)
        params, static = eqx.partition(field, eqx.is_inexact_array)
        moved = jax.tree.map(jnp.subtract, params, eqx.filter(adapted, eqx.is_inexact_array))
        # A task that moves nothing has no direction; the small number keeps it at zero.
        scale = 1 / (optax.global_norm(moved) + 1e-12)
        return losses[-1], eqx.combine(jax.tree.map(lambda leaf: scale * leaf, moved), static)


def main() -> None:
    family = CTConfig(size=32, train=256, test=4, training_views=8, rays=32).build()
    forward = Lines(samples=24, reduce="sum")
    config = FourierConfig(width=64, layers=4, features=64, bandwidth=5.0)
    standard = config.build(jax.random.PRNGKey(0))
    estimator = UnitReptile(InnerConfig(optimizer="sgd", lr=10.0, steps=12, batch=64).build())

    check_meta_gradient(estimator, forward, standard, family.training_tasks(0, 0, 2))
    print("check_meta_gradient: passed")

    learned = learn(estimator, forward, standard, family, OuterConfig(lr=3e-3, steps=200)).best
    scan = family.held_out("test", 0, views=8).support
    # A loss is that before its step, so the one after 12 steps needs a 13th.
    loop = estimator.inner._replace(steps=13, batch=None)
    for name, start in {"learned": learned, "standard": standard}.items():
        losses = fit(forward, start, scan, loop, jax.random.PRNGKey(0)).losses
        print(f"{name:8s} start: loss {losses[0]:.5f} before, {losses[12]:.5f} after 12 steps")


if __name__ == "__main__":
    main()
