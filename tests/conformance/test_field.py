"""The check of networks finds what is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.conformance import check_field
from theta0.fields import Field

pytestmark = pytest.mark.usefixtures("quick_compilation")

POINTS = np.random.default_rng(0).random((6, 2), np.float32)


class Right(Field):
    """``w x``, one weight per coordinate."""

    w: jax.Array

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


class Weightless(Field):
    """A wrong field: nothing of it can be trained."""

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
        (Leading, "differs by .* from one point"), (Scalar, "one point has shape"),
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
