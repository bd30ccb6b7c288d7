"""The system matrix against the tasks' own integrals and closed forms."""

import numpy as np

from theta0.classic import system_matrix
from theta0.forward import Segments
from theta0.signals import parallel_beam, slice_integrals


def segments(count=300, low=0.0, high=1.0):
    return np.random.default_rng(0).uniform(low, high, (2, count, 2))


def test_product_with_a_slice_equals_the_tasks_integrals():
    pixels = np.random.default_rng(1).random((20, 20))
    start, end = segments(600)  # more than one block of rays
    expected = slice_integrals(pixels, Segments(start, end))
    # The same samples, in float64: rounding alone.
    np.testing.assert_allclose(system_matrix(start, end, 20) @ pixels.ravel(), expected, atol=1e-13)


def test_integrals_of_one_are_lengths():
    start, end = segments(low=0.05, high=0.95)  # within the outermost pixel centres
    length = np.linalg.norm(end - start, axis=1)
    np.testing.assert_allclose(system_matrix(start, end, 10).sum(axis=1), length, rtol=1e-12)


def test_integrals_of_a_gaussian_equal_the_closed_form():
    size, sigma, centre = 64, 0.08, np.array([0.45, 0.56])
    angles_rad = np.array([0.0, 0.4, np.pi / 2, 2.5])
    middle = (np.arange(size) + 0.5) / size
    row, column = middle[:, None] - centre[0], middle[None, :] - centre[1]
    pixels = np.exp(-(row**2 + column**2) / (2 * sigma**2))
    beam = parallel_beam(angles_rad, size, chord=False)
    across = np.stack([-np.sin(angles_rad), np.cos(angles_rad)])
    distance = (middle - 0.5)[None, :] - ((centre - 0.5) @ across)[:, None]
    expected = np.sqrt(2 * np.pi) * sigma * np.exp(-(distance**2) / (2 * sigma**2))
    found = system_matrix(np.asarray(beam.start), np.asarray(beam.end), size) @ pixels.ravel()
    # Bilinear interpolation: h^2 / 8 times the integral of |f_rr| + |f_cc|, below 2 * 2.1 / sigma.
    bound = (1 / size) ** 2 / 8 * 4.2 / sigma
    np.testing.assert_allclose(found, expected.ravel(), rtol=0, atol=bound)


def test_the_matrix_of_the_same_beam_is_made_once():
    start, end = segments()
    assert system_matrix(start, end, 8) is system_matrix(start.copy(), end.copy(), 8)
    assert system_matrix(start, end, 9) is not system_matrix(start, end, 8)
