"""How good a picture is: PSNR and SSIM."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Metric:
    """What judges the signals of a kind: a number that is higher where a fit is better."""

    name: str
    """in rows of results"""
    label: str
    """in tables and messages"""
    unit: str = ""
    """of its values"""

    @property
    def axis(self) -> str:
        """What an axis or a column is called: ``PSNR (dB)``."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def told(self, value: float) -> str:
        """A value in a sentence: ``21.50 dB``, ``Agreement 0.6512``."""
        return f"{value:.2f} {self.unit}" if self.unit else f"{self.label} {value:.4g}"


PSNR = Metric("psnr", "PSNR", "dB")


def _clip(values: ArrayLike) -> Float[np.ndarray, "..."]:
    return np.clip(np.asarray(values, np.float64), 0, 1)


def psnr(picture: ArrayLike, target: ArrayLike) -> float:
    """Peak signal-to-noise ratio in dB of values clipped to [0, 1]: ``-10 log10(MSE)``.

    Infinite for equal pictures.

    >>> round(psnr(np.full(4, 0.6), np.full(4, 0.5)), 2)
    20.0
    """
    error = np.mean((_clip(picture) - _clip(target)) ** 2)
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def quality(
    pictures: Float[np.ndarray, "pictures height width channels"],
    targets: Float[np.ndarray, "pictures height width channels"],
) -> tuple[float, float]:
    """Mean PSNR in dB and mean SSIM of pictures."""
    pairs = list(zip(pictures, targets, strict=True))
    mean = lambda of: float(np.mean([of(*pair) for pair in pairs]))
    return mean(psnr), mean(ssim)


def ssim(
    picture: Float[np.ndarray, "height width channels"],
    target: Float[np.ndarray, "height width channels"],
) -> float:
    """Structural similarity as Wang et al. 2004 define it (Gaussian window, sigma 1.5).

    NaN for pictures smaller than the 11-pixel window.
    """
    from skimage.metrics import structural_similarity

    if min(picture.shape[:2]) < 11:
        return float("nan")
    value = structural_similarity(
        _clip(picture),
        _clip(target),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=-1,
    )
    return float(value)  # pyright: ignore[reportArgumentType]
