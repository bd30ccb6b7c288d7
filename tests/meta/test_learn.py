"""The outer loop: what it keeps, what it tells, and what it refuses."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.errors import DivergedError
from theta0.fields import Field, trained, weights
from theta0.files import read_jsonl
from theta0.forward import Points
from theta0.inner import SGD
from theta0.meta import MAML, Learned, OuterConfig, learn, meta_step
from theta0.signals import stack
from theta0.store import Stored

from .waves import (
    FAMILY,
    FIELD,
    LEARNED,
    META,
    OUTER,
    Waves,
    assert_identical,
    run,
    validate,
)


@pytest.mark.slow
def test_best_is_the_best_validated_and_last_the_last(whole):
    result, lines = whole
    validated = {
        line["step"]: line["validation_psnr"] for line in lines if "validation_psnr" in line
    }
    assert sorted(validated) == [3, 6, 9, 11]
    best = max(validated, key=lambda step: validated[step])
    assert best < 11, "the stand-in should fall at the end"
    assert result.progress.best_psnr == validated[best] == validate(result.best)
    assert validate(result.last) == validated[11] < validated[best]


def test_new_bests_are_told_once_each(tmp_path):
    told = []
    result = run(
        tmp_path, validate=validate, on_best=lambda field, p: told.append((p.step, validate(field)))
    )
    values = [value for _, value in told]
    assert values == sorted(set(values)) and values[-1] == validate(result.best)


def test_without_validation_the_best_is_the_last():
    result = run()
    assert_identical(result.best, result.last)
    assert result.progress.best_psnr is None


def test_a_validation_that_is_not_a_number_is_never_the_best(tmp_path):
    values = iter([float("nan"), 12.0, float("nan"), 11.0])
    result = run(tmp_path, validate=lambda field: next(values))
    assert result.progress.best_psnr == 12.0
    assert len(read_jsonl(tmp_path / "metrics.jsonl")) == 11


@pytest.mark.slow
def test_divergence_is_an_error_and_keeps_the_last_good_checkpoint(tmp_path):
    class Cursed(Waves):
        def training_tasks(self, seed, step, count):
            tasks = super().training_tasks(seed, step, count)
            bad = np.where(step == 6, np.float32(np.nan), tasks.query.y)
            return eqx.tree_at(lambda tasks: tasks.query.y, tasks, bad)

    with pytest.raises(DivergedError, match="outer step 7"):
        learn(META, Points(), LEARNED, Cursed(), OUTER, seed=1, folder=tmp_path)
    stored = Stored(tmp_path / "checkpoints" / "last.safetensors")
    assert stored.facts["step"] == 4
    assert all(np.isfinite(array).all() for array in stored.arrays.values())
    # From there a healthy run goes on.
    assert run(tmp_path).progress.step == 11


@pytest.mark.slow
def test_a_meta_step_is_a_step_on_the_mean_direction(key):
    batch = jax.tree.map(jnp.asarray, FAMILY.training_tasks(0, 0, 2))
    loss, direction = eqx.filter_jit(META)(Points(), LEARNED, batch, key)
    optimizer = optax.sgd(0.5)
    state = optimizer.init(trained(LEARNED))
    (field, _), _, _, found, _ = eqx.filter_jit(meta_step)(
        META, Points(), None, optimizer, LEARNED, state, None, batch, key
    )
    np.testing.assert_allclose(found, loss, rtol=1e-6)
    for new, old, d in zip(weights(field), weights(FIELD), weights(direction), strict=True):
        np.testing.assert_allclose(new, old - 0.5 * d, rtol=0, atol=1e-6)


def test_a_dead_network_ends_the_training():
    class Void(Field):
        weight: jax.Array

        def __call__(self, x):
            return 0 * x[:1]

    with pytest.raises(DivergedError, match=r"nothing to learn at outer step 1.*softplus"):
        void = Learned(Void(jnp.ones(3)), LEARNED.rule)
        learn(META, Points(), void, FAMILY, OuterConfig(lr=1e-3, steps=2))


@pytest.mark.slow
def test_meta_training_finds_a_better_initialization():
    # A smoke test of the whole: two inner steps, large enough for this network to adapt, fit
    # unseen waves better after 60 outer steps. The loss falls to 0.43 of what it was.
    meta = MAML(steps=2, rule=SGD(0.1))
    begin = Learned(FIELD, meta.rule.build(FIELD))
    outer = OuterConfig(lr=3e-3, steps=60, tasks=2)
    learned = learn(meta, Points(), begin, FAMILY, outer, seed=1).last
    unseen = jax.tree.map(jnp.asarray, stack([FAMILY.held_out("test", i) for i in range(32)]))
    loss = eqx.filter_jit(meta)
    before, after = (
        float(loss(Points(), pair, unseen, jax.random.PRNGKey(0))[0]) for pair in (begin, learned)
    )
    assert after < 0.6 * before


def test_the_log_is_plain_json(whole):
    for line in whole[1]:
        json.dumps(line, allow_nan=False)
        assert set(line) <= {"step", "loss", "seconds", "validation_psnr", "best_psnr"}
