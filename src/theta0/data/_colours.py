"""Conversion between linear light and sRGB colours (IEC 61966-2-1), both in [0, 1]."""

import numpy as np
from jaxtyping import Float


def linear_from_srgb(colours: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Convert sRGB colours to linear light."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(light: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Convert linear light, clipped to [0, 1], to sRGB; the inverse of `linear_from_srgb`."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
