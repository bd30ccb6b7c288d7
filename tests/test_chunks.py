"""Predictions in chunks are those of the whole."""

import equinox as eqx
import jax
import numpy as np
import pytest

from theta0.chunks import predict, predict_in_blocks
from theta0.fields import Field, PositionalConfig
from theta0.forward import Rays, Volume

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.parametrize("n", [1, 7, 64, 65])
def test_predictions_do_not_depend_on_the_chunks(n, key, monkeypatch):
    rng = np.random.default_rng(n)
    ends = np.full(n, 0.5, np.float32), np.full(n, 2.0, np.float32)
    p = Rays(*rng.standard_normal((2, n, 3)).astype(np.float32), *ends)
    field, forward = PositionalConfig(width=8, layers=2).build(key), Volume(samples=4)
    whole = jax.jit(forward)(field, p)
    for chunk in ("4", "64", "100000"):
        monkeypatch.setenv("THETA0_CHUNK", chunk)
        jax.clear_caches()
        np.testing.assert_allclose(predict(forward, field, p), whole, atol=1e-6)


@pytest.mark.parametrize("n", [1, 63, 64, 200])
def test_blocks_of_one_size_give_the_same(n, key, monkeypatch):
    monkeypatch.setenv("THETA0_CHUNK", "16")  # 4 rays a chunk, 64 a block
    jax.clear_caches()
    rng = np.random.default_rng(n)
    ends = np.full(n, 0.5, np.float32), np.full(n, 2.0, np.float32)
    p = Rays(*rng.standard_normal((2, n, 3)).astype(np.float32), *ends)
    field, forward = PositionalConfig(width=8, layers=2).build(key), Volume(samples=4)
    found = predict_in_blocks(forward, field, p)
    assert found.shape == (n, 3)
    np.testing.assert_allclose(found, forward(field, p), atol=1e-6)
    assert predict._cached._cache_size() == 1


def test_rays_that_meet_nothing_cost_nothing_wherever_they_lie(key, monkeypatch):
    monkeypatch.setenv("THETA0_CHUNK", "16")  # 4 rays a chunk
    jax.clear_caches()
    asked = []

    class Asked(Field):
        field: Field
        config: PositionalConfig = eqx.field(static=True)

        def __call__(self, x):
            jax.debug.callback(lambda: asked.append(1))
            return self.field(x)

    rng = np.random.default_rng(0)
    origin, direction = rng.standard_normal((2, 64, 3)).astype(np.float32)
    near, far = np.zeros((2, 64), np.float32)
    far[[3, 10, 11, 25, 40, 63]] = 2
    p = Rays(origin, direction, near, far)
    field, forward = PositionalConfig(width=8, layers=2).build(key), Volume(samples=4)
    found = predict(forward, Asked(field, field.config), p)
    jax.effects_barrier()
    assert len(asked) == 2  # chunks of 4, for 6 rays
    np.testing.assert_allclose(found, forward(field, p), atol=1e-6)
