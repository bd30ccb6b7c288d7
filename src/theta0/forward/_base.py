"""What a ForwardMap is: how a signal is measured (``M`` in the paper, section 3)."""

from abc import abstractmethod
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError
from theta0.fields import Field, FieldConfig


@runtime_checkable
class ForwardMap(Protocol):
    """Maps a field and the places ``p`` of n observations to n predictions.

    A forward map is a frozen dataclass of plain settings: it is hashable, compared by value, and
    saved with an initialization. ``p`` is a pytree whose leaves have the observations as leading
    axis. Random maps (stratified samples) draw from ``key``; with ``key=None`` they are
    deterministic.
    """

    @property
    def samples(self) -> int:
        """Evaluations of the field for one observation; decides the size of chunks."""
        ...

    @abstractmethod
    def __call__(self, field: Field, p: Any, key: Array | None = None) -> Float[Array, "n c"]:
        """Predictions at ``p``."""
        ...


def check_shapes(
    forward: ForwardMap, field: FieldConfig, p: Any, y: Float[Array | np.ndarray, "n c"]
) -> None:
    """Refuse a network that cannot be measured at ``p``, or not to the shape of ``y``.

    Nothing is computed.

    Raises:
        InputError: says what does not go together.
    """
    built = jax.eval_shape(field.build, jax.random.PRNGKey(0))
    kinds = f"{type(field).__name__} measured by {type(forward).__name__}"
    try:
        predicted = jax.eval_shape(forward, built, p)
    except Exception as error:  # whatever a forward map raises on a network it is not for
        raise InputError(
            f"{kinds} does not fit these signals: check field.in_size={field.in_size} and "
            f"field.out_size={field.out_size}, or take the preset for this kind of signal"
        ) from error
    if predicted.shape != y.shape:
        raise InputError(
            f"{kinds} predicts {predicted.shape[1]} channels where the signals have {y.shape[1]}; "
            f"change field.out_size, now {field.out_size}"
        )
