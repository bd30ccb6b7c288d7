"""Sinogram files: their contents, and a one-line error for each that cannot be used."""

import numpy as np
import pytest

from theta0.data.ct import holds_sinogram, read_sinogram
from theta0.errors import InputError

VIEWS, DETECTORS = 6, 9
VALUES = np.random.default_rng(0).uniform(0, 0.5, (VIEWS, DETECTORS))
DEGREES = np.arange(VIEWS) * 30.0
GOOD = {"sinogram": VALUES, "angles_deg": DEGREES}


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "scan.npz", **arrays)
    return tmp_path / "scan.npz"


def test_a_parallel_sinogram_needs_its_values_and_angles_alone(tmp_path):
    sinogram = read_sinogram(saved(tmp_path, **GOOD))
    np.testing.assert_array_equal(sinogram.values, VALUES)
    np.testing.assert_allclose(sinogram.angles_rad, np.arange(VIEWS) * np.pi / 6)
    assert (sinogram.beam, sinogram.source_distance) == ("parallel", np.inf)
    assert sinogram.spacing is None and sinogram.target is None
    radians = read_sinogram(saved(tmp_path, sinogram=VALUES, angles_rad=np.deg2rad(DEGREES)))
    np.testing.assert_allclose(radians.angles_rad, sinogram.angles_rad)


def test_everything_a_file_may_say_is_read(tmp_path):
    target = np.random.default_rng(1).random((8, 8))
    more = {"beam": "fan", "source_distance": 2, "detector_spacing": np.array([0.2])}
    sinogram = read_sinogram(saved(tmp_path, **GOOD, **more, target=target))
    assert (sinogram.beam, sinogram.source_distance, sinogram.spacing) == ("fan", 2.0, 0.2)
    np.testing.assert_array_equal(sinogram.target, target.astype(np.float32))


def test_a_sinogram_is_told_by_its_array(tmp_path):
    assert holds_sinogram(saved(tmp_path, **GOOD))
    assert not holds_sinogram(saved(tmp_path, hu=VALUES))
    assert not holds_sinogram(tmp_path / "absent.npy")


def changed(at, value):
    values = VALUES.copy()
    values[at] = value
    return {"sinogram": values}


BAD = {
    "an angle missing": (
        {"angles_deg": DEGREES[1:]}, r"angles_deg has shape \(5,\) for a sinogram of shape \(6, 9"
    ),
    "turned": ({"sinogram": VALUES.T}, r"one angle per view: transpose it"),
    "no angles": ({"angles_deg": None}, "holds no angles; store one of angles_deg, angles_rad"),
    "two kinds of angles": ({"angles_rad": DEGREES}, "holds angles_deg and angles_rad; store one"),
    "degrees as radians": (
        {"angles_deg": None, "angles_rad": DEGREES}, "angles_rad are up to 150, .*angles_deg"
    ),
    "an angle that is no number": ({"angles_deg": DEGREES * np.nan}, "angles_deg are not finite"),
    "not numbers": (changed((2, 3), np.nan), "holds 1 values that are not numbers"),
    "infinite": (changed(2, np.inf), "holds 9 values that are not numbers"),
    "all zero": ({"sinogram": 0 * VALUES}, "sinogram is 0 everywhere; give measurements"),
    "constant": ({"sinogram": 0 * VALUES + 0.3}, "sinogram is 0.3 everywhere"),
    "sums over pixels": ({"sinogram": 128 * VALUES}, "from .* to .*: divide sums over pixels"),
    "negative": ({"sinogram": -VALUES}, "with mean -0.*: divide"),
    "one pixel": ({"sinogram": VALUES[:, :1]}, "at least 2 detector pixels"),
    "one axis": ({"sinogram": VALUES[0]}, r"shape \(9,\) .* \(views, detectors\)"),
    "no views": ({"sinogram": VALUES[:0]}, r"shape \(0, 9\)"),
    "text": ({"sinogram": VALUES.astype(str)}, "dtype <U.*numbers"),
    "objects": ({"sinogram": VALUES.astype(object)}, "refused"),
    "unknown beam": ({"beam": "cone"}, "beam is 'cone'; choose from parallel, fan"),
    "list of beams": ({"beam": ["fan"]}, r"beam is \['fan'\]; choose"),
    "fan without source": ({"beam": "fan"}, "'fan' without source_distance"),
    "parallel with source": ({"source_distance": 2.0}, "'parallel' with a source_distance"),
    "no distance": ({"beam": "fan", "source_distance": 0.0}, "source_distance is 0.0; give one"),
    "two spacings": ({"detector_spacing": [0.1, 0.2]}, r"detector_spacing is \[0.1, 0.2\]; give"),
    "fan too wide": (
        {"beam": "fan", "source_distance": 2.0, "detector_spacing": 0.8},
        "9 detector pixels make a fan of 206 degrees",
    ),
    "unknown array": ({"pitch": 1.0}, "holds pitch beside the sinogram.*choose from sinogram"),
    "target not square": ({"target": VALUES[:2]}, r"has shape \(2, \d+\), but the slice is square"),
    "target in other units": ({"target": 100 * VALUES}, r"has values from .*, not in \[0, 1\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_by_name(tmp_path, name):
    change, words = BAD[name]
    arrays = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    path = saved(tmp_path, **arrays)
    with pytest.raises(InputError, match=words) as caught:
        read_sinogram(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_file_is_named(tmp_path):
    path = saved(tmp_path, **GOOD)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"scan\.npz: cannot be read"):
        holds_sinogram(path)
