"""What a Field is: a coordinate network ``f_theta`` from points to signal values."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError, require_positive


class Field(eqx.Module):
    """A coordinate network.

    ``field(x)`` maps one point ``x: (d,)`` to ``(c,)``, or points along trailing axes
    ``(d, n)`` to ``(c, n)``; both must agree. Every inexact array leaf is a weight, unless it is
    wrapped in :class:`Frozen`. ``config`` is the frozen dataclass the field was built from.
    """

    @abstractmethod
    def __call__(self, x: Float[Array, "d *points"]) -> Float[Array, "c *points"]:
        """Signal values at ``x``."""


MAX_LAYERS = 1000
"""More are refused: a description that asks for a million would be built for hours."""


def check_sizes(config: object, *names: str) -> None:
    """Refuse settings of a network that are not above 0, or too many layers."""
    require_positive(config, "in_size", "out_size", "width", "layers", *names)
    if (layers := getattr(config, "layers")) > MAX_LAYERS:  # noqa: B009
        raise InputError(f"layers is {layers}; give at most {MAX_LAYERS}")


class Frozen(eqx.Module):
    """An array that belongs to the field but is not trained (the frequencies of an encoding)."""

    value: Array

    def __call__(self) -> Array:
        return jax.lax.stop_gradient(self.value)


def evaluate(
    field: Field, points: Float[Array | np.ndarray, "points d"]
) -> Float[Array, "points c"]:
    """Values of ``field`` at an array of points, points leading."""
    # Without the barriers XLA moves the transposes into the first and last products, whose
    # operands then no longer suit its CPU kernel: 8 % of a SIREN's gradient.
    barrier = jax.lax.optimization_barrier
    return barrier(field(barrier(jnp.asarray(points).T))).T


def weights(field: Field) -> list[Array]:
    """The trained arrays of a field, in tree order."""
    leaves = jax.tree.leaves(field, is_leaf=lambda node: isinstance(node, Frozen))
    return [leaf for leaf in leaves if eqx.is_inexact_array(leaf)]


def count_weights(field: Field) -> int:
    """Number of trained scalars of a field."""
    return sum(leaf.size for leaf in weights(field))
