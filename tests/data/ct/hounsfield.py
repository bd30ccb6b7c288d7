"""Slices for the tests, and a reference of the window."""

import numpy as np


def random_hu(count: int = 3, height: int = 5, width: int = 7) -> np.ndarray:
    shape = (count, height, width)
    return np.random.default_rng(0).integers(-1200, 1800, shape, dtype=np.int16)


def windowed(hu: np.ndarray, low: float = -1000, high: float = 1000) -> np.ndarray:
    return np.clip((hu.astype(np.float64) - low) / (high - low), 0, 1)
