"""The check of networks finds what is wrong."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.conformance import check_field
from theta0.fields import Field, NetworkConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

POINTS = np.random.default_rng(0).random((6, 2), np.float32)


@dataclass(frozen=True)
class Settings(NetworkConfig):
    """Of all of them."""

    in_size: int = 2
    out_size: int = 1

    def build(self, key):
        return Right(jnp.asarray([0.3, -0.7]))


class Right(Field):
    """``w x``, one weight per coordinate."""

    w: jax.Array
    config: Settings = eqx.field(static=True, default=Settings())

    def __call__(self, x):
        return jnp.tensordot(self.w, x, 1)[None]


class Leading(Right):
    """A wrong field: it takes the mean over all points it is given."""

    def __call__(self, x):
        return Right.__call__(self, x) - x.mean()


class Scalar(Right):
    """A wrong field: it has no axis of channels."""

    def __call__(self, x):
        return jnp.tensordot(self.w, x, 1)


class Nameless(Field):
    """A wrong field: it does not say which settings it was built from."""

    w: jax.Array

    def __call__(self, x):
        return Right.__call__(self, x)


class Loose(Field):
    """A wrong field: its settings are a leaf of it."""

    w: jax.Array
    config: Settings = Settings()

    def __call__(self, x):
        return Right.__call__(self, x)


class Single(Right):
    """A wrong field: it takes one point alone."""

    def __call__(self, x):
        return Right.__call__(self, x - jnp.asarray([0.1, 0.2]))


class Trailing(Right):
    """A wrong field: it puts the channels last."""

    def __call__(self, x):
        return jnp.moveaxis(Right.__call__(self, x), 0, -1)


class Weightless(Field):
    """A wrong field: nothing of it can be trained."""

    config: Settings = eqx.field(static=True, default=Settings())

    def __call__(self, x):
        return x[:1]


class Infinite(Right):
    """A wrong field: its values are not finite."""

    def __call__(self, x):
        return Right.__call__(self, x) / 0


class Detached(Right):
    """A wrong field: half of its gradient is lost."""

    def __call__(self, x):
        value = Right.__call__(self, x)
        return (value + jax.lax.stop_gradient(value)) / 2


@pytest.mark.parametrize(
    "wrong, message",
    [
        (Leading, "differs by .* from one point"), (Scalar, "one point .d,. of shape .2,. give"),
        (Nameless, "field: Nameless does not say which settings"), (Loose, "no static attribute"),
        (Single, r"field: points \(d, n\) of shape \(2, 6\) raise .*Error.*first axis"),
        (Trailing, r"points \(d, n\) of shape \(2, 6\) give \(6, 1\), not \(1, 6\)"),
        (Infinite, "not finite"), (Detached, "gradient"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_found(wrong, message):
    check_field(Right(jnp.asarray([0.3, -0.7])), POINTS)
    with pytest.raises(AssertionError, match=message):
        check_field(wrong(jnp.asarray([0.3, -0.7])), POINTS)


def test_a_field_without_weights_is_found():
    with pytest.raises(AssertionError, match="has no weights"):
        check_field(Weightless(), POINTS)
