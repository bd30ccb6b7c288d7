"""Small signals of every kind, and the inner loop as anyone would write it."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from theta0.fields import Field, Fourier, Positional, Siren, weights
from theta0.forward import ForwardMap, Lines, Observation, Points, Rays, Segments, Volume
from theta0.inner import SGD, Adam, InnerLoop, Objective

SIREN = Siren(width=8, layers=3, w0=20.0, out_size=2)


def points_case(n=23):
    rng = np.random.default_rng(0)
    p, y = rng.random((n, 2)), rng.random((n, 2))
    return Points(), SIREN, Observation(jnp.asarray(p), jnp.asarray(y))


def lines_case(n=13):
    rng = np.random.default_rng(0)
    p = Segments(jnp.asarray(rng.random((n, 2))), jnp.asarray(rng.random((n, 2))))
    config = Fourier(width=8, layers=3, features=6, bandwidth=5.0)
    return Lines(samples=5), config, Observation(p, jnp.asarray(rng.random((n, 1))))


def volume_case(n=11):
    rng = np.random.default_rng(0)
    near = jnp.full(n, 0.2)
    p = Rays(
        jnp.asarray(rng.random((n, 3))), jnp.asarray(rng.standard_normal((n, 3))), near, near + 2
    )
    config = Positional(width=8, layers=3, bands=3, max_exponent=2.0)
    y = jnp.asarray(rng.random((n, 3)))
    return Volume(samples=6, density="softplus"), config, Observation(p, y)


CASES = {"points": points_case, "lines": lines_case, "volume": volume_case}


def single_points(n=23):
    """Points in single precision, for tests without ``x64``."""
    forward, config, observation = points_case(n)
    single = lambda leaf: jnp.asarray(leaf, jnp.float32)
    return forward, config, jax.tree.map(single, observation)


def inner(name, lr, steps=2, batch=None, flip=False, **objective):
    """An update rule, and the loop that it is for."""
    rule = {"sgd": SGD, "adam": Adam}[name](lr)
    return rule, InnerLoop(steps, batch, Objective(**objective), flip)


def plain_loss(forward, observation, key=None):
    """The mean squared error as anyone would write it."""

    def loss(field):
        return jnp.mean((forward(field, observation.p, key) - observation.y) ** 2)

    return loss


def assert_close(found, expected, rtol=1e-12):
    """Weight by weight, relative to the largest of them: sums run in another order."""
    scale = max(float(jnp.abs(leaf).max()) for leaf in weights(expected))
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * scale)


def assert_identical(found, expected):
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_array_equal(a, b)


@dataclass(frozen=True)
class Counted(ForwardMap):
    """The identity map, counting how often it is traced."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        TRACES.append(1)
        return Points()(field, p)


TRACES: list[int] = []
