"""What a ForwardMap is: how a signal is measured (``M`` in the paper, section 3)."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError, require_positive
from theta0.fields import Field, NetworkConfig, config_of
from theta0.registry import FORWARD_MAPS


class Observation(eqx.Module):
    """Pairs ``(p_i, y_i)``: what was measured, and where."""

    p: Any
    """pytree of arrays with the observations as leading axis"""
    y: Float[Array | np.ndarray, "n c"]
    """measured values; no columns where a point is given, but nothing is known of it"""


@FORWARD_MAPS.base_class
class ForwardMap:
    """Maps a field and the places ``p`` of n observations to n predictions.

    A forward map is a frozen dataclass of plain settings: it is hashable, compared by value, and
    saved with an initialization. ``p`` is a pytree whose leaves have the observations as leading
    axis. Random maps (stratified samples) draw from ``key``; with ``key=None`` they are
    deterministic. A custom one derives from this class and is registered:
    ``@theta0.register("forward", NAME)``.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    samples: int
    """evaluations of the field for one observation; decides the size of chunks"""

    @abstractmethod
    def __call__(self, field: Field, p: Any, key: Array | None = None) -> Float[Array, "n c"]:
        """Predictions at ``p``."""
        raise NotImplementedError

    def with_samples(self, samples: int | None) -> "ForwardMap":
        """The same with another number of samples per ray; None: with its own.

        Raises:
            InputError: it has no rays.
        """
        if samples is None:
            return self
        raise InputError(
            f"samples is given as {samples} per ray, but {type(self).__name__} has no rays; leave "
            "it out"
        )


@dataclass(frozen=True)
class RayMap(ForwardMap):
    """A forward map that samples the field along rays."""

    samples: int = 128
    """evaluations of the field along a ray"""

    def __post_init__(self):
        require_positive(self, "samples")

    def with_samples(self, samples: int | None) -> "RayMap":
        """The same with another number of samples per ray; None: with its own."""
        return self if samples is None else replace(self, samples=samples)


def check_shapes(
    forward: ForwardMap,
    field: NetworkConfig,
    p: Any,
    y: Float[Array | np.ndarray, "n c"],
    remedy: str | None = None,
) -> None:
    """Refuse a network that cannot be measured at ``p``, or not to the shape of ``y``.

    Nothing is computed. ``remedy`` is what to do where the network is there already; to give
    another network when left out.

    Raises:
        InputError: says what does not go together.
    """
    predicted = predicted_shape(forward, field, p, remedy)
    if predicted != y.shape:
        raise InputError(
            f"{_in_words(forward, field)} predicts {predicted[1]} channels where the signals have "
            f"{y.shape[1]}; " + (remedy or f"change field.out_size, now {field.out_size}")
        )


def predicted_shape(
    forward: ForwardMap, field: NetworkConfig, p: Any, remedy: str | None = None
) -> tuple[int, ...]:
    """The shape (n, c) of what a network predicts at ``p``; nothing is computed.

    Raises:
        InputError: the network cannot be measured there, or does not say which settings it was
            built from; ``remedy`` as for :func:`check_shapes`.
    """
    built = eqx.filter_eval_shape(field.build, jax.random.PRNGKey(0))
    config_of(built)  # without which no fit could be saved
    try:
        return eqx.filter_eval_shape(forward, built, p).shape
    except Exception as error:  # whatever a forward map raises on a network it is not for
        sizes = f"check field.in_size={field.in_size} and field.out_size={field.out_size}"
        raise InputError(
            f"{_in_words(forward, field)} does not fit these signals: "
            + (remedy or f"{sizes}, or take the preset for this kind of signal")
        ) from error


def _in_words(forward: ForwardMap, field: NetworkConfig) -> str:
    return f"{type(field).__name__} measured by {type(forward).__name__}"
