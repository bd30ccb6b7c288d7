"""The simultaneous algebraic reconstruction technique (Andersen & Kak 1984) of scikit-image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.errors import require_positive

from ._scan import Scan


@dataclass(frozen=True)
class SART:
    """``skimage.transform.iradon_sart``, its rays moved to this geometry, values kept in [0, 1].

    A view after another, the slice takes a part of what corrects that view's integrals. Fewer
    iterations leave it smoother.
    """

    iterations: int = 10
    """times each view is used"""
    relaxation: float = 0.15
    """part of a correction that is taken"""

    def __post_init__(self):
        require_positive(self, "iterations", "relaxation")

    def __call__(self, scan: Scan) -> Float[np.ndarray, "size size"]:
        """Reconstruct.

        Raises:
            InputError: the beam is not parallel.
        """
        from skimage.transform import iradon_sart

        angles_rad = scan.parallel_angles_rad("SART")
        # It takes pixel R = size // 2 of slice and detector for their middle, which lies `beyond`
        # before it on each axis: half a pixel for an even size. Ray k passes the middle of the
        # slice at k - R + beyond, hence the middle of its pixel R at beyond (cos - sin) less.
        beyond = scan.size // 2 - (scan.size - 1) / 2
        shifts = beyond * (1 - np.cos(angles_rad) + np.sin(angles_rad))
        sinogram = _resampled(scan.integrals, scan.size).T * scan.size
        image = None
        for _ in range(self.iterations):
            image = iradon_sart(
                sinogram,
                np.rad2deg(angles_rad),
                image,
                projection_shifts=shifts,
                clip=(0, 1),
                relaxation=self.relaxation,
            )
        assert image is not None  # iterations is above 0
        return image


def _resampled(
    integrals: Float[np.ndarray, "views rays"], count: int
) -> Float[np.ndarray, "views count"]:
    """As a detector with as many pixels as the slice has a side, which scikit-image wants."""
    middles = lambda n: (np.arange(n) + 0.5) / n
    views = [np.interp(middles(count), middles(len(view)), view) for view in integrals]
    return np.stack(views).astype(np.float64)
