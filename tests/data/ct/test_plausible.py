"""What cheap invariants say of sinograms: faults are named, and valid measurements pass."""

import numpy as np
import pytest

from theta0.data.ct import check_slice, checked_sinogram, phantom, shepp_logan
from theta0.errors import InputError, InputWarning, trusting
from theta0.signals import fan_beam, parallel_beam

SIDE = 32
DEGREES = np.arange(SIDE) * 180.0 / SIDE
"""As many views as detector pixels, so that no shape tells one from the other."""


def measured(number=0, beam="parallel", degrees=DEGREES, **where):
    """An exact sinogram of a phantom."""
    rays = fan_beam if beam == "fan" else parallel_beam
    segments = rays(np.deg2rad(degrees), SIDE, True, **where)
    return phantom(9, number).line_integrals(segments.start, segments.end).reshape(-1, SIDE)


def noisy(values, photons):
    """As a detector that counts photons reads it; the densest ray lets a tenth pass."""
    depth = np.log(10) / values.max()
    counts = np.random.default_rng(0).poisson(photons * np.exp(-depth * values))
    return -np.log(np.maximum(counts, 1) / photons) / depth


def checked(values, source="scan", **more):
    arrays = {"sinogram": values, "angles_deg": DEGREES, **more}
    return checked_sinogram({name: np.asarray(value) for name, value in arrays.items()}, source)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("photons", [None, 50, 5000])
def test_valid_measurements_pass_without_a_word(number, photons):
    """Warnings are errors here. Parallel, fan, off the axis, beyond the slice, and few views."""
    read = (lambda values: values) if photons is None else (lambda values: noisy(values, photons))
    checked(read(measured(number)))
    checked(read(measured(number, degrees=DEGREES * 2)), angles_deg=DEGREES * 2)
    checked(read(measured(number, degrees=DEGREES[::8])), angles_deg=DEGREES[::8])
    where = {"axis": 12.0, "spacing": 0.04}
    checked(read(measured(number, **where)), axis=12.0, detector_spacing=0.04)
    short = {"spacing": 0.4 / SIDE}
    checked(read(measured(number, **short)), detector_spacing=short["spacing"])
    fan = {"beam": "fan", "source_distance": 0.8}
    checked(read(measured(number, degrees=2 * DEGREES, **fan)), angles_deg=2 * DEGREES, **fan)


@pytest.mark.parametrize("turn", [np.pi, 2 * np.pi, 4 * np.pi])
@pytest.mark.parametrize("shift", [0.0, -0.5])
def test_radians_stored_as_degrees_are_refused(turn, shift):
    radians = (np.arange(SIDE) / SIDE + shift) * turn
    with pytest.raises(InputError, match=r"angles_deg span only .*store radians as angles_rad"):
        checked(measured(), angles_deg=radians)


@pytest.mark.parametrize(
    ("angles", "words"),
    [
        (DEGREES, "angles_rad are up to 174.375, two rotations, as degrees are"),
        (np.arange(SIDE) % 12, "angles_rad are whole numbers, as degrees are"),
        (np.deg2rad(np.deg2rad(DEGREES)), "angles_rad span only 3.04 degrees"),
        (np.full(SIDE, 0.3), "angles_rad are 0.3 for every view"),
    ],
)
def test_angles_in_radians_that_cannot_be_are_refused(angles, words):
    arrays = {"sinogram": measured(), "angles_rad": angles}
    with pytest.raises(InputError, match=rf"^scan: {words}.*--trust of theta0 fit, or trust=True"):
        checked_sinogram(arrays, "scan")
    with trusting(True), pytest.warns(InputWarning, match=rf"^scan: {words}.*trusted as it is"):
        found = checked_sinogram(arrays, "scan")
    np.testing.assert_array_equal(found.angles_rad, angles)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (
            {"detector_spacing": 1e-9},
            r"detector_spacing is 1e-09, .* see only 3.2e-08 of the slice",
        ),
        ({"beam": "fan", "source_distance": 500.0}, "source_distance is 500 sides of the slice"),
        ({"angles_deg": DEGREES * 1e300}, r"angles_deg are up to 1.74375e\+302, many turns"),
        ({"angles_deg": np.append(DEGREES[1:], 20_000)}, "angles_deg are up to 20000, many turns"),
    ],
)
def test_a_geometry_in_another_unit_is_refused(where, words):
    with pytest.raises(InputError, match=rf"^scan: {words}"):
        checked(measured(), **where)
    with trusting(True), pytest.warns(InputWarning, match=rf"^scan: {words}"):
        checked(measured(), **where)


def test_angles_that_repeat_or_leave_a_gap_are_noted():
    with pytest.warns(InputWarning, match="16 of 32 angles_deg repeat another view's"):
        checked(measured(), angles_deg=np.repeat(DEGREES[::2], 2))
    with pytest.warns(InputWarning, match="angles_deg leave 93 of 180 degrees unseen"):
        checked(measured(), angles_deg=DEGREES / 2)


@pytest.mark.parametrize("photons", [None, 500])
@pytest.mark.parametrize("depth", [0.3, 3.0])
def test_intensities_are_refused(photons, depth):
    values = measured() if photons is None else noisy(measured(), photons)
    with pytest.raises(InputError, match=r"outermost rays read .* take minus the logarithm"):
        checked(np.exp(-depth * values))
    with pytest.raises(InputError, match=r"values from .* minus the logarithm of I / I0"):
        checked((255 * np.exp(-depth * values)).astype(np.uint8))
    with pytest.raises(InputError, match=r"with mean -.* minus the logarithm of I / I0"):
        checked(-values)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("beam", ["parallel", "fan"])
@pytest.mark.parametrize("photons", [None, 50])
def test_a_transposed_sinogram_is_refused(number, beam, photons):
    fan = {"beam": "fan", "source_distance": 1.2} if beam == "fan" else {}
    degrees = DEGREES * (2 if fan else 1)
    values = measured(number, degrees=degrees, **fan)
    values = values if photons is None else noisy(values, photons)
    with pytest.raises(InputError, match=r"looks transposed: .* store it as \(views, detectors\)"):
        checked(values.T, angles_deg=degrees, **fan)


def test_a_view_that_failed_and_a_level_that_is_off_are_noted():
    blank = measured()
    blank[[3, 20]] = 0
    with pytest.warns(InputWarning, match="2 of 32 views, such as number 3, sum to 0 where"):
        checked(blank)
    with pytest.warns(InputWarning, match=r"outermost rays read 0.5, but only .* check that air"):
        checked(measured() + 0.5)
    with pytest.warns(InputWarning, match="at most .* nearly air"):
        checked(measured() / 100)


@pytest.mark.parametrize("photons", [None, 500])
@pytest.mark.parametrize("beam", ["parallel", "fan"])
def test_a_sinogram_given_as_a_slice_is_refused_either_way_round(photons, beam):
    fan = {"beam": "fan", "source_distance": 1.2} if beam == "fan" else {}
    values = measured(2, degrees=DEGREES[::2] * (2 if fan else 1), **fan)
    values = np.maximum(values if photons is None else noisy(values, photons), 0)
    for turned in (values, values.T):
        with pytest.raises(InputError, match=r"scan: looks like a sinogram, .*numpy.savez"):
            check_slice("scan", turned.astype(np.float32))


def test_slices_are_no_sinograms():
    for number in range(100):
        check_slice("slice", phantom(3, number).rasterize(SIDE))
    check_slice("slice", shepp_logan().rasterize(64))
    stripes = np.tile(np.pad(np.ones(8, np.float32), 12), (SIDE, 1))
    check_slice("slice", stripes)
    check_slice("slice", np.zeros((SIDE, SIDE), np.float32))
    with pytest.warns(InputWarning, match="is 8 x 32 pixels, padded with air to a square"):
        check_slice("slice", phantom(3, 1).rasterize(SIDE)[12:20])
