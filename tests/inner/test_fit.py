"""Test-time fitting from the host: snapshots, budgets, progress, and fits that go wrong."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import DivergedError
from theta0.fields import Field, Positional
from theta0.forward import Observation, Points, Rays, Volume
from theta0.inner import SGD, InnerLoop, fit

from .cases import TRACES, Counted, assert_identical, inner, points_case, single_points

pytestmark = pytest.mark.usefixtures("quick_compilation")


class Parabola(Field):
    """The field w everywhere: the loss w^2 makes SGD multiply w by 1 - 2 lr a step."""

    w: jax.Array

    def __call__(self, x):
        return jnp.broadcast_to(self.w, (1, *x.shape[1:]))


@pytest.mark.slow
def test_snapshots_are_the_fields_on_the_way_and_change_nothing(key):
    forward, config, observation = single_points()
    field, (rule, loop) = config.build(key), inner("adam", 0.01, 90)
    bare = fit(forward, field, rule, observation, loop, key)
    full = fit(forward, field, rule, observation, loop, key, snapshots=(0, 1, 5, 64, 70, 90, 200))
    assert sorted(full.snapshots) == [0, 1, 5, 64, 70, 90]
    assert bare.snapshots == {}
    np.testing.assert_array_equal(full.losses, bare.losses)
    assert full.losses.shape == (90,)
    assert_identical(full.field, bare.field)
    assert_identical(full.snapshots[0], field)
    assert_identical(full.snapshots[90], full.field)
    assert_identical(
        full.snapshots[70],
        fit(forward, field, rule, observation, loop._replace(steps=70), key).field,
    )


def test_progress_is_told_after_every_block(key):
    forward, config, observation = single_points()
    (rule, loop), told = inner("sgd", 0.01, 100), []
    result = fit(
        forward, config.build(key), rule, observation, loop, key,
        on_progress=lambda step, loss: told.append((step, loss)),
    )  # fmt: skip
    assert [step for step, _ in told] == [64, 100]
    assert [loss for _, loss in told] == [float(result.losses[63]), float(result.losses[99])]


def test_divergence_is_an_error_that_names_the_step(key):
    # lr = 5e4: w grows by -(1e5 - 1) a step; w^2 passes float32's 3.4e38 when w passes 1.8e19,
    # after 4 steps: (1e5)^4 = 1e20.
    observation = Observation(jnp.zeros((3, 1)), jnp.zeros((3, 1)))
    rule, loop = inner("sgd", 5e4, 20)
    with pytest.raises(DivergedError, match="at step 4: sgd with step size 50000 is"):
        fit(Points(), Parabola(jnp.float32(1)), rule, observation, loop, key)
    # And in a later block, having kept the snapshots before.
    rule, loop = inner("sgd", 1.5, 200)
    with pytest.raises(DivergedError, match="at step 64:") as caught:
        # w grows by -2 a step: w^2 = 2^(2k) passes 2^128 after 64 steps.
        fit(
            Points(),
            Parabola(jnp.float32(1)),
            rule,
            observation,
            loop,
            key,
            snapshots=(10, 20, 150),
        )
    assert sorted(caught.value.snapshots) == [10, 20]
    assert float(caught.value.snapshots[10].w) == 2.0**10


def test_a_time_budget_stops_early(key):
    forward, config, observation = single_points()
    rule, loop = inner("sgd", 1e-3, 10_000_000)
    field = config.build(key)
    fit(forward, field, rule, observation, loop._replace(steps=1), key)
    began = time.monotonic()
    result = fit(forward, field, rule, observation, loop, key, seconds=0.5)
    took = time.monotonic() - began
    # A block lasts at most 0.2 s by the pace measured; the rest allows for a busy machine.
    assert 0.5 <= took < 5 and 0.5 <= result.seconds < 5
    assert 1 < len(result.losses) < 10_000_000
    # Stopping early is the only difference.
    same = fit(forward, field, rule, observation, loop._replace(steps=len(result.losses)), key)
    assert_identical(result.field, same.field)


def test_no_time_at_all_returns_the_initialization(key):
    forward, config, observation = points_case()
    field = config.build(key)
    result = fit(forward, field, SGD(), observation, InnerLoop(2), key, seconds=0.0)
    assert result.losses.shape == (0,)
    assert_identical(result.field, field)


def test_another_number_of_steps_does_not_compile_again(key):
    _, config, observation = single_points()
    field = config.build(key)
    TRACES.clear()
    fit(Counted(), field, SGD(1e-3), observation, InnerLoop(3), key)
    once = len(TRACES)
    assert once > 0
    for steps in (1, 2, 64, 65, 200):
        fit(
            Counted(), field, SGD(1e-3), observation, InnerLoop(steps), key,
            snapshots=(7, 11),
        )  # fmt: skip
    fit(Counted(), field, SGD(1e-3), observation, InnerLoop(20), key, seconds=0.3)
    assert len(TRACES) == once


@pytest.mark.slow
def test_a_fit_that_nothing_moves_is_reported(key):
    dead = Positional(width=8, layers=2).build(key)
    last = dead.layers[-1]
    bias = last.bias.at[3].set(-20)  # far below what the ReLU of the density lets through
    dead = eqx.tree_at(lambda field: field.layers[-1].bias, dead, bias)
    rng = np.random.default_rng(0)
    ends = np.full(4, 1.0, np.float32), np.full(4, 2.0, np.float32)
    origin, direction = rng.standard_normal((2, 4, 3)).astype(np.float32)
    rays = Rays(origin, direction, *ends)
    seen = Observation(rays, np.zeros((4, 3), np.float32))
    rule, loop = inner("adam", 1e-3, 3)
    with pytest.raises(DivergedError, match=r"stands still at step 3.*white void") as raised:
        fit(Volume(samples=4), dead, rule, seen, loop, key, snapshots=(0,))
    assert set(raised.value.snapshots) == {0}
    alive = fit(Volume(samples=4, density="softplus"), dead, rule, seen, loop, key)
    assert len(alive.losses) == 3
