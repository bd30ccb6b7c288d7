"""The identity map: the signal is observed directly, at points (images)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float

from theta0.fields import Field, evaluate
from theta0.registry import FORWARD_MAPS

from ._base import ForwardMap


@FORWARD_MAPS.register("points")
@dataclass(frozen=True)
class Points(ForwardMap):
    """The signal itself, at points: ``M(f, p) = f(p)``."""

    @property
    def samples(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """One evaluation per observation."""
        return 1

    def __call__(
        self, field: Field, p: Float[Array | np.ndarray, "n d"], key: Array | None = None
    ) -> Float[Array, "n c"]:
        """Values of the field at the points."""
        return evaluate(field, p)
