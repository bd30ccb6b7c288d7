"""The one inner loop: the same in meta-training and at test time, its batches and its settings."""

from dataclasses import dataclass

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import ForwardMap, Observation, Points
from theta0.inner import SGD, InnerConfig, InnerLoop, Objective, adapt, fit

from .cases import assert_close, inner, lines_case, points_case, single_points

pytestmark = pytest.mark.usefixtures("quick_compilation")


@dataclass(frozen=True)
class Recorder(ForwardMap):
    """The identity map, telling which points it is asked for."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        jax.debug.callback(lambda rows: SEEN.append(np.asarray(rows)), p, ordered=True)
        return Points()(field, p)


SEEN: list[np.ndarray] = []


def test_batches_are_drawn_from_the_observations_and_differ_per_step(key):
    SEEN.clear()
    _, config, observation = single_points(100)
    rule, loop = optax.sgd(1e-3), InnerLoop(4, batch=10)
    fit(Recorder(), config.build(key), rule, observation, loop, key)
    jax.effects_barrier()
    everything = {tuple(row) for row in np.asarray(observation.p)}
    batches = [{tuple(row) for row in rows} for rows in SEEN]
    assert len(batches) == 4 and all(rows.shape == (10, 2) for rows in SEEN)
    assert all(batch <= everything for batch in batches)
    assert len({frozenset(batch) for batch in batches}) == 4


@pytest.mark.slow
def test_a_batch_keeps_points_and_values_together(x64, key):
    # Where the field fits every pair exactly, any batch has zero loss if and only if p and y match.
    forward, config, observation = points_case(50)
    field = config.build(key)
    exact = Observation(observation.p, forward(field, observation.p))
    rule, loop = optax.sgd(1e-2), InnerLoop(3, batch=8)
    losses = eqx.filter_jit(lambda data: adapt(forward, field, rule, data, loop, key)[1])
    assert losses(exact).max() < 1e-28
    assert losses(observation).min() > 1e-3


@pytest.mark.parametrize(
    "name, steps, batch",
    [
        ("sgd", 3, None),
        pytest.param("adam", 3, 6, marks=pytest.mark.slow),
        pytest.param("sgd", 6, 6, marks=pytest.mark.slow),
    ],
)
def test_the_fit_in_meta_training_is_the_fit_at_test_time(x64, key, name, steps, batch):
    # Up to 4 steps adapt is unrolled, from 5 on it scans; fit always loops on the device.
    forward, config, observation = lines_case()
    field = config.build(key)
    rule, loop = inner(name, 0.05, steps, batch)
    run = jax.random.PRNGKey(5)
    inside, losses = eqx.filter_jit(adapt)(forward, field, rule, observation, loop, run)
    outside = fit(forward, field, rule, observation, loop, run, snapshots=range(steps + 1))
    np.testing.assert_allclose(outside.losses, losses, rtol=1e-9)
    assert_close(outside.field, inside, rtol=1e-9)
    # Step by step: the snapshot after k steps is what k steps alone give.
    alone = eqx.filter_jit(adapt)(forward, field, rule, observation, loop._replace(steps=2), run)[0]
    assert_close(outside.snapshots[2], alone, rtol=1e-9)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0}, {"steps": -3}, {"lr": 0.0}, {"lr": -1e-3}, {"lr": float("nan")},
        {"lr": float("inf")}, {"huber": -0.1}, {"huber": float("nan")},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_input_errors(settings):
    (name,) = settings
    kind = {"steps": InnerConfig, "lr": SGD, "huber": Objective}[name]
    with pytest.raises(InputError, match=name):
        kind(**settings)
