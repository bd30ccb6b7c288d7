"""PSNR by hand, SSIM by its definition and against scikit-image."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from theta0.metrics import PSNR, Metric, psnr, ssim


def test_psnr_by_hand():
    target = np.array([0.2, 0.4, 0.6, 0.8])
    # Errors 0.1, 0, 0, 0.1: MSE 0.005.
    picture = np.array([0.3, 0.4, 0.6, 0.7])
    assert psnr(picture, target) == pytest.approx(-10 * math.log10(0.005), abs=1e-9)
    # Every halving of the error is worth 6.02 dB.
    assert psnr((picture + target) / 2, target) - psnr(picture, target) == pytest.approx(
        20 * math.log10(2), abs=1e-9
    )


def test_psnr_clips_both_to_the_unit_interval():
    target = np.array([0.0, 1.0, 0.5])
    assert psnr(np.array([-3.0, 7.0, 0.6]), target) == pytest.approx(
        -10 * math.log10(0.01 / 3), abs=1e-9
    )
    assert psnr(target, np.array([-1.0, 2.0, 0.5])) == math.inf


def test_psnr_of_equal_pictures_is_infinite_and_of_nan_is_nan():
    assert psnr(np.full((3, 3, 1), 0.25), np.full((3, 3, 1), 0.25)) == math.inf
    assert math.isnan(psnr(np.array([np.nan, 0.5]), np.array([0.5, 0.5])))


def test_psnr_does_not_lose_small_errors_to_single_precision():
    target = np.full(1000, 0.5, np.float32)
    picture = target + np.float32(2**-20)
    assert psnr(picture, target) == pytest.approx(-20 * math.log10(2**-20), abs=1e-6)


def pictures(channels=3):
    rng = np.random.default_rng(0)
    target = gaussian_filter(rng.random((32, 40, channels)), (3, 3, 0)) * 2 - 0.5
    return np.clip(target + 0.1 * rng.standard_normal(target.shape), 0, 1), np.clip(target, 0, 1)


def test_ssim_of_equal_pictures_is_one():
    picture, _ = pictures()
    assert ssim(picture, picture) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_its_definition(channels):
    """Wang et al. 2004, equation 13, averaged over windows that lie inside the picture."""
    picture, target = pictures(channels)
    # An 11 x 11 window: five pixels, or 3.5 sigma rounded, to each side.
    blur = lambda values: gaussian_filter(values, (1.5, 1.5, 0), truncate=3.5)
    mean_x, mean_y = blur(picture), blur(target)
    var_x, var_y = blur(picture**2) - mean_x**2, blur(target**2) - mean_y**2
    covariance = blur(picture * target) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    values = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    values /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    assert ssim(picture, target) == pytest.approx(values[5:-5, 5:-5].mean(), abs=1e-10)


def test_ssim_equals_scikit_images():
    from skimage.metrics import structural_similarity

    picture, target = pictures()
    expected: Any = structural_similarity(
        picture, target, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=1.0, channel_axis=-1,
    )  # fmt: skip
    assert ssim(picture, target) == pytest.approx(expected, abs=1e-12)
    assert 0 < expected < 0.95
    # Values outside [0, 1] count as clipped.
    assert ssim(picture * 3 - 1, target) == ssim(np.clip(picture * 3 - 1, 0, 1), target)


def test_ssim_of_pictures_smaller_than_the_window_is_not_a_number():
    assert math.isnan(ssim(np.zeros((10, 20, 1)), np.zeros((10, 20, 1))))
    assert not math.isnan(ssim(np.zeros((11, 11, 1)), np.zeros((11, 11, 1))))


def test_values_are_told_with_the_unit_or_the_name_of_their_metric():
    assert PSNR.told(21.504) == "21.50 dB"
    assert Metric("agreement", "Agreement").told(0.65123) == "Agreement 0.6512"
