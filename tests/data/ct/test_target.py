"""Targets of other slices are refused, and no target of a valid measurement is."""

import numpy as np
import pytest

from theta0.data.ct import checked_sinogram, phantom
from theta0.data.ct._target import _projected, check_target
from theta0.errors import InputError, InputWarning, trusting
from theta0.signals import fan_beam, parallel_beam

DETECTORS = 40


def arrays(number=0, views=20, beam="parallel", photons=None, **where):
    """An exact or noisy sinogram of a phantom, and the phantom."""
    one = phantom(9, number)
    degrees = np.arange(views) * (360 if beam == "fan" else 180) / views
    rays = fan_beam if beam == "fan" else parallel_beam
    segments = rays(np.deg2rad(degrees), DETECTORS, True, **where)
    values = one.line_integrals(segments.start, segments.end).reshape(views, -1)
    if photons:
        depth = np.log(10) / values.max()
        counts = np.random.default_rng(0).poisson(photons * np.exp(-depth * values))
        values = -np.log(np.maximum(counts, 1) / photons) / depth
    names = {"spacing": "detector_spacing"}
    where = {names.get(name, name): np.asarray(value) for name, value in where.items()}
    slice = np.clip(one.rasterize(32, 4), 0, 1)
    found = {"sinogram": values, "angles_deg": degrees, "beam": np.asarray(beam), "target": slice}
    return found | where


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("photons", [None, 20, 1000])
@pytest.mark.parametrize("views", [3, 20])
def test_the_measured_slice_passes_without_a_word(number, photons, views):
    """Warnings are errors here: off the axis, on a short detector, and in a fan."""
    for where in (
        {}, {"axis": 15.0, "spacing": 1.2 / DETECTORS}, {"spacing": 0.4 / DETECTORS},
        {"beam": "fan", "source_distance": 0.9},
    ):  # fmt: skip
        checked_sinogram(arrays(number, views, photons=photons, **where), "scan")


@pytest.mark.parametrize(
    "change, words",
    [
        (np.transpose, "differs from it by .*%, transposed by only"),
        (np.rot90, "differs from it by .*%, turned by 270 degrees by only"),
        (np.zeros_like, "is empty along the rays"),
        (lambda target: 0.3 * target, "projects to 0.[23][0-9]* times it"),
        (lambda target: np.eye(len(target)), "differs from it by|projects to"),
    ],
)
@pytest.mark.parametrize("beam", [{}, {"beam": "fan", "source_distance": 0.9}])
def test_another_slice_is_refused(change, words, beam):
    given = arrays(photons=1000, **beam)
    given["target"] = change(given["target"])
    with pytest.raises(InputError, match=f"^scan: target does not fit the sinogram: it {words}"):
        checked_sinogram(given, "scan")
    with trusting(True), pytest.warns(InputWarning, match="target does not fit"):
        checked_sinogram(given, "scan")


def test_a_mask_as_target_is_read_as_such():
    disc = np.hypot(*np.meshgrid(*[np.linspace(-1, 1, 32)] * 2)) < 0.6
    offsets = (np.arange(DETECTORS) + 0.5) / DETECTORS - 0.5
    chords = 2 * np.sqrt(np.maximum(0.3**2 - offsets**2, 0))
    given = {
        "sinogram": np.tile(chords, (8, 1)), "angles_deg": np.arange(8) * 22.5,
        "target": disc.astype(np.uint8),
    }  # fmt: skip
    with pytest.warns(InputWarning, match="scan: target: holds 0 and 1 alone, so it is a mask"):
        found = checked_sinogram(given, "scan")
    np.testing.assert_array_equal(found.target, disc)


@pytest.mark.parametrize("noise", [0, 0.2])
def test_another_slice_that_is_no_better_turned_is_noted(noise):
    """The slice itself passes at this noise, its neighbours are noted."""
    rng, slices = np.random.default_rng(0), [phantom(9, i).rasterize(128) for i in range(4)]
    phi = np.repeat(np.linspace(0, np.pi, 20, endpoint=False)[:, None], 128, 1)
    offset = (np.arange(128) + 0.5) / 128 - 0.5
    read = _projected(slices[0], phi, offset)
    read = read + noise * np.sqrt((read**2).mean()) * rng.standard_normal(read.shape)
    check_target("scan", slices[0], read, phi, offset)
    for other in slices[1:]:
        with pytest.warns(InputWarning, match="target differs by .* from what was measured"):
            check_target("scan", other, read, phi, offset)
