"""Light, and colours as pictures store it (sRGB, IEC 61966-2-1); both in [0, 1]."""

import numpy as np
from jaxtyping import Float


def linear_from_srgb(colours: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Light of colours as pictures store them."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(light: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Colours, as pictures store them, of light; the inverse of `linear_from_srgb`, clipped."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
