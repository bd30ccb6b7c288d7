"""What a Field is: a coordinate network ``f_theta`` from points to signal values."""

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError, require_positive
from theta0.memory import MAX_BYTES, check_memory
from theta0.registry import FIELDS


@FIELDS.base_class
class NetworkConfig:
    """Settings of a coordinate network: a frozen dataclass of plain values.

    A custom network derives from it and is registered: ``@theta0.register("field", NAME)``.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    in_size: int
    """coordinates of a point"""
    out_size: int
    """channels of the signal"""

    @abstractmethod
    def build(self, key: Array) -> "Field":
        """A fresh network with its usual random weights."""
        raise NotImplementedError


class Field(eqx.Module):
    """A coordinate network.

    ``field(x)`` maps one point ``x: (d,)`` to ``(c,)``, or points along trailing axes
    ``(d, n)`` to ``(c, n)``; both must agree. Every inexact array leaf is a weight, unless it is
    wrapped in :class:`Frozen`. A field that is to be saved has the settings it was built from
    as the static attribute ``config``.
    """

    @abstractmethod
    def __call__(self, x: Float[Array, "d *points"]) -> Float[Array, "c *points"]:
        """Signal values at ``x``."""

    def for_size(self, size: int) -> "Field":
        """The same for a signal of ``size`` samples per side; itself, unless it has samples too.

        Raises:
            InputError: what it has learned cannot be carried over.
        """
        return self

    def step_scales(self) -> Any:
        """How many times larger the steps of each weight are than those of a dense layer.

        Numbers like the trained weights, by which step sizes begin. A weight that few points see
        has a smaller share in the gradient of their mean, and needs them larger.
        """
        params = trained(self)
        is_field = lambda node: isinstance(node, Field) and node is not params
        scale = lambda node: node.step_scales() if isinstance(node, Field) else 1.0
        return jax.tree.map(scale, params, is_leaf=is_field)


MAX_LAYERS = 1000
"""More are refused: a description that asks for a million would be built for hours."""


def check_sizes(config: Any, *names: str, inputs: int | None = None) -> None:
    """Refuse settings of a network that are not above 0, or ask for too many weights.

    Args:
        config: settings of a network of ``layers`` dense layers, ``width`` wide.
        names: of its settings besides those that all of them have.
        inputs: what its first layer sees; ``in_size`` coordinates when left out.
    """
    require_positive(config, "in_size", "out_size", "width", "layers", *names)
    width, layers = config.width, config.layers
    if layers > MAX_LAYERS:
        raise InputError(f"layers is {layers}; give at most {MAX_LAYERS}")
    sizes = [inputs or config.in_size, *[width] * (layers - 1), config.out_size]
    needed = 4 * sum(sizes[layer] * sizes[layer + 1] for layer in range(layers))
    told = ", ".join(f"{name} {getattr(config, name)}" for name in ("layers", *names))
    check_memory(f"width is {width}, {told}", needed, MAX_BYTES, "choose a smaller network")


class Frozen(eqx.Module):
    """An array that belongs to the field but is not trained (the frequencies of an encoding)."""

    value: Array

    def __call__(self) -> Array:
        return jax.lax.stop_gradient(self.value)


def config_of(field: Field) -> NetworkConfig:
    """The settings that a field was built from.

    Raises:
        InputError: it does not say.
    """
    config = getattr(field, "config", None)
    if not isinstance(config, NetworkConfig):
        raise InputError(
            f"{type(field).__name__} does not say which settings it was built from; give it an "
            "attribute `config: MySettings = eqx.field(static=True)`"
        )
    return config


def evaluate(
    field: Field, points: Float[Array | np.ndarray, "points d"]
) -> Float[Array, "points c"]:
    """Values of ``field`` at an array of points, points leading."""
    # Without the barriers XLA moves the transposes into the first and last products, whose
    # operands then no longer suit its CPU kernel: 8 % of a SIREN's gradient.
    barrier = jax.lax.optimization_barrier
    return barrier(field(barrier(jnp.asarray(points).T))).T


def trained(tree: Any) -> Any:
    """The trained arrays of a field (or any pytree of modules), None in place of all else."""
    is_frozen = lambda node: isinstance(node, Frozen)
    spec = jax.tree.map(
        lambda node: not is_frozen(node) and eqx.is_inexact_array(node), tree, is_leaf=is_frozen
    )
    return eqx.filter(tree, spec)


def weights(tree: Any) -> list[Array]:
    """The trained arrays of a field (or any pytree of modules), in tree order."""
    return jax.tree.leaves(trained(tree))


def on_device(tree: Any, device: Any) -> Any:
    """A field (or any pytree of modules) with its arrays on a device; the rest, such as functions
    that it calls, as it is."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.device_put(arrays, device), rest)


def count_weights(field: Field) -> int:
    """Number of trained scalars of a field."""
    return sum(leaf.size for leaf in weights(field))
