"""What every coordinate network must do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError
from theta0.fields import Field, config_of, weights

from ._complete import assert_complete
from ._derivatives import check_gradient, float64, frozen_as_is, to_float64


def check_field(field: Field, points: Float[Array | np.ndarray, "n d"], rtol: float = 1e-5) -> None:
    """Check a coordinate network.

    It has its settings as the static attribute ``config``; one point, points along trailing axes
    and ``jax.vmap`` agree; values are finite; there are weights, and the gradient with respect to
    them matches finite differences.

    Args:
        field: the network.
        points: a few places where it is defined, an even number.
        rtol: see :func:`check_gradient`.
    """
    _check_config(field)
    x = jnp.asarray(points).T
    _check_shapes(field, x)

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


def _check_config(field: Field) -> None:
    """Its settings, which are saved in place of it."""
    try:
        config = config_of(field)
    except InputError as error:
        raise AssertionError(f"field: {error}") from None
    static = all(leaf is not config for leaf in jax.tree.leaves(field))
    assert static, "field: config is no static attribute; give it eqx.field(static=True)"
    assert_complete(config, "field")


def _check_shapes(field: Field, x: Float[Array, "d n"]) -> None:
    """One point (d,), and points along one and two trailing axes, in the shapes of their own."""
    (channels,) = _shape_of(field, x[:, 0], "one point (d,)", 1)
    for named, places in {"(d, n)": x, "(d, n, m)": x.reshape(len(x), 2, -1)}.items():
        found = _shape_of(field, places, f"points {named}", places.ndim)
        wanted = (channels, *places.shape[1:])
        assert found == wanted, (
            f"field: points {named} of shape {places.shape} give {found}, not {wanted}"
        )


def _shape_of(field: Field, x: Float[Array, "d *points"], what: str, axes: int) -> tuple[int, ...]:
    """The shape of ``field(x)``, of so many axes."""
    try:
        found = jax.eval_shape(field, x).shape
    except Exception as error:  # whatever a network raises on points that it does not take
        raise AssertionError(
            f"field: {what} of shape {x.shape} raise {type(error).__name__}: {error}; a field "
            "takes coordinates on its first axis, and any number of axes of points after it"
        ) from error
    assert len(found) == axes, (
        f"field: {what} of shape {x.shape} give {found}, not (channels, *points)"
    )
    return found
