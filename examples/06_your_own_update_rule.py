"""Add an update rule: momentum whose step size and decay are learned with the initialization.

What the rule has to learn are its inexact arrays, what it remembers in a fit is its state.

    python examples/06_your_own_update_rule.py        # about a minute on 2 cores
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from _show import picture_of, show

import theta0
from theta0.data.images import SDF
from theta0.fields import trained


@theta0.register("rule", "learned-momentum")
@dataclass(frozen=True)
class LearnedMomentum(theta0.RuleConfig):
    """``v <- decay v + gradient``, ``theta <- theta - lr v``; one of each per layer."""

    lr: float = 0.01
    """every step size before learning"""
    decay: float = 0.5
    """every decay before learning"""

    def build(self, field):
        per_layer = lambda value: jax.tree.map(lambda leaf: jnp.asarray(value), trained(field))
        return LearnedMomentumRule(per_layer(self.lr), per_layer(self.decay))


class LearnedMomentumRule(theta0.UpdateRule):
    """See `LearnedMomentum`."""

    lr: theta0.Field
    """like the field's weights, a number for each array"""
    decay: theta0.Field

    def init(self, field):
        return jax.tree.map(jnp.zeros_like, trained(field))

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        velocity = jax.tree.map(lambda d, v, g: d * v + g, self.decay, state, trained(gradient))
        moves = jax.tree.map(lambda lr, v: -lr * v, self.lr, velocity)
        return eqx.apply_updates(field, moves), velocity, loss


def main() -> None:
    shapes = theta0.ImageConfig(SDF(200, 4, 8), size=32)
    init = theta0.learn(
        shapes,
        theta0.MAML(steps=3, rule=LearnedMomentum()),
        field=theta0.Siren(width=64, layers=4, w0=30.0),
        outer=theta0.OuterConfig(lr=5e-4, rule_lr=2e-3, steps=300, clip=1.0),
    )
    assert isinstance(init.rule, LearnedMomentumRule)
    print("learned decay:", [round(float(leaf), 2) for leaf in jax.tree.leaves(init.rule.decay)])
    show(__file__, init, shapes, picture_of(shapes), steps=3)


if __name__ == "__main__":
    main()
