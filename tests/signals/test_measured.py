"""Measured sinograms as signals: the rays and units of the scanner they come from."""

import numpy as np
import pytest
from skimage.transform import radon

from theta0.data.ct import phantom
from theta0.errors import InputError
from theta0.forward import Points
from theta0.signals import (
    CTConfig,
    PlanarSignal,
    fan_beam,
    parallel_beam,
    pixel_coordinates,
    slice_integrals,
)

CONFIG = CTConfig(size=16, rays=12)
DEGREES = np.array([0.0, 17.0, 80.0, 133.0])
ONE = phantom(0, 4)


def saved(tmp_path, segments, angles_deg=DEGREES, **more):
    """The exact sinogram of a phantom along some rays."""
    values = ONE.line_integrals(segments.start, segments.end).reshape(len(angles_deg), -1)
    np.savez(tmp_path / "scan.npz", sinogram=values, angles_deg=angles_deg, **more)
    return tmp_path / "scan.npz"


@pytest.mark.parametrize("spacing", [None, 0.03])
def test_parallel_rays_lie_where_the_detector_is(tmp_path, spacing):
    # Another number of detector pixels than the initialization's.
    segments = parallel_beam(np.deg2rad(DEGREES), 30, True, spacing)
    more = {} if spacing is None else {"detector_spacing": spacing}
    signal = CONFIG.read(saved(tmp_path, segments, **more))
    assert isinstance(signal, PlanarSignal)
    support = signal.task.support
    np.testing.assert_array_equal(support.p.start, segments.start)
    np.testing.assert_array_equal(support.p.end, segments.end)
    exact = ONE.line_integrals(support.p.start, support.p.end)
    np.testing.assert_allclose(support.y[:, 0], exact, rtol=1e-6)
    assert support.y.dtype == np.float32
    assert (signal.side, signal.own_side, signal.pixel_offset) == (16, 30, 0.5)
    assert signal.disc_only
    assert signal.target is None and isinstance(signal.query_forward, Points)
    np.testing.assert_array_equal(signal.task.query.p, pixel_coordinates(16, 16))


def test_fan_rays_lie_where_the_source_and_detector_are(tmp_path):
    segments = fan_beam(np.deg2rad(DEGREES), 30, True, 1.7)
    path = saved(tmp_path, segments, beam="fan", source_distance=1.7)
    # The initialization itself was learned with parallel rays.
    support = CONFIG.read(path).task.support
    np.testing.assert_array_equal(support.p.start, segments.start)
    exact = ONE.line_integrals(support.p.start, support.p.end)
    np.testing.assert_allclose(support.y[:, 0], exact, rtol=1e-6)


def test_rays_beside_the_slice_are_left_out(tmp_path):
    segments = parallel_beam(np.deg2rad(DEGREES), 50, True, 0.03)
    support = CONFIG.read(saved(tmp_path, segments, detector_spacing=0.03)).task.support
    offsets = (np.arange(50) - 24.5) * 0.03
    inside = np.tile(np.abs(offsets) < 0.5, len(DEGREES))
    np.testing.assert_array_equal(support.p.start, segments.start[inside])


def test_an_initialization_for_means_is_given_means(tmp_path):
    path = saved(tmp_path, parallel_beam(np.deg2rad(DEGREES), 30, True))
    sums = CONFIG.read(path).task.support
    for chord in (True, False):
        paper = CTConfig(size=16, measure="mean", chord=chord, pixel_offset=0.0)
        means = paper.read(path).task.support
        length = np.linalg.norm(means.p.end - means.p.start, axis=1, keepdims=True)
        np.testing.assert_allclose(means.y * length, sums.y, atol=1e-6)
        assert chord or np.allclose(length, 1, atol=1e-6)


@pytest.mark.parametrize("axis", [11.25, 20])
def test_the_axis_of_rotation_may_fall_beside_the_detectors_middle(tmp_path, axis):
    # A detector of 30 pixels that was shifted along itself: the rays of pixels around the axis.
    offsets = (np.arange(30) - axis) * 0.02
    segments = parallel_beam(np.deg2rad(DEGREES), 30, True, 0.02, axis)
    support = CONFIG.read(saved(tmp_path, segments, detector_spacing=0.02, axis=axis)).task.support
    middle = ((support.p.start + support.p.end) / 2 - 0.5).reshape(len(DEGREES), 30, 2)
    across = np.stack([-np.sin(np.deg2rad(DEGREES)), np.cos(np.deg2rad(DEGREES))], axis=-1)
    found = np.einsum("vrd,vd->vr", middle, across)
    np.testing.assert_allclose(found, np.tile(offsets, (len(DEGREES), 1)), atol=1e-6)
    fan = fan_beam(np.deg2rad(DEGREES), 30, True, 1.7, 0.02, axis)
    path = saved(tmp_path, fan, detector_spacing=0.02, axis=axis, beam="fan", source_distance=1.7)
    np.testing.assert_array_equal(CONFIG.read(path).task.support.p.start, fan.start)
    path = saved(tmp_path, segments, axis=30)
    with pytest.raises(
        InputError,
        match="axis is 30, beside a detector of 30 pixels; give a number above 0, at most 29",
    ):
        CONFIG.read(path)


@pytest.mark.parametrize("size", [65, 64])
def test_scikit_images_radon_transform_is_what_its_slice_gives(tmp_path, size):
    # A smooth slice, where the two agree to some thousandths; radon turns about pixel size // 2.
    points = pixel_coordinates(size, size).astype(np.float64)

    def bump(points):
        values = np.exp(-np.sum((points - [0.42, 0.56]) ** 2, axis=-1) / (2 * 0.07**2))
        return (values * (np.linalg.norm(points - 0.5, axis=-1) < 0.45)).reshape(size, size)

    sinogram = radon(bump(points), DEGREES, circle=True).T / size
    np.savez(tmp_path / "scan.npz", sinogram=sinogram, angles_deg=DEGREES, axis=size // 2)
    support = CONFIG.read(tmp_path / "scan.npz").task.support
    # The centre of that pixel is the middle of our slice.
    found = slice_integrals(bump(points + (size // 2 + 0.5) / size - 0.5), support.p)
    assert np.abs(found - support.y[:, 0]).max() < 0.01 * found.max()


def test_views_are_chosen_evenly_from_those_of_the_file(tmp_path):
    angles_deg = np.arange(12) * 15.0
    path = saved(tmp_path, parallel_beam(np.deg2rad(angles_deg), 30, True), angles_deg)
    assert CONFIG.read(path).task.support.y.shape == (12 * 30, 1)
    for views, degrees in ((1, [0]), (3, [0, 60, 120]), (5, [0, 30, 60, 105, 135])):
        expected = parallel_beam(np.deg2rad(np.array(degrees)), 30, True)
        found = CONFIG.read(path, views=views).task.support.p
        np.testing.assert_allclose(found.start, expected.start, atol=1e-7)
    for views in (0, -1, 13):
        with pytest.raises(InputError, match=f"views={views}, but the sinogram has 12; give 1 to"):
            CONFIG.read(path, views=views)
    with pytest.raises(InputError, match="index=1, but a sinogram is of one slice"):
        CONFIG.read(path, index=1)


def test_a_true_slice_is_the_target(tmp_path):
    picture = ONE.rasterize(32)
    path = saved(tmp_path, parallel_beam(np.deg2rad(DEGREES), 30, True), target=picture)
    signal = CONFIG.read(path)
    blocks = picture.reshape(16, 2, 16, 2).mean(axis=(1, 3))
    assert isinstance(signal, PlanarSignal) and signal.target is not None
    np.testing.assert_allclose(signal.target.reshape(16, 16), blocks, atol=1e-6)
    assert signal.own_side == 32


@pytest.mark.parametrize("spacing", [0.5, 100.0])
def test_a_spacing_in_other_units_is_noticed_by_what_rays_beside_the_slice_read(tmp_path, spacing):
    segments = parallel_beam(np.deg2rad(DEGREES), 30, True)
    path = saved(tmp_path, segments, detector_spacing=spacing)
    with pytest.raises(InputError, match=f"detector_spacing is {spacing:g}, .*nothing to read"):
        CONFIG.read(path)


def test_a_source_inside_the_slice_is_refused(tmp_path):
    segments = parallel_beam(np.deg2rad(DEGREES), 30, True)
    path = saved(tmp_path, segments, beam="fan", source_distance=0.4)
    with pytest.raises(InputError, match=r"source_distance is 0.4; give at least 0.71"):
        CONFIG.read(path)
