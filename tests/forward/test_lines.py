"""Line integrals against closed forms, and against scikit-image's Radon transform."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from theta0.data.ct import Phantom
from theta0.fields import Field
from theta0.forward import Lines, Segments
from theta0.signals import parallel_beam, pixel_coordinates, slice_integrals

CENTRE, SIGMA = np.array([0.45, 0.6]), 0.15


class Gaussian(Field):
    """``exp(-|x - m|^2 / 2 s^2)``."""

    centre: jax.Array
    sigma: float

    def __call__(self, x):
        offset = x - self.centre.reshape(-1, *[1] * (x.ndim - 1))
        return jnp.exp(-jnp.sum(offset**2, axis=0, keepdims=True) / (2 * self.sigma**2))


def gaussian():
    return Gaussian(jnp.asarray(CENTRE), SIGMA)


class Ellipse(Field):
    """1 inside ``|D^-1 R^T (x - c)| <= 1``, 0 outside."""

    phantom: Phantom = eqx.field(static=True)

    def __call__(self, x):
        cos, sin = np.cos(self.phantom.angle_rad[0]), np.sin(self.phantom.angle_rad[0])
        row, column = x[0] - self.phantom.centre[0, 0], x[1] - self.phantom.centre[0, 1]
        along, across = cos * row + sin * column, cos * column - sin * row
        first, second = self.phantom.axes[0]
        return ((along / first) ** 2 + (across / second) ** 2 <= 1).astype(x.dtype)[None]


def segments(count=40, seed=0, dtype: type = np.float64):
    rng = np.random.default_rng(seed)
    return Segments(rng.random((count, 2)).astype(dtype), rng.random((count, 2)).astype(dtype))


def gaussian_integral(p):
    """With the foot of the centre at distance h and the ends at a and b along the line:
    ``exp(-h^2 / 2 s^2) s sqrt(pi / 2) (erf(b / s sqrt 2) - erf(a / s sqrt 2))``."""
    length = np.linalg.norm(p.end - p.start, axis=1)
    unit = (p.end - p.start) / length[:, None]
    a = np.sum((p.start - CENTRE) * unit, axis=1)
    h_squared = np.sum((p.start - CENTRE) ** 2, axis=1) - a**2
    ends = erf((a + length) / (SIGMA * 2**0.5)) - erf(a / (SIGMA * 2**0.5))
    return np.exp(-h_squared / (2 * SIGMA**2)) * SIGMA * np.sqrt(np.pi / 2) * ends


def test_integral_of_a_gaussian_equals_the_closed_form(x64):
    p = segments()
    found = Lines(samples=4096, reduce="sum")(gaussian(), p)[:, 0]
    # Midpoint rule: (b - a)^3 max |f''| / 24 n^2 < 2^1.5 * 45 / 24 / 4096^2 = 3.2e-7.
    np.testing.assert_allclose(found, gaussian_integral(p), rtol=0, atol=3.2e-7)


@pytest.mark.slow
def test_the_error_falls_with_the_square_of_the_samples(x64):
    p, exact = segments(), gaussian_integral(segments())
    errors = [
        np.abs(Lines(samples=n, reduce="sum")(gaussian(), p)[:, 0] - exact).max()
        for n in (32, 64, 128)
    ]
    np.testing.assert_allclose([errors[0] / errors[1], errors[1] / errors[2]], 4, rtol=0.02)


def test_integral_of_an_ellipse_equals_the_closed_form(x64):
    ellipse = Phantom(
        np.array([[0.5, 0.45]]), np.array([[0.3, 0.15]]), np.array([0.7]), np.array([1.0])
    )
    p = segments(100)
    found = Lines(samples=1000, reduce="sum")(Ellipse(ellipse), p)[:, 0]
    exact = ellipse.line_integrals(np.asarray(p.start), np.asarray(p.end))
    assert (exact > 0).sum() > 40
    # An edge crosses one bin at each end, which is then counted or not: at most a bin in total.
    bins = np.linalg.norm(p.end - p.start, axis=1) / 1000
    assert (np.abs(found - exact) <= bins + 1e-12).all()


@pytest.mark.slow
def test_sum_is_mean_times_length():
    p, key = segments(dtype=np.float32), jax.random.PRNGKey(0)
    length = np.linalg.norm(p.end - p.start, axis=1, keepdims=True)
    for key in (None, jax.random.PRNGKey(0)):
        mean = Lines(samples=16, reduce="mean")(gaussian(), p, key)
        total = Lines(samples=16, reduce="sum")(gaussian(), p, key)
        np.testing.assert_allclose(total, mean * length, rtol=1e-6)


def test_direction_does_not_matter_and_halves_add_up(x64):
    p = segments()
    lines = Lines(samples=64, reduce="sum")
    whole = Lines(samples=128, reduce="sum")(gaussian(), p)
    reverse = Lines(samples=128, reduce="sum")(gaussian(), Segments(p.end, p.start))
    middle = (p.start + p.end) / 2
    parts = [lines(gaussian(), Segments(*ends)) for ends in ((p.start, middle), (middle, p.end))]
    # The same sample positions, summed in another order.
    np.testing.assert_allclose(reverse, whole, rtol=1e-12)
    np.testing.assert_allclose(parts[0] + parts[1], whole, rtol=1e-12)


@pytest.mark.slow
def test_a_segment_of_no_length_is_finite_with_finite_gradients():
    p = Segments(np.full((2, 2), 0.4, np.float32), np.full((2, 2), 0.4, np.float32))

    def total(field):
        return Lines(samples=4, reduce="sum")(field, p).sum()

    value, gradient = eqx.filter_value_and_grad(total)(gaussian())
    assert value == 0 and np.isfinite(gradient.centre).all()


@pytest.mark.slow
def test_stratified_samples_average_to_the_integral(x64):
    p, lines = segments(10), Lines(samples=8, reduce="sum")
    draws = jax.vmap(lambda key: lines(gaussian(), p, key)[:, 0])(
        jax.random.split(jax.random.PRNGKey(0), 4096)
    )
    # Stratified sampling is unbiased: within five standard errors of the exact integral.
    error = np.abs(draws.mean(axis=0) - gaussian_integral(p))
    assert (error <= 5 * draws.std(axis=0) / np.sqrt(4096)).all()
    # One sample in every bin: far less scatter than as many independent samples.
    t = jax.random.uniform(jax.random.PRNGKey(1), (4096, 8, 1, 1))
    points = p.start + t * (p.end - p.start)
    values = gaussian()(jnp.asarray(points.reshape(-1, 2).T)).reshape(4096, 8, 10).mean(axis=1)
    independent = values.std(axis=0) * np.linalg.norm(p.end - p.start, axis=1)
    assert (draws.std(axis=0) < 0.5 * independent).all()


@pytest.mark.slow
@pytest.mark.parametrize("circle", [True])
def test_radon_transform_of_scikit_image(circle):
    from skimage.transform import radon

    # Odd, since radon turns about pixel size // 2: the middle of the square only then.
    size, angles_deg = 129, np.array([0.0, 25.0, 60.0, 90.0, 140.0])
    points = pixel_coordinates(size, size)
    # Two blobs inside the disc, with no symmetry: a mirrored or turned convention cannot pass.
    blobs = [Gaussian(jnp.float32([0.4, 0.62]), 0.07), Gaussian(jnp.float32([0.65, 0.35]), 0.05)]
    shown = [np.asarray(blob(jnp.asarray(points.T))) for blob in blobs]
    picture = np.sum(shown, axis=0).reshape(size, size)
    picture = picture * (np.hypot(*(points - 0.5).T) < 0.49).reshape(size, size)
    expected = radon(picture.astype(np.float64), angles_deg, circle=circle).T / size
    for chord in (True, False):
        beam = parallel_beam(np.deg2rad(angles_deg), size, chord)
        lines = Lines(samples=400, reduce="sum")
        found = np.asarray(sum(lines(blob, beam) for blob in blobs)).reshape(expected.shape)
        # Radon interpolates bilinearly: an error of f'' h^2 / 8, 0.2 % of a blob this wide.
        assert np.abs(found - expected).max() <= 4e-3 * expected.max()
        from_pixels = slice_integrals(picture, beam).reshape(expected.shape)
        assert np.abs(from_pixels - expected).max() <= 4e-3 * expected.max()
