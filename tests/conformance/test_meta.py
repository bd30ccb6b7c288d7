"""The check of meta-learners finds what is wrong."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.conformance import check_meta_gradient
from theta0.fields import Siren
from theta0.forward import Observation, Points
from theta0.inner import SGD
from theta0.meta import Learned, Reptile
from theta0.signals import Task, stack

pytestmark = pytest.mark.usefixtures("quick_compilation")

FIELD = Siren(width=8, layers=3, w0=10.0, out_size=1).build(jax.random.PRNGKey(3))
LEARNED = Learned(FIELD, SGD(0.02).build(FIELD))


def some_tasks():
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.random(shape, np.float32)
    observed = lambda n: Observation(draw(n, 2), draw(n, 1))
    return jax.tree.map(jnp.asarray, stack([Task(observed(9), observed(7)) for _ in range(2)]))


@dataclass(frozen=True)
class Biased(Reptile):
    """A wrong meta-gradient: it sums over tasks."""

    def mean(self, forward, learned, tasks, keys, state=None, query_forward=None):
        loss, direction = Reptile.mean(self, forward, learned, tasks, keys)
        return loss, jax.tree.map(lambda leaf: 2 * leaf, direction)


@dataclass(frozen=True)
class Moody(Reptile):
    """A wrong meta-gradient: one key, and another result each time."""

    def mean(self, forward, learned, tasks, keys, state=None, query_forward=None):
        loss, direction = Reptile.mean(self, forward, learned, tasks, keys)
        noise = jax.pure_callback(
            lambda: np.float32(MOODS.random()), jax.ShapeDtypeStruct((), np.float32)
        )
        return loss, jax.tree.map(lambda leaf: leaf + noise, direction)


MOODS = np.random.default_rng(0)


@dataclass(frozen=True)
class FieldAlone(Reptile):
    """A wrong meta-gradient: it has no direction for the rule."""

    def mean(self, forward, learned, tasks, keys, state=None, query_forward=None):
        loss, direction = Reptile.mean(self, forward, learned, tasks, keys)
        nothing: Any = None
        return loss, Learned(direction.field, nothing)


@dataclass(frozen=True)
class Growing(Reptile):
    """A wrong meta-learner: what it remembers grows with every step."""

    def init(self, learned):
        return jnp.zeros(1)

    def conclude(self, learned, loss, direction, state):
        return direction, jnp.append(state, loss)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (Biased, "not the mean"), (Moody, "one key, two results"),
        (FieldAlone, "not like field and rule"), (Growing, "state: an outer step changes"),
    ],
)  # fmt: skip
def test_a_wrong_meta_learner_is_found(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_meta_gradient(wrong(1, SGD(0.02)), Points(), LEARNED, some_tasks())
