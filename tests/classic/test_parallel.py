"""FBP and SART against scikit-image where its geometry is ours, and about the centre elsewhere."""

import numpy as np
import pytest
from scipy.ndimage import center_of_mass, shift
from skimage.transform import iradon, iradon_sart

from theta0.classic import FBP, SART, TV, Scan
from theta0.data.ct import phantom
from theta0.errors import InputError
from theta0.metrics import psnr

METHODS = {"fbp": FBP(), "sart": SART(), "tv": TV()}


def bump(size):
    middle = (np.arange(size) + 0.5) / size
    row, column = middle[:, None] - 0.41, middle[None, :] - 0.57
    return np.exp(-(row**2 + column**2) / (2 * 0.06**2))


@pytest.mark.parametrize(
    "window, tolerance",
    # scikit-image's Hamming and Hann windows are those of even length, off by half a frequency.
    [("ramp", 1e-10), ("shepp-logan", 1e-10), ("cosine", 1e-10), ("hamming", 0.02), ("hann", 0.02)],
)
def test_fbp_of_an_odd_size_equals_iradon(scanned, window, tolerance):
    size = 61
    scan = scanned(phantom(0, 1), 20, size)
    angles_deg = np.rad2deg(scan.parallel_angles_rad("test"))
    # circle=False: the same padding of the sinogram as ours.
    expected = iradon(scan.integrals.T * size, angles_deg, size, window, circle=False)
    found = FBP(window)(scan)
    inside = found != 0
    assert inside.mean() == pytest.approx(np.pi / 4, abs=0.01)
    np.testing.assert_allclose(found[inside], expected[inside], rtol=0, atol=tolerance)


def test_sart_of_an_odd_size_equals_iradon_sart(scanned):
    size = 41
    scan = scanned(phantom(0, 1), 6, size)
    image = None
    for _ in range(3):
        image = iradon_sart(
            scan.integrals.T * size, np.arange(6) * 30.0, image, clip=(0, 1), relaxation=0.3
        )
    # Angles come back from float32 ends of rays; one unit in the last place moves a ray by 1e-7.
    np.testing.assert_allclose(SART(3, 0.3)(scan), np.asarray(image), atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("size, rays", [(48, 48), (47, 47), (48, 64)])
def test_a_reconstruction_is_where_the_slice_is(scanned, name, size, rays):
    scan = scanned(bump(size), 24, size, rays)
    found = np.clip(METHODS[name](scan), 0, 1)
    # Of what stands out of the streaks. Half a pixel would show ten times over.
    centres = [center_of_mass(np.where(x > 0.3, x, 0)) for x in (found, bump(size))]
    offset = np.subtract(centres[0], centres[1])
    np.testing.assert_allclose(offset, 0, atol=0.05)


def test_fbp_from_180_views_of_128_passes_32_db_and_half_a_pixel_costs_8(scanned):
    source, size = phantom(0, 0), 128
    # A detector pixel cannot tell a sharp edge within it: compared with averages over pixels.
    target = source.rasterize(size, supersample=4)
    found = FBP("ramp")(scanned(source, 180, size))
    value = psnr(found, target)
    assert value > 32
    assert all(psnr(shift(found, s, order=1), target) < value - 8 for s in (0.5, -0.5))


def test_fbp_cut_off_below_nyquist_keeps_the_mean_and_smooths(scanned):
    scan = scanned(phantom(0, 0), 60, 64)
    whole, cut = FBP("hann")(scan), FBP("hann", 0.3)(scan)
    assert cut.mean() == pytest.approx(whole.mean(), rel=0.02)
    variation = lambda image: np.abs(np.diff(image)).sum()
    assert variation(cut) < 0.7 * variation(whole)


@pytest.mark.parametrize("name", ["fbp", "tv"])
def test_a_transposed_slice_is_reconstructed_transposed(scanned, name):
    # Angles k pi / 8 map to pi / 2 - k pi / 8. SART takes the views in an order of its own.
    pixels = phantom(0, 2).rasterize(32).astype(np.float64)
    method = TV(tolerance=1e-4) if name == "tv" else FBP()
    found = [method(scanned(x, 8, 32)) for x in (pixels, pixels.T)]
    # TV stops when its objective is right to 1e-4, FBP is right to the rays' float32 ends.
    np.testing.assert_allclose(found[1], found[0].T, atol=2e-2 if name == "tv" else 1e-4)


@pytest.mark.parametrize("method", [FBP(), SART()])
def test_other_beams_are_refused(scanned, method):
    scan = scanned(bump(16), 4, 16)
    fan = np.broadcast_to(scan.start.mean(axis=1, keepdims=True), scan.start.shape)
    for start in (fan, scan.start + 0.05):
        with pytest.raises(InputError, match=f"{type(method).__name__} reconstructs from parallel"):
            method(Scan(start, scan.end, scan.integrals, 16))


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: FBP(cutoff=1.5), "cutoff is 1.5"), (lambda: FBP(cutoff=0.0), "cutoff is 0.0"),
        (lambda: SART(0), "iterations is 0"), (lambda: TV(0.0), "weight is 0.0"),
        (lambda: TV(fineness=0), "fineness is 0"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
