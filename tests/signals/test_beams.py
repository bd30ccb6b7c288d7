"""Where rays lie, and that the fan beam sees what the parallel beam sees."""

import numpy as np
import pytest

from theta0.data.ct import Phantom, phantom
from theta0.errors import InputError
from theta0.signals import CTConfig, Phantoms, fan_beam, parallel_beam

ANGLES = np.array([0.0, 0.4, 2.0, 3.9, 6.1])
RAYS, DISTANCE = 9, 1.3
# float32 coordinates of the unit square.
ROUNDING = 2e-7


def ends(segments, views):
    """Start and end of the rays, (views, rays, 2), in double precision."""
    return (np.asarray(x, np.float64).reshape(views, -1, 2) for x in (segments.start, segments.end))


def arrays(segments):
    """Start and end of the rays."""
    return np.asarray(segments.start), np.asarray(segments.end)


def fan_angles(rays=RAYS, distance=DISTANCE):
    """Angles of the rays to the central one: even, and as wide as the inscribed disc."""
    half = np.arctan2(0.5, np.sqrt(distance**2 - 0.25))  # of a tangent, from its right triangle
    return np.linspace(-half, half, 2 * rays + 1)[1::2]


def test_rays_lie_where_the_docstring_says():
    segments = parallel_beam(np.array([0.0]), 4, chord=False)
    # Angle 0: rays run along the rows' axis, the detector along the columns.
    np.testing.assert_allclose(segments.start[:, 0], 0, atol=1e-7)
    np.testing.assert_allclose(segments.end[:, 0], 1, atol=1e-7)
    np.testing.assert_allclose(segments.start[:, 1], [0.125, 0.375, 0.625, 0.875], atol=1e-7)
    np.testing.assert_allclose(segments.end[:, 1], segments.start[:, 1], atol=1e-7)


@pytest.mark.parametrize("chord", [True, False])
def test_rays_are_parallel_evenly_spaced_and_centred(chord):
    angles, rays = np.array([0.3, 1.1, 2.9]), 6
    segments = parallel_beam(angles, rays, chord)
    start, end = (x.reshape(3, rays, 2).astype(np.float64) for x in (segments.start, segments.end))
    assert segments.start.dtype == np.float32
    along = np.stack([np.cos(angles), np.sin(angles)], axis=-1)[:, None]
    across = np.stack([-np.sin(angles), np.cos(angles)], axis=-1)[:, None]
    length = np.linalg.norm(end - start, axis=-1)
    np.testing.assert_allclose((end - start) / length[..., None], along + 0 * start, atol=1e-6)
    offsets = np.sum(((start + end) / 2 - 0.5) * across, axis=-1)
    expected = (np.arange(rays) + 0.5) / rays - 0.5
    np.testing.assert_allclose(offsets, np.broadcast_to(expected, offsets.shape), atol=1e-6)
    if chord:  # from rim to rim of the inscribed disc
        for ends in (start, end):
            np.testing.assert_allclose(np.linalg.norm(ends - 0.5, axis=-1), 0.5, atol=1e-6)
    else:
        np.testing.assert_allclose(length, 1, atol=1e-6)


@pytest.mark.parametrize("chord", [True, False])
def test_every_ray_of_a_view_comes_from_its_source(chord):
    start, end = ends(fan_beam(ANGLES, RAYS, chord, DISTANCE), len(ANGLES))
    central = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)[:, None]
    source = 0.5 - DISTANCE * central
    near, far = start - source, end - source
    cross = near[..., 0] * far[..., 1] - near[..., 1] * far[..., 0]
    np.testing.assert_allclose(cross, 0, atol=4 * ROUNDING)
    length = np.linalg.norm(far, axis=-1)
    assert (np.linalg.norm(near, axis=-1) < length).all()
    turned = np.arctan2(
        central[..., 0] * far[..., 1] - central[..., 1] * far[..., 0], (central * far).sum(-1)
    )
    np.testing.assert_allclose(turned, np.broadcast_to(fan_angles(), turned.shape), atol=1e-6)
    if chord:  # from rim to rim of the inscribed disc
        for points in (start, end):
            np.testing.assert_allclose(np.linalg.norm(points - 0.5, axis=-1), 0.5, atol=1e-6)
    else:
        np.testing.assert_allclose(np.linalg.norm(end - start, axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("chord", [True, False])
def test_a_ray_of_the_fan_is_the_parallel_ray_at_the_rebinned_angle_and_offset(chord):
    start, end = ends(fan_beam(ANGLES, RAYS, chord, DISTANCE), len(ANGLES))
    for k, gamma in enumerate(fan_angles()):
        # Two detector pixels twice the offset apart: the second lies at the offset.
        offset = DISTANCE * np.sin(gamma)
        parallel = parallel_beam(ANGLES + gamma, 2, chord, spacing=2 * offset)
        for fan, other in zip((start, end), ends(parallel, len(ANGLES)), strict=True):
            np.testing.assert_allclose(fan[:, k], other[:, 1], atol=ROUNDING)


def test_integrals_along_a_fan_are_the_closed_form_of_an_ellipse():
    """At the angle phi and offset s an ellipse (a, b) of density c, turned by t, centred at m, has
    ``2 c a b sqrt(w^2 - d^2) / w^2`` with ``w^2 = a^2 sin^2(phi - t) + b^2 cos^2(phi - t)`` and
    ``d = s - (m - 1/2) . (-sin phi, cos phi)``."""
    a, b, turn, density, centre = 0.3, 0.12, 0.7, 0.8, np.array([0.55, 0.42])
    ellipse = Phantom(centre[None], np.array([[a, b]]), np.array([turn]), np.array([density]))
    segments = fan_beam(ANGLES, 40, True, DISTANCE)
    found = ellipse.line_integrals(*arrays(segments)).reshape(len(ANGLES), 40)
    gamma = fan_angles(40)
    phi, s = ANGLES[:, None] + gamma, DISTANCE * np.sin(gamma)
    width_squared = (a * np.sin(phi - turn)) ** 2 + (b * np.cos(phi - turn)) ** 2
    across = np.stack([-np.sin(phi), np.cos(phi)], axis=-1)
    distance_squared = (s - across @ (centre - 0.5)) ** 2
    root = np.sqrt(np.maximum(width_squared - distance_squared, 0))
    expected = 2 * density * a * b * root / width_squared
    assert (expected > 0).sum() > 50
    # The root turns an error of the coordinates into its square root where a ray is tangent.
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.abs(found - expected).mean() < 1e-6


def test_a_task_measures_along_the_fan():
    config = CTConfig(Phantoms(train=2), size=16, rays=12, beam="fan", source_distance=DISTANCE)
    support = config.build().held_out("test", 1, views=5).support
    segments = fan_beam(np.arange(5) * 2 * np.pi / 5, 12, True, DISTANCE)
    np.testing.assert_array_equal(support.p.start, segments.start)
    exact = phantom(2, 1).line_integrals(*arrays(segments))
    np.testing.assert_allclose(support.y[:, 0], exact, rtol=1e-6)


def test_a_full_turn_of_the_fan_sees_every_ray_twice():
    # Rays 5 degrees apart, views every 5 degrees: the ray at gamma of the view at theta is that at
    # -gamma of the view at theta + 180 degrees + 2 gamma, seen from the other end.
    views, rays = 72, 8
    distance = 0.5 / np.sin(np.deg2rad(5 * rays / 2))
    segments = fan_beam(np.deg2rad(5.0 * np.arange(views)), rays, True, distance)
    one = phantom(0, 3)
    values = one.line_integrals(*arrays(segments)).reshape(views, rays)
    view, pixel = np.mgrid[:views, :rays]
    opposite = (view + views // 2 + 2 * pixel - (rays - 1)) % views
    np.testing.assert_allclose(values, values[opposite, rays - 1 - pixel], atol=1e-3)
    assert np.abs(values - values[opposite, rays - 1 - pixel]).mean() < 1e-6
    start, end = ends(segments, views)
    np.testing.assert_allclose(start, end[opposite, rays - 1 - pixel], atol=1e-6)


@pytest.mark.parametrize("beam, turn", [("parallel", np.pi), ("fan", 2 * np.pi)])
@pytest.mark.parametrize("angles", ["random", "even"])
def test_training_views_lie_all_around_the_turn(beam, turn, angles):
    config = CTConfig(
        Phantoms(train=2), size=8, rays=3, training_views=4, training_angles=angles, beam=beam
    )
    tasks, found = config.build(), []
    for step in range(50):
        p = tasks.training_tasks(0, step, 1).support.p
        along = (p.end - p.start)[0, 1::3]  # the central rays
        found.append(np.arctan2(along[:, 1], along[:, 0]) % (2 * np.pi))
    found = np.concatenate(found)
    # 200 angles in eighths of the turn: binomial, 25 each with a deviation of 4.7.
    counts = np.histogram(found, 8, (0, turn))[0]
    assert counts.sum() == 200 and np.abs(counts - 25).max() <= 5 * 4.7


def test_a_detector_of_its_own_spacing_is_centred():
    # Seen from far away a fan is parallel, and its spacing the same distance.
    far = ends(fan_beam(ANGLES, RAYS, False, 1e5, spacing=0.05), len(ANGLES))
    parallel = ends(parallel_beam(ANGLES, RAYS, False, spacing=0.05), len(ANGLES))
    for one, other in zip(far, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_rays_beside_the_disc_have_no_length():
    start, end = ends(parallel_beam(ANGLES, 5, True, spacing=0.3), len(ANGLES))
    length = np.linalg.norm(end - start, axis=-1)
    np.testing.assert_array_equal(length > 0, np.tile([False, True, True, True, False], (5, 1)))


@pytest.mark.parametrize("distance", [0.7, 0.0, -2.0, float("nan"), float("inf")])
def test_a_source_inside_the_slice_is_refused(distance):
    with pytest.raises(InputError, match=f"source_distance is {distance}; give at least 0.71"):
        CTConfig(beam="fan", source_distance=distance)
