"""What a detector reads of a line integral: counted photons, and noise of its electronics.

A ray whose line integral is ``l`` (density x length, in units of the slice's side) lets through
``N ~ Poisson(photons exp(-attenuation l))``, from which the scanner computes

    y = -log(max(N, 1) / photons) / attenuation + noise z,   z ~ Normal(0, 1).

Where many photons arrive, y has the mean l and the variance
``exp(attenuation l) / photons / attenuation^2 + noise^2``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError, require_positive

MOST_PHOTONS = 1e15
"""NumPy draws Poisson numbers as 64-bit integers."""


@dataclass(frozen=True)
class Detector:
    """Noise of a measurement; exact line integrals when nothing is given."""

    photons: float | None = None
    """expected count of a ray that meets nothing; None: as many as to make no noise"""
    attenuation: float = 10.0
    """optical depth of one side's length through value 1"""
    noise: float = 0.0
    """standard deviation of the additive noise, in the unit of the line integral"""

    def __post_init__(self):
        require_positive(self, "attenuation")
        if self.photons is not None and not 1 <= self.photons <= MOST_PHOTONS:
            raise InputError(
                f"photons is {self.photons}; give the expected count of an unattenuated ray, 1 to "
                f"{MOST_PHOTONS:g}, or leave it out for none of their noise"
            )
        for name in ("attenuation", "noise"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise InputError(f"{name} is {value}; give a finite number, not below 0")

    def read(
        self, integrals: Float[np.ndarray, " rays"], rng: np.random.Generator
    ) -> Float[np.ndarray, " rays"]:
        """Measured line integrals; ``rng`` is not asked where there is no noise."""
        read = integrals
        if self.photons is not None:
            counts = rng.poisson(self.photons * np.exp(-self.attenuation * read))
            # A ray that nothing came through is given the depth of a single photon.
            read = -np.log(np.maximum(counts, 1) / self.photons) / self.attenuation
        if self.noise > 0:
            read = read + self.noise * rng.standard_normal(len(read))
        return read
