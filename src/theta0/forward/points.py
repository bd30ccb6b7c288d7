"""The identity map: the signal is observed directly, at points (images)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float

from theta0.fields import Field, evaluate


@dataclass(frozen=True)
class Points:
    """``M(f, p) = f(p)``."""

    @property
    def samples(self) -> int:
        """One evaluation an observation."""
        return 1

    def __call__(
        self, field: Field, p: Float[Array | np.ndarray, "n d"], key: Array | None = None
    ) -> Float[Array, "n c"]:
        """Values of the field at the points."""
        return evaluate(field, p)
