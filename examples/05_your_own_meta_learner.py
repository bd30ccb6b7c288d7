"""Add a meta-learner: ANIL (Raghu et al. 2020), which adapts the last layer of a network alone.

The inner loop of MAML then moves few weights; all others are features that suit the class. That is
an update rule of its own, so that test-time fits move what meta-training moved.

    python examples/05_your_own_meta_learner.py        # about a minute on 2 cores
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from _show import picture_of, show

import theta0
from theta0.data.images import SDF
from theta0.fields import trained
from theta0.meta import MAML


@theta0.register("rule", "last-layer")
@dataclass(frozen=True)
class LastLayer(theta0.RuleConfig):
    """Gradient descent of the last layer."""

    lr: float = 0.1
    """step size"""

    def build(self, field):
        return LastLayerRule(theta0.Frozen(jnp.asarray(self.lr)))


class LastLayerRule(theta0.UpdateRule):
    """See `LastLayer`."""

    lr: theta0.Frozen

    def init(self, field):
        return ()

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        last = lambda tree: tree.layers[-1]
        moved = jax.tree.map(lambda w, g: w - self.lr() * g, last(field), trained(last(gradient)))
        return eqx.tree_at(last, field, moved), state, loss


@theta0.register("meta", "anil")
@dataclass(frozen=True)
class ANIL(MAML):
    """MAML whose inner loop moves the last layer alone."""

    rule: theta0.RuleConfig = LastLayer()


def main() -> None:
    shapes = theta0.ImageConfig(SDF(200, 4, 8), size=32)
    init = theta0.learn(
        shapes,
        ANIL(steps=5),
        field=theta0.Siren(width=64, layers=4, w0=30.0),
        outer=theta0.OuterConfig(lr=5e-4, steps=300, clip=1.0),
    )
    show(__file__, init, shapes, picture_of(shapes), steps=5)


if __name__ == "__main__":
    main()
