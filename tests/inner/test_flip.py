"""Flip test-time augmentation: a signal on a plane fitted as it is, and mirrored."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import DivergedError, InputError
from theta0.fields import FlipAverageField, config_of, flip
from theta0.forward import Observation
from theta0.inner import adapt, fit

from .cases import CASES, assert_close, inner, points_case, single_points, volume_case

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["points", "lines"])
def test_a_flipped_fit_is_one_of_the_signal_and_one_of_its_mirror_image(x64, key, case):
    forward, config, observation = CASES[case]()
    rule, loop = inner("adam", 0.01, 4, flip=True)
    told = []
    found = fit(
        forward, config.build(key), rule, observation, loop, key, (0, 2),
        on_progress=lambda *args: told.append(args),
    )  # fmt: skip
    alone = [
        fit(
            forward, config.build(key), rule, Observation(p, observation.y),
            loop._replace(flip=False), jax.random.fold_in(key, number), (0, 2),
        )
        for number, p in enumerate((observation.p, jax.tree.map(flip, observation.p)))
    ]  # fmt: skip
    assert isinstance(found.field, FlipAverageField) and set(found.snapshots) == {0, 2}
    for of in (lambda one: one.field, lambda one: one.snapshots[2]):
        assert_close(of(found).upright, of(alone[0]))
        assert_close(of(found).flipped, of(alone[1]))
    np.testing.assert_allclose(found.losses, (alone[0].losses + alone[1].losses) / 2)
    steps = [step for step, _ in told]
    assert steps == sorted(steps) and steps[-1] == 4
    # Fitted copies go on from where they are.
    again = fit(forward, found.field, rule, observation, loop, key)
    assert config_of(again.field) == config_of(found.field)


@pytest.mark.slow
def test_a_mirror_image_fits_to_the_mirror_image(x64, key):
    forward, config, observation = points_case()
    fresh, (rule, loop) = config.build(key), inner("sgd", 0.01, 3, flip=True)
    reversed_one = Observation(flip(observation.p), observation.y)
    one, other = (
        fit(forward, fresh, rule, seen, loop, key).field for seen in (observation, reversed_one)
    )
    places = jnp.asarray(np.random.default_rng(2).random((7, 2)))
    np.testing.assert_allclose(forward(one, places), forward(other, flip(places)), rtol=1e-10)


def test_signals_in_space_and_meta_training_are_not_flipped(key):
    rule, loop = inner("sgd", 0.01, 2, flip=True)
    forward, config, rays = volume_case()
    with pytest.raises(InputError, match="plane"):
        fit(forward, config.build(key), rule, rays, loop, key)
    forward, config, observation = points_case()
    with pytest.raises(InputError, match="number of steps instead"):
        fit(forward, config.build(key), rule, observation, loop, key, seconds=1.0)
    with pytest.raises(InputError, match="not for meta-training"):
        adapt(forward, config.build(key), rule, observation, loop, key)


def test_of_two_copies_that_diverge_what_both_reached_is_kept(key):
    forward, config, observation = single_points()
    rule, loop = inner("sgd", 1e30, 5, flip=True)
    with pytest.raises(DivergedError) as error:
        fit(forward, config.build(key), rule, observation, loop, key, (0, 4))
    assert set(error.value.snapshots) == {0}
    assert isinstance(error.value.snapshots[0], FlipAverageField)
