"""What every coordinate network must do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.fields import Field, weights

from ._derivatives import check_gradient, float64, frozen_as_is, to_float64


def check_field(field: Field, points: Float[Array | np.ndarray, "n d"], rtol: float = 1e-5) -> None:
    """Check a coordinate network.

    One point, points along trailing axes and ``jax.vmap`` agree; values are finite; there are
    weights, and the gradient with respect to them matches finite differences.

    Args:
        field: the network.
        points: a few places where it is defined, an even number.
        rtol: see :func:`check_gradient`.
    """
    x = jnp.asarray(points).T
    one = jax.eval_shape(field, x[:, 0])
    assert one.ndim == 1, f"field(x) of one point has shape {one.shape}, not (channels,)"

    @eqx.filter_jit
    def layouts(field, x):
        one_by_one = jnp.stack([field(column) for column in x.T], axis=1)
        two_axes = field(x.reshape(len(x), 2, -1))
        two_axes = two_axes.reshape(len(two_axes), -1)
        return one_by_one, field(x), two_axes, jax.vmap(field, 1, 1)(x)

    one_by_one, *others = layouts(field, x)
    assert np.isfinite(one_by_one).all(), "field: values are not finite"
    # Not bit for bit: sums run in another order, and high frequencies amplify the rounding.
    allowed = 1e-4 * float(jnp.abs(one_by_one).max()) + 1e-30
    names = "points along a trailing axis", "points along two trailing axes", "jax.vmap", "no jit"
    for name, values in zip(names, [*others, field(x)], strict=True):
        error = float(jnp.abs(values - one_by_one).max())
        assert error <= allowed, f"field: {name} differs by {error} from one point at a time"
    assert weights(field), "field: has no weights"
    with float64():
        wide, x64 = to_float64(field), jnp.asarray(points, jnp.float64).T
        mixture = np.random.default_rng(2).standard_normal(one_by_one.shape)
        value = lambda field: jnp.sum(mixture * field(x64))
        gradient = eqx.filter_jit(eqx.filter_grad(value))(wide)
        check_gradient(frozen_as_is(value, wide), wide, gradient, rtol)
