"""Slices: exact windows, and squares that keep their range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from theta0.data.ct import Window, resize_slices
from theta0.errors import InputError

from .hounsfield import windowed


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, (2, 3), elements=st.floats(-3000, 3000, width=32)),
    st.floats(-1500, 0),
    st.floats(1, 2000),
)
def test_window_is_linear_and_clipped(hu, low, high):
    # float32 keeps 1e-7 of 4500 HU, over a window of at least 1 HU.
    atol = 1e-6 + 1e-3 / (high - low)
    np.testing.assert_allclose(Window(low, high).apply(hu), windowed(hu, low, high), atol=atol)


@pytest.mark.parametrize(
    "limits", [(0.0, 0.0), (1.0, 0.0), (float("nan"), 1.0), (0.0, float("inf"))]
)
def test_impossible_windows_are_refused(limits):
    with pytest.raises(InputError, match="window: low="):
        Window(*limits)


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_shrinking_by_a_whole_factor_averages_blocks(factor):
    pixels = np.random.default_rng(0).uniform(0, 1, (2, 24, 24)).astype(np.float32)
    size = 24 // factor
    expected = pixels.reshape(2, size, factor, size, factor).mean(axis=(2, 4))
    np.testing.assert_allclose(resize_slices(pixels, size), expected, atol=1e-6)


def test_slices_too_large_for_memory_are_refused():
    with pytest.raises(InputError, match=r"2 slices: needs 112 GiB .* smaller size"):
        resize_slices(np.zeros((2, 8, 8)), 100_000)


def test_slices_that_are_not_square_are_centred_on_air():
    resized = resize_slices(np.ones((1, 4, 8), np.float32), 8)
    np.testing.assert_array_equal(resized[0, 2:6], 1.0)
    np.testing.assert_array_equal(resized[0, [0, 1, 6, 7]], 0.0)


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(2, 40), st.integers(0, 99))
def test_resized_slices_keep_their_range(height, width, size, seed):
    rng = np.random.default_rng(seed)
    pixels = (rng.uniform(0, 1, (2, height, width)) > 0.5).astype(np.float32)
    resized = resize_slices(pixels, size)
    assert resized.shape == (2, size, size) and resized.dtype == np.float32
    assert resized.min() >= 0.0 and resized.max() <= 1.0
    if height == width == size:
        np.testing.assert_array_equal(resized, pixels)
