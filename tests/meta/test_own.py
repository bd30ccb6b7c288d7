"""A meta-learner of one's own that remembers, and outer optimizers of optax."""

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.conformance import check_meta_gradient
from theta0.fields import Fourier, trained, weights
from theta0.forward import Points
from theta0.inner import SGD, StepSizes
from theta0.meta import MAML, Learned, Reptile, learn
from theta0.store import Stored

from .waves import FAMILY, FIELD, LEARNED, OUTER, assert_identical, run, validate


@dataclass(frozen=True)
class Remembering(Reptile):
    """Reptile along the exponential mean of its directions."""

    decay: float = 0.8

    def init(self, learned):
        return jax.tree.map(jnp.zeros_like, trained(learned))

    def conclude(self, learned, loss, direction, state):
        mix = lambda mean, new: self.decay * mean + (1 - self.decay) * new
        mean = jax.tree.map(mix, state, trained(direction))
        return mean, mean


META = Remembering(2, SGD(0.01))


def by_hand(meta, steps, lr):
    """Gradient descent along the mean of the directions, step by step."""
    learned, mean = LEARNED, None
    call = eqx.filter_jit(meta)
    for step in range(steps):
        key = jax.random.fold_in(jax.random.PRNGKey(1), step)
        tasks = jax.tree.map(jnp.asarray, FAMILY.training_tasks(1, step, OUTER.tasks))
        direction = trained(call(Points(), learned, tasks, key)[1])
        old = jax.tree.map(jnp.zeros_like, direction) if mean is None else mean
        mean = jax.tree.map(lambda m, d: 0.8 * m + 0.2 * d, old, direction)
        learned = eqx.apply_updates(learned, jax.tree.map(lambda m: -lr * m, mean))
    return learned


@pytest.mark.slow
def test_what_a_meta_learner_remembers_shapes_every_step():
    found = run(meta=META, optimizer=optax.sgd(0.5)).last
    plain = run(meta=Reptile(2, SGD(0.01)), optimizer=optax.sgd(0.5)).last
    expected = by_hand(META, OUTER.steps, 0.5)
    groups = zip(*map(weights, (found, expected, plain, LEARNED)), strict=True)
    for one, other, without, before in groups:
        # Compiled as one program or as several, and on one device or two: roundings of the moves.
        moved = float(jnp.abs(other - before).max())
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * moved + 1e-7)
        assert float(jnp.abs(one - without).max()) > 0.1 * moved


@pytest.mark.slow
def test_it_is_in_the_checkpoint(tmp_path):
    run(tmp_path, meta=META)
    arrays = Stored(tmp_path / "checkpoints" / "last.safetensors").arrays
    remembered = {name: array for name, array in arrays.items() if name.startswith("meta_state.")}
    assert len(remembered) == len(weights(LEARNED))
    assert all(np.any(array) for array in remembered.values())


@pytest.mark.parametrize("at", [2, 4, 7])
def test_killed_and_resumed_it_equals_an_uninterrupted_run(tmp_path, at):
    def kill(progress):
        if progress.step == at:
            raise KeyboardInterrupt

    whole = run(tmp_path / "whole", meta=META, validate=validate)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", meta=META, validate=validate, on_step=kill)
    resumed = run(tmp_path / "killed", meta=META, validate=validate)
    assert_identical(resumed.last, whole.last)
    assert_identical(resumed.best, whole.best)
    files = [tmp_path / name / "checkpoints" / "last.safetensors" for name in ("whole", "killed")]
    one, other = (Stored(path).arrays for path in files)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array)


@pytest.mark.slow
def test_it_passes_the_check_of_meta_learners():
    tasks = jax.tree.map(jnp.asarray, FAMILY.training_tasks(0, 0, 2))
    check_meta_gradient(META, Points(), LEARNED, tasks)


@pytest.mark.slow
def test_an_outer_optimizer_of_optax_leaves_what_is_not_trained_untouched(tmp_path):
    # Weight decay shrinks every weight it sees, whatever its gradient.
    config = Fourier(width=8, layers=2, features=4, bandwidth=5.0)
    field, rule = config.build(jax.random.PRNGKey(0)), SGD(0.01)
    begun: Any = Learned(field, rule.build(field))
    optimizer = optax.adamw(1e-3, weight_decay=10.0)
    found: Any = learn(
        MAML(2, rule), Points(), begun, FAMILY, OUTER, 1, tmp_path, optimizer=optimizer
    ).last
    np.testing.assert_array_equal(found.field.frequencies.value, field.frequencies.value)
    np.testing.assert_array_equal(found.rule.lr.value, begun.rule.lr.value)
    assert found.field.config == config
    # 11 steps: a step of at most 1e-3 from Adam, and a factor of 1 - 1e-3 * 10.
    for new, old in zip(found.field.layers, field.layers, strict=True):
        shrunk = old.weight * 0.99**11
        np.testing.assert_allclose(new.weight, shrunk, rtol=0, atol=11.5e-3)
        assert jnp.linalg.norm(new.weight) < 0.95 * jnp.linalg.norm(old.weight)
    arrays = Stored(tmp_path / "checkpoints" / "last.safetensors").arrays
    assert not any("frequencies" in name for name in arrays if name.startswith("optimizer_state"))


@pytest.mark.slow
def test_an_outer_step_is_that_of_the_optimizer_given():
    optimizer, weighted = optax.adamw(1e-2, weight_decay=0.3), trained(LEARNED)
    meta, key = MAML(2, SGD(0.01)), jax.random.fold_in(jax.random.PRNGKey(1), 0)
    tasks = jax.tree.map(jnp.asarray, FAMILY.training_tasks(1, 0, OUTER.tasks))
    direction = trained(eqx.filter_jit(meta)(Points(), LEARNED, tasks, key)[1])
    updates, _ = optimizer.update(direction, optimizer.init(weighted), weighted)
    expected = eqx.apply_updates(LEARNED, updates)

    found = run(meta=meta, outer=replace(OUTER, steps=1), optimizer=optimizer).last
    for one, other, before in zip(*map(weights, (found, expected, LEARNED)), strict=True):
        # Adam's first step divides a gradient by its own size: roundings of small ones show.
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-4)
        assert float(jnp.abs(one - before).max()) > 5e-3


@pytest.mark.slow
def test_field_and_rule_may_have_optimizers_of_their_own():
    rule = StepSizes(0.01, "weight", 2).build(FIELD)
    begun = Learned(FIELD, rule)
    still, moving = optax.set_to_zero(), optax.sgd(0.1)
    pair: Any = Learned
    for labels in (pair("still", "moving"), pair("moving", "still")):
        optimizer = optax.multi_transform({"still": still, "moving": moving}, labels)
        found = learn(MAML(2), Points(), begun, FAMILY, OUTER, optimizer=optimizer).last
        for part in ("field", "rule"):
            pairs = zip(weights(getattr(found, part)), weights(getattr(begun, part)), strict=True)
            moved = any(np.any(new != old) for new, old in pairs)
            assert moved == (getattr(labels, part) == "moving")


@pytest.mark.slow
def test_a_learner_takes_its_rule_as_settings_or_words():
    # In a process of its own: types are checked at run time in this one, of users they are not.
    code = (
        "import optax, theta0; from theta0 import MAML, SGD, Then; "
        "assert MAML(3, 'sgd:1e-2') == MAML(3, SGD(1e-2)); "
        "assert Then('sgd:1', 2, 'sgd:2') == Then(SGD(1.0), 2, SGD(2.0)); "
        "MAML(rule=optax.sgd(1e-2))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "InputError: rule is of type GradientTransformation" in done.stderr
