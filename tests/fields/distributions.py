"""Checks of the distribution that fresh weights are drawn from."""

import numpy as np


def check_uniform(values, bound):
    """U(-b, b): variance b^2 / 3; sample variances of n values scatter by b^2 sqrt(4 / 45 n)."""
    values = np.asarray(values, np.float64).ravel()
    assert np.abs(values).max() <= bound * (1 + 1e-6)
    # The largest of n draws lies within 20 / n of the bound, but for a probability of e^-20.
    assert np.abs(values).max() >= bound * (1 - 20 / values.size)
    assert abs(values.mean()) <= 5 * bound / np.sqrt(3 * values.size)
    scatter = bound**2 * np.sqrt(4 / 45 / values.size)
    assert abs(np.mean(values**2) - bound**2 / 3) <= 5 * scatter


def check_truncated_normal(values, variance):
    """Cut at two (untruncated) standard deviations; the given variance is that after the cut."""
    values = np.asarray(values, np.float64).ravel()
    assert np.abs(values).max() <= 2 * np.sqrt(variance) / 0.879625 * (1 + 1e-6)
    assert abs(values.mean()) <= 5 * np.sqrt(variance / values.size)
    assert abs(np.mean(values**2) / variance - 1) <= 5 * np.sqrt(2 / values.size)
