"""Settings of the outer loop: schedules, clipping, and numbers that cannot work."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.errors import InputError
from theta0.meta import Learned, OuterConfig

from .waves import run


def pair(values) -> Any:
    """An array in the place of a field, and a rule that learns nothing."""
    of: Any = Learned
    return of(values, None)


def rates(outer, steps):
    """Adam's first step has the size of the rate; with one gradient for ever, all of them do."""
    optimizer, theta, moves = outer.optimizer(), pair(jnp.zeros(())), []
    state = optimizer.init(theta)
    for _ in range(steps):
        updates, state = optimizer.update(pair(jnp.ones(())), state, theta)
        moves.append(-float(updates.field))
    return np.array(moves)


def test_schedules():
    # Adam corrects its moments by 1 - 0.999^k, which loses four digits of single precision.
    constant = rates(OuterConfig(lr=0.1, schedule="constant", steps=10), 10)
    np.testing.assert_allclose(constant, 0.1, rtol=1e-4)
    cosine = rates(OuterConfig(lr=0.1, schedule="cosine", steps=10), 11)
    expected = 0.05 * (1 + np.cos(np.pi * np.arange(11) / 10))
    np.testing.assert_allclose(cosine, expected, rtol=1e-4, atol=1e-7)


def test_clipping_bounds_the_norm_before_adam():
    optimizer = OuterConfig(clip=1.0, schedule="constant").optimizer()
    theta = pair(jnp.zeros(4))
    # Adam's first moment after a step is 0.1 g.
    state = optimizer.update(pair(jnp.full(4, 100.0)), optimizer.init(theta), theta)[1]
    moment = optax.tree_utils.tree_get(state, "mu")
    np.testing.assert_allclose(jnp.linalg.norm(moment.field), 0.1, rtol=1e-5)


@pytest.mark.parametrize(
    "name, value",
    [
        ("steps", 0), ("tasks", -1), ("validate_every", 0), ("validation_signals", 0),
        ("checkpoint_every", 0), ("lr", 0.0), ("lr", float("nan")), ("clip", -1.0),
    ],
)  # fmt: skip
def test_numbers_that_cannot_work_are_input_errors(name, value):
    with pytest.raises(InputError, match=name):
        run(outer=OuterConfig(**{name: value}))


def test_equal_settings_give_the_same_optimizer_object():
    # Another object would compile the step anew.
    first, second = (OuterConfig(schedule="constant", steps=n).optimizer() for n in (5, 6))
    assert first is second
    assert OuterConfig(steps=5).optimizer() is not OuterConfig(steps=6).optimizer()
