"""What every forward map must do."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from theta0.fields import Field
from theta0.forward import ForwardMap

from ._complete import assert_complete
from ._derivatives import check_gradient, float64, frozen_as_is, to_float64
from ._trees import inexact


def check_forward(forward: ForwardMap, field: Field, p: Any, rtol: float = 1e-5) -> None:
    """Check a forward map.

    Predictions are (n, c), finite, a pure function of their arguments, and each depends on its
    own observation only; the map works under ``jax.jit`` and ``jax.vmap`` over tasks and over
    fields; gradients with respect to the weights match finite differences.

    Args:
        forward: the map.
        field: a network it can measure.
        p: where at least three observations are made; arrays with observations leading.
        rtol: see :func:`check_gradient`.
    """
    assert_complete(forward, "forward")
    prediction = _check_predictions(forward, field, p)
    _check_maps(forward, field, p, prediction)
    with float64():
        wide, places = to_float64(field), to_float64(p)
        mixture = np.random.default_rng(1).standard_normal(prediction.shape)
        value = lambda field: jnp.sum(mixture * forward(field, places))
        gradient = eqx.filter_jit(eqx.filter_grad(value))(wide)
        finite = [bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(inexact(gradient))]
        assert all(finite), "forward: a gradient is not finite"
        check_gradient(frozen_as_is(value, wide), wide, gradient, rtol)


def _check_predictions(forward: ForwardMap, field: Field, p: Any) -> Float[np.ndarray, "n c"]:
    """Shapes, values, and what a key decides; returns the predictions without one."""
    n = len(jax.tree.leaves(p)[0])
    assert n >= 3, "give at least three observations"
    assert forward.samples >= 1, f"forward: samples is {forward.samples}, below 1"
    try:
        hash(forward)
    except TypeError as error:
        raise AssertionError(
            f"forward: {error}; decorate {type(forward).__name__} with @dataclass(frozen=True)"
        ) from None
    prediction = np.asarray(forward(field, p))
    shape_is = f"forward: predictions have shape {prediction.shape} for {n} observations"
    assert prediction.ndim == 2 and len(prediction) == n, shape_is
    assert np.isfinite(prediction).all(), "forward: predictions are not finite"
    assert np.array_equal(prediction, forward(field, p)), "forward: not deterministic without key"

    key = jax.random.PRNGKey(7)
    compiled = eqx.filter_jit(forward)
    drawn = np.asarray(compiled(field, p, key))
    assert drawn.shape == prediction.shape, "forward: another shape with a key"
    assert np.isfinite(drawn).all(), "forward: predictions with a key are not finite"
    assert np.array_equal(drawn, compiled(field, p, key)), "forward: one key, two predictions"
    return prediction


def _check_maps(
    forward: ForwardMap, field: Field, p: Any, prediction: Float[np.ndarray, "n c"]
) -> None:
    """Independence of observations, and jit and vmap."""
    compiled, n = eqx.filter_jit(forward), len(prediction)
    order = np.random.default_rng(0).permutation(n)
    allowed = 1e-4 * float(np.abs(prediction).max()) + 1e-30

    def same(got, rows, name):
        error = float(np.abs(np.asarray(got) - rows).max())
        assert error <= allowed, f"forward: {name} changes predictions by {error}"

    def pick(rows):
        return jax.tree.map(lambda leaf: jnp.asarray(leaf)[rows], p)

    same(compiled(field, p), prediction, "jax.jit")
    same(compiled(field, pick(order)), prediction[order], "the order of observations")
    same(compiled(field, pick(slice(2))), prediction[:2], "the presence of other observations")

    pair = jax.tree.map(lambda a, b: jnp.stack([a, b]), pick(slice(None)), pick(order))
    params, static = eqx.partition(field, eqx.is_inexact_array)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), params)

    @jax.jit
    def mapped(params, p):
        one = lambda params, p: forward(eqx.combine(params, static), p)
        return jax.vmap(one, (None, 0))(params, p), jax.vmap(one)(twice, p)

    for name, values in zip(("tasks", "fields"), mapped(params, pair), strict=True):
        same(values, np.stack([prediction, prediction[order]]), f"jax.vmap over {name}")
