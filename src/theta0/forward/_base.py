"""What a ForwardMap is: how a signal is measured (``M`` in the paper, section 3)."""

from abc import abstractmethod
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Array, Float

from theta0.fields import Field


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
