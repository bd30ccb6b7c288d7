"""Small tasks of every kind of signal, and settings of meta-learners for them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import Finer, Fourier, Gaussian, Positional, Siren, Wire
from theta0.forward import Lines, Observation, Points, Rays, Segments, Volume
from theta0.inner import SGD, Adam
from theta0.meta import Learned
from theta0.signals import Task


def points_p(rng, n):
    return jnp.asarray(rng.random((n, 2)))


def lines_p(rng, n):
    return Segments(jnp.asarray(rng.random((n, 2))), jnp.asarray(rng.random((n, 2))))


def rays_p(rng, n):
    origin, direction = rng.random((n, 3)), rng.standard_normal((n, 3))
    return Rays(jnp.asarray(origin), jnp.asarray(direction), jnp.zeros(n), jnp.full(n, 2.0))


# The step sizes make the loss fall by a tenth to a half in a step: second order matters.
CASES = {
    "points": (
        Points(), Siren(width=8, layers=3, w0=10.0, out_size=1), points_p, 1, 2e-2,
    ),
    "lines": (
        Lines(samples=4), Fourier(width=8, layers=3, features=6, bandwidth=4.0),
        lines_p, 1, 1.0,
    ),
    "volume": (
        Volume(samples=5, density="softplus"),
        Positional(width=8, layers=3, bands=3, max_exponent=2.0), rays_p, 3, 0.5,
    ),
    "siren, w0 by layer": (
        Points(), Siren(width=8, layers=3, layer_w0=(20.0, 5.0), out_size=1), points_p, 1, 5e-2,
    ),
    "finer": (
        Points(), Finer(width=8, layers=3, w0=10.0, out_size=1), points_p, 1, 2e-2,
    ),
    "wire": (
        Points(), Wire(width=12, layers=3, omega0=5.0, sigma0=2.0, out_size=1), points_p, 1, 5e-2,
    ),
    "gaussian": (
        Points(), Gaussian(width=8, layers=3, sigma=0.3, out_size=1), points_p, 1, 5e-2,
    ),
}  # fmt: skip


def build(case, dtype=np.float64, tasks=2):
    forward, config, places, channels, lr = CASES[case]
    rng = np.random.default_rng(0)

    def observation(n):
        return Observation(places(rng, n), jnp.asarray(rng.random((n, channels))))

    each = [Task(observation(9), observation(7)) for _ in range(tasks)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves).astype(dtype), *each)
    field = config.build(jax.random.PRNGKey(3))
    # A bias of zero behind eight dead ReLUs stands exactly on a kink, where there is no gradient.
    moved = lambda leaf: (
        jnp.asarray(rng.normal(0, 0.1, leaf.shape), leaf.dtype) if leaf.ndim == 1 else leaf
    )
    return forward, jax.tree.map(moved, field), stacked, lr


def one(tasks, index=0):
    return jax.tree.map(lambda leaf: leaf[index], tasks)


def inner(optimizer, lr, steps, batch=None):
    """Settings of a meta-learner."""
    rule = SGD(lr) if optimizer == "sgd" else Adam(0.01)
    return {"steps": steps, "rule": rule, "batch": batch}


def learned(meta, field):
    return Learned(field, meta.inner.rule.build(field))


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)
