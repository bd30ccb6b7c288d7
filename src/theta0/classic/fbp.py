"""Filtered back-projection of a parallel beam (Kak & Slaney 1988, chapter 3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError, require_positive

from ._scan import Scan

Window = Literal["ramp", "shepp-logan", "cosine", "hamming", "hann"]

# Of the frequency in cycles a detector pixel, up to Nyquist's 0.5.
_WINDOWS: dict[Window, Callable[[np.ndarray], np.ndarray]] = {
    "ramp": np.ones_like,
    "shepp-logan": np.sinc,
    "cosine": lambda frequency: np.cos(np.pi * frequency),
    "hamming": lambda frequency: 0.54 + 0.46 * np.cos(2 * np.pi * frequency),
    "hann": lambda frequency: 0.5 + 0.5 * np.cos(2 * np.pi * frequency),
}


@dataclass(frozen=True)
class FBP:
    """``f(x) = pi / views sum_v (g_v * h)(x . n_v)``, h the ramp filter times a window.

    The formulas of ``skimage.transform.iradon``, but about the centre of the square, which lies
    between the pixels of an even size where scikit-image turns about pixel ``size // 2``, and for
    any number of rays. Outside the inscribed disc, which not all views see, the slice is 0.
    """

    window: Window = "hann"
    """what tapers the ramp filter"""
    cutoff: float = 1.0
    """the frequency at which the window ends, as a part of the detector's Nyquist frequency"""

    def __post_init__(self):
        require_positive(self, "cutoff")
        if self.cutoff > 1:
            raise InputError(f"cutoff is {self.cutoff}; give at most 1")

    def __call__(self, scan: Scan) -> Float[np.ndarray, "size size"]:
        """Reconstruct.

        Raises:
            InputError: the beam is not parallel.
        """
        angles_rad = scan.parallel_angles_rad("FBP")
        centre = (np.arange(scan.size) + 0.5) / scan.size - 0.5
        row, column = centre[:, None], centre[None, :]
        rays = scan.integrals.shape[1]
        detector = (np.arange(rays) + 0.5) / rays - 0.5
        total = np.zeros((scan.size, scan.size))
        for angle, view in zip(angles_rad, self._filtered(scan.integrals), strict=True):
            offset = column * np.cos(angle) - row * np.sin(angle)
            total += np.interp(offset, detector, view, left=0, right=0)
        total[row**2 + column**2 > 0.25] = 0
        return total * np.pi / len(angles_rad)

    def _filtered(
        self, integrals: Float[np.ndarray, "views rays"]
    ) -> Float[np.ndarray, "views rays"]:
        """Each view convolved with the filter, in units of value."""
        rays = integrals.shape[1]
        padded = max(64, 2 ** int(np.ceil(np.log2(2 * rays))))
        # The ramp from its samples in space rather than as |f|, which would shift the mean
        # (Kak & Slaney, equation 61).
        n = np.fft.fftfreq(padded, 1 / padded)
        odd = n % 2 == 1
        kernel = np.zeros(padded)
        kernel[0], kernel[odd] = 0.25, -1 / (np.pi * n[odd]) ** 2
        frequency = np.fft.rfftfreq(padded) / self.cutoff
        taper = np.where(frequency <= 0.5, _WINDOWS[self.window](frequency), 0)
        response = np.fft.rfft(kernel).real * taper * rays
        return np.fft.irfft(np.fft.rfft(integrals, padded) * response, padded)[:, :rays]
