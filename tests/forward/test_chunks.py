"""Predictions in chunks are those of the whole."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

from theta0.fields import Field, Positional, Siren
from theta0.forward import Rays, Volume, points_per_chunk, predict, predict_in_blocks

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 7, 64, 65])
def test_predictions_do_not_depend_on_the_chunks(n, key, monkeypatch):
    rng = np.random.default_rng(n)
    ends = np.full(n, 0.5, np.float32), np.full(n, 2.0, np.float32)
    origin, direction = rng.standard_normal((2, n, 3)).astype(np.float32)
    p = Rays(origin, direction, *ends)
    field, forward = Positional(width=8, layers=2).build(key), Volume(samples=4)
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
    origin, direction = rng.standard_normal((2, n, 3)).astype(np.float32)
    p = Rays(origin, direction, *ends)
    field, forward = Positional(width=8, layers=2).build(key), Volume(samples=4)
    found = predict_in_blocks(forward, field, p)
    assert found.shape == (n, 3)
    np.testing.assert_allclose(found, forward(field, p), atol=1e-6)
    cached: Any = predict
    assert cached._cached._cache_size() == 1


def test_rays_that_meet_nothing_cost_nothing_wherever_they_lie(key, monkeypatch):
    monkeypatch.setenv("THETA0_CHUNK", "16")  # 4 rays a chunk
    jax.clear_caches()
    asked = []

    class Asked(Field):
        field: Field
        config: Positional = eqx.field(static=True)

        def __call__(self, x):
            jax.debug.callback(lambda: asked.append(1))
            return self.field(x)

    rng = np.random.default_rng(0)
    origin, direction = rng.standard_normal((2, 64, 3)).astype(np.float32)
    near, far = np.zeros((2, 64), np.float32)
    far[[3, 10, 11, 25, 40, 63]] = 2
    p = Rays(origin, direction, near, far)
    field, forward = Positional(width=8, layers=2).build(key), Volume(samples=4)
    found = predict(forward, Asked(field, field.config), p)
    jax.effects_barrier()
    assert len(asked) == 2  # chunks of 4, for 6 rays
    np.testing.assert_allclose(found, forward(field, p), atol=1e-6)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="an accelerator takes what fits")
@pytest.mark.parametrize("width, points", [(8, 4096), (64, 4096), (128, 2048), (512, 1024)])
def test_a_chunk_is_as_wide_as_the_cache_holds(monkeypatch, key, width, points):
    monkeypatch.delenv("THETA0_CHUNK", raising=False)
    assert points_per_chunk(Siren(width=width, layers=4).build(key)) == points


def test_the_chunk_size_follows_the_environment(monkeypatch, key):
    monkeypatch.delenv("THETA0_CHUNK", raising=False)
    assert points_per_chunk(Siren().build(key)) == 1024
    monkeypatch.setenv("THETA0_CHUNK", "77")
    assert points_per_chunk(Siren().build(key)) == 77
