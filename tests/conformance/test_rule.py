"""The check of update rules finds what is wrong."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.conformance import check_rule
from theta0.fields import Fourier
from theta0.forward import Observation, Points
from theta0.inner import FirstOrder, UpdateRule

pytestmark = pytest.mark.usefixtures("quick_compilation")

FIELD = Fourier(width=8, layers=2, features=4, bandwidth=5.0).build(jax.random.PRNGKey(0))
rng = np.random.default_rng(0)
SEEN = Observation(rng.random((9, 2), np.float32), rng.random((9, 1), np.float32))


class Right(UpdateRule):
    """Gradient descent with one learned step size."""

    lr: jax.Array = eqx.field(default_factory=lambda: jnp.asarray(0.1), converter=jnp.asarray)

    def init(self, field):
        return jnp.zeros((), jnp.int32)

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        moves = jax.tree.map(lambda leaf: -self.lr * leaf, eqx.filter(gradient, eqx.is_array))
        return eqx.apply_updates(field, moves), state + 1, loss


class Late(Right):
    """A wrong rule: it tells the loss after the step."""

    def step(self, forward, field, observation, state, key, objective):
        field, state, _ = Right.step(self, forward, field, observation, state, key, objective)
        return field, state, objective.loss_and_gradient(forward, field, observation, key)[0]


class Greedy(Right):
    """A wrong rule: it moves what is not trained."""

    def step(self, forward, field, observation, state, key, objective):
        field, state, loss = Right.step(self, forward, field, observation, state, key, objective)
        return jax.tree.map(lambda leaf: 0.9 * leaf, field), state, loss


class Growing(Right):
    """A wrong rule: its state has another shape after a step."""

    def step(self, forward, field, observation, state, key, objective):
        field, state, loss = Right.step(self, forward, field, observation, state, key, objective)
        return field, jnp.stack([state, state]), loss


class Rooted(Right):
    """A wrong rule: the derivative of its step is infinite where a gradient is 0."""

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        root = lambda leaf: -self.lr * jnp.sqrt(leaf * 0)
        moves = jax.tree.map(root, eqx.filter(gradient, eqx.is_array))
        return eqx.apply_updates(field, moves), state + 1, loss


class Exploding(Right):
    """A wrong rule: a step leads out of the numbers."""

    def step(self, forward, field, observation, state, key, objective):
        field, state, loss = Right.step(self, forward, field, observation, state, key, objective)
        frequencies = lambda field: field.layers
        return eqx.tree_at(frequencies, field, replace_fn=_infinite), state, loss


def _infinite(layers):
    return jax.tree.map(lambda leaf: leaf / 0, layers)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong, message",
    [
        (Late, "not that before the step"), (Greedy, "not trained has moved"),
        (Growing, "changes the shapes of its state"), (Exploding, "weights are not finite"),
        (Rooted, "derivative through six steps"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_found(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_rule(wrong(), Points(), FIELD, SEEN)


@pytest.mark.slow
def test_rules_of_ones_own_and_optax_pass():
    check_rule(Right(), Points(), FIELD, SEEN)
    # eps inside the root, as its derivative at a gradient of 0 is infinite otherwise.
    check_rule(FirstOrder(optax.rmsprop(1e-3, eps_in_sqrt=True)), Points(), FIELD, SEEN)
