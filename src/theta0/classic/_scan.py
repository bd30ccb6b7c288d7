"""A measured slice: straight rays through the unit square and the integrals along them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError


@dataclass(frozen=True, eq=False)
class Scan:
    """Line integrals of a slice; positions are (row, column) in the unit square."""

    start: Float[np.ndarray, "views rays 2"]
    """one end of each ray's measured part"""
    end: Float[np.ndarray, "views rays 2"]
    """the other end"""
    integrals: Float[np.ndarray, "views rays"]
    """value x length, in units of the square's side"""
    size: int
    """pixels per side of the slice; pixel (i, j) centres at ((i + 0.5) / size, (j + 0.5) / size)"""

    def parallel_angles_rad(self, method: str) -> Float[np.ndarray, " views"]:
        """The angles of a beam as `theta0.signals.parallel_beam` makes it.

        Args:
            method: who asks, for the error.

        Raises:
            InputError: the rays are not such a beam.
        """
        along = (self.end - self.start).sum(axis=1, dtype=np.float64)
        cos, sin = along.T / np.linalg.norm(along, axis=1)
        across = np.stack([-sin, cos], axis=-1)[:, None]
        rays = self.integrals.shape[1]
        offset = (np.arange(rays) + 0.5) / rays - 0.5
        for ends in (self.start, self.end):
            found = ((ends - 0.5) * across).sum(axis=-1)
            # Ends in float32 are right to 1e-7; a hundredth of a pixel is far above that.
            if np.abs(found - offset).max() > 0.01 / rays:
                raise InputError(
                    f"{method} reconstructs from parallel rays spread over the slice's width, "
                    "and these are others; give a parallel beam, or take TV"
                )
        return np.arctan2(sin, cos)
