"""Slices as a scanner sees them: integrals of pixels against closed forms, and augmentation."""

import numpy as np
import pytest
from skimage.transform import radon

from theta0.signals import parallel_beam, pixel_coordinates, slice_integrals
from theta0.signals._scans import PixelSlice, augmented


def blob(points, centre=(0.42, 0.56), width=0.08):
    """A Gaussian bump on the unit square."""
    return np.exp(-np.sum((points - np.array(centre)) ** 2, axis=-1) / (2 * width**2))


def smooth_slice(size):
    """Two bumps well inside the disc, at pixel centres."""
    points = pixel_coordinates(size, size).astype(np.float64)
    values = blob(points) + 0.5 * blob(points, (0.6, 0.35), 0.06)
    values[np.linalg.norm(points - 0.5, axis=-1) > 0.49] = 0  # below 1e-3 before
    return values.reshape(size, size).astype(np.float32)


def test_projections_agree_with_skimage():
    # An odd size, for skimage turns about the centre of pixel size // 2. Its rays have one sample
    # a pixel, ours two: for a smooth slice they differ by some thousandths.
    size, degrees = 65, np.array([0.0, 20.0, 45.0, 90.0, 135.0, 170.0])
    pixels = smooth_slice(size)
    segments = parallel_beam(np.deg2rad(degrees), size, chord=False)
    ours = slice_integrals(pixels, segments).reshape(len(degrees), size)
    theirs = radon(pixels, degrees, circle=True).T / size
    assert np.abs(ours - theirs).max() < 0.01 * ours.max()


def test_integrals_of_a_gaussian_are_its_closed_form():
    # Along a line at a distance d: width sqrt(2 pi) exp(-d^2 / 2 width^2).
    size, width, centre = 128, 0.08, np.array([0.42, 0.56])
    pixels = blob(pixel_coordinates(size, size)).reshape(size, size).astype(np.float32)
    angles = np.linspace(0, np.pi, 7, endpoint=False)
    segments = parallel_beam(angles, 32, chord=True)
    direction = segments.end - segments.start
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    to_centre = centre - segments.start
    distance = to_centre[:, 0] * direction[:, 1] - to_centre[:, 1] * direction[:, 0]
    expected = width * np.sqrt(2 * np.pi) * np.exp(-(distance**2) / (2 * width**2))
    # Bilinear interpolation widens the bump's variance by some (1 / size)^2 / 4: 0.2 per cent.
    np.testing.assert_allclose(slice_integrals(pixels, segments), expected, atol=1e-3)


def test_an_augmented_slice_is_measured_as_it_is_shown():
    size = 24
    slice = PixelSlice(smooth_slice(size))
    shown = [augmented(slice, 1.0, np.random.default_rng(seed)) for seed in range(6)]
    segments = parallel_beam(np.array([0.4, 2.0]), 20, True)
    for one in shown:
        picture = one.picture()
        assert picture.shape == (size, size)
        # Of the same kind: as bright, nearly as much of it, but elsewhere.
        assert picture.max() == pytest.approx(slice.picture().max(), rel=0.15)
        assert picture.sum() == pytest.approx(slice.picture().sum(), rel=0.45)
        assert np.abs(picture - slice.picture()).max() > 0.05
        np.testing.assert_array_equal(one.integrals(segments), slice_integrals(picture, segments))
    assert len({one.picture().tobytes() for one in shown}) == 6
    # Without strength only mirrored or not.
    either = [slice.picture(), slice.picture()[:, ::-1]]
    still = [augmented(slice, 0.0, np.random.default_rng(seed)).picture() for seed in range(8)]
    found = {min((0, 1), key=lambda i: np.abs(one - either[i]).max()) for one in still}
    assert found == {0, 1}
    assert all(min(np.abs(one - other).max() for other in either) < 1e-5 for one in still)
