"""Solids and pictures of them, against closed forms and their definitions."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data._solids import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    GABLE,
    LitSolids,
    blocked,
    cast,
    joined,
    nearest,
    normals,
    picture,
    shade,
)
from theta0.data.cameras import Camera, look_at, orbit, project, rays
from theta0.data.cameras import Rays as Lines

FRONT = orbit(-90, 0, 4)  # at (0, -4, 0), looking along +y


def solids(*parts, ambient=1.0):
    """Parts are (centre, half, kind, colour); the light comes from the front."""
    centre, half, kind, colour = (np.array(column, float) for column in zip(*parts, strict=True))
    light = np.array([0.0, -1.0, 0.0])
    return LitSolids(centre, half, kind.astype(int), colour, light, ambient)


def ball(centre=(0, 0, 0), radius=1.0, colour=(1, 1, 1)):
    return (centre, (radius,) * 3, ELLIPSOID, colour)


def test_a_box_seen_frontally_has_known_pixels_and_depth():
    # Its front face is 1 x 0.5 at depth 3.5: with a focal length of 14 pixels, 4 x 2 pixels.
    box = solids(((0, 0, 0), (0.5, 0.5, 0.25), BOX, (0.2, 0.5, 0.9)))
    image, depth = picture(box, Camera(8, 8, 14.0, 14.0, 4.0, 4.0, FRONT), 2)
    expected = np.zeros((8, 8))
    expected[3:5, 2:6] = 1
    np.testing.assert_array_equal(image[..., 3], expected)
    np.testing.assert_allclose(depth[expected == 1], 3.5, rtol=1e-7)
    assert (depth[expected == 0] == np.inf).all()
    np.testing.assert_allclose(image[expected == 1, :3], [[0.2, 0.5, 0.9]] * 8, rtol=1e-6)


def test_pixels_an_edge_runs_through_have_the_part_covered():
    # Moved by a quarter of a pixel, which 4 rays per side resolve exactly.
    box = solids(((0.0625, 0, 0), (0.5, 0.5, 0.25), BOX, (1, 1, 1)))
    image, _ = picture(box, Camera(8, 8, 14.0, 14.0, 4.0, 4.0, FRONT), 4)
    np.testing.assert_allclose(image[3, :, 3], [0, 0, 0.75, 1, 1, 1, 0.25, 0], rtol=1e-6)
    np.testing.assert_allclose(image[3, [2, 6], :3], 1)  # colours are not multiplied by alpha


@pytest.mark.parametrize("aside", [0.0, 1.5])
def test_the_silhouette_of_a_ball_is_the_known_ellipse(aside):
    """A ball seen theta beside the axis, with half angle a, is an ellipse from theta - a to
    theta + a, whose other half axis is sin a / sqrt(cos^2 theta - sin^2 a)."""
    view = Camera(160, 96, 120.0, 120.0, 60.0, 48.0, FRONT)
    centre = np.array([aside, 0, 0])
    image, depth = picture(solids(ball(centre)), view, 4)
    theta, angle = np.arctan2(aside, 4), np.arcsin(1 / np.hypot(aside, 4))
    left, right = np.tan(theta - angle), np.tan(theta + angle)
    other = np.sin(angle) / np.sqrt(np.cos(theta) ** 2 - np.sin(angle) ** 2)
    alpha = image[..., 3]
    # A rim of some 200 pixels, each known to 1/4 of a ray's share: errors average to 0.1 %.
    assert alpha.sum() == pytest.approx(np.pi * (right - left) / 2 * other * 120**2, rel=2e-3)
    rows, columns = np.mgrid[:96, :160] + 0.5
    assert (alpha * columns).sum() / alpha.sum() == pytest.approx(
        60 + 60 * (left + right), abs=0.03
    )
    assert (alpha * rows).sum() / alpha.sum() == pytest.approx(48, abs=1e-4)
    met = np.isfinite(depth).ravel()
    lines = rays(view)
    points = lines.origin[met] + depth.ravel()[met, None] * lines.direction[met]
    # float32 of numbers around 4
    np.testing.assert_allclose(np.linalg.norm(points - centre, axis=1), 1, rtol=0, atol=3e-6)
    assert depth.min() >= (4 - 1) * (1 - 1e-6)


@pytest.mark.parametrize("azimuth", [0, 77, 200])
@pytest.mark.parametrize("elevation", [-40, 10, 80])
def test_a_small_ball_appears_where_its_centre_is_projected(azimuth, elevation):
    centre = np.array([0.4, -0.3, 0.5])
    view = Camera.from_fov(orbit(azimuth, elevation, 4), 48, 32, 35)
    image, depth = picture(solids(ball(centre, 0.1)), view, 8)
    alpha = image[..., 3]
    rows, columns = np.mgrid[:32, :48] + 0.5
    found = np.array([(alpha * columns).sum(), (alpha * rows).sum()]) / alpha.sum()
    pixel, middle = project(centre, view)
    # The ellipse's centre lies beside the projected one by about radius^2 / distance^2 of its
    # offset from the middle, 0.01 pixels; the rest is the grid of rays.
    np.testing.assert_allclose(found, pixel, rtol=0, atol=0.03)
    assert depth[int(pixel[1]), int(pixel[0])] == pytest.approx(middle - 0.1, abs=0.03)


def test_the_nearest_solid_is_seen():
    near, far = ball((0, -0.5, 0), 0.2, (1, 0, 0)), ball((0, 0.5, 0), 0.6, (0, 0, 1))
    for parts in ((near, far), (far, near)):
        image, depth = picture(solids(*parts), Camera.from_fov(FRONT, 33, 33, 20), 1)
        np.testing.assert_allclose(image[16, 16], [1, 0, 0, 1])
        assert depth[16, 16] == pytest.approx(3.3)
        assert (image[..., 2] > 0).sum() > (image[..., 0] > 0).sum()


def test_shade_is_lamberts():
    bright = solids(ball(), ambient=0.25)
    view = Camera.from_fov(FRONT, 41, 41, 35)
    image, depth = picture(bright, view, 1)
    met = np.isfinite(depth)
    lines = rays(view)
    normal = (lines.origin + np.where(met, depth, 0).reshape(-1, 1) * lines.direction)[met.ravel()]
    expected = 0.25 + 0.75 * np.maximum(-normal[:, 1], 0)
    np.testing.assert_allclose(image[met][:, 0], expected, rtol=0, atol=1e-5)
    from_behind = picture(bright, replace(view, c2w=orbit(90, 0, 4)), 1)[0]
    np.testing.assert_allclose(from_behind[20, 20, :3], 0.25, rtol=1e-6)


def test_the_normal_of_an_ellipsoid_is_the_gradient_of_its_equation():
    centre, half = np.array([0.1, 0.2, -0.3]), np.array([0.3, 1.2, 0.7])
    egg = solids((centre, half, ELLIPSOID, (1, 0.5, 0)), ambient=0.0)
    unit = np.random.default_rng(0).standard_normal((50, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    points, step = centre + half * unit, 1e-5
    inside = lambda x: np.square((x - centre) / half).sum(axis=-1)
    moves = step * np.eye(3)
    gradient = inside(points[:, None] + moves) - inside(points[:, None] - moves)
    normal = gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    colour = shade(egg, points, np.zeros(50, int))
    lit = np.maximum(-normal[:, 1:2], 0)
    # Central differences of a square are exact but for rounding, 1e-16 / step.
    np.testing.assert_allclose(colour, lit * [1, 0.5, 0], rtol=0, atol=1e-9)


def test_an_ellipsoid_is_a_stretched_ball():
    """Rays stretched with a ball meet it at the same t."""
    rng = np.random.default_rng(0)
    half, centre = np.array([0.3, 1.2, 0.7]), np.array([0.1, 0.2, -0.3])
    origin = rng.standard_normal((200, 3))
    origin *= 5 / np.linalg.norm(origin, axis=1, keepdims=True)
    direction = rng.uniform(-1, 1, (200, 3)) - origin
    egg, _ = cast(solids((centre, half, ELLIPSOID, (1, 1, 1))), Lines(origin, direction))
    round_lines = Lines((origin - centre) / half, direction / half)
    expected, _ = cast(solids(ball()), round_lines)
    assert 40 < np.isfinite(egg).sum() < 200
    np.testing.assert_allclose(egg, expected, rtol=1e-9)


INSIDE = {  # as the module defines them
    BOX: lambda x, y, z: (np.abs(x) <= 1) & (np.abs(y) <= 1) & (np.abs(z) <= 1),
    ELLIPSOID: lambda x, y, z: x**2 + y**2 + z**2 <= 1,
    CYLINDER: lambda x, y, z: (x**2 + y**2 <= 1) & (np.abs(z) <= 1),
    GABLE: lambda x, y, z: (2 * np.abs(x) + z <= 1) & (np.abs(y) <= 1) & (z >= -1),
}


@pytest.mark.parametrize("kind", INSIDE)
def test_rays_enter_solids_where_their_definition_says(kind):
    """A ray is outside just before the hit, inside just behind it, and nowhere inside before."""
    rng = np.random.default_rng(kind)
    centre, half = np.array([0.1, 0.2, -0.3]), np.array([0.3, 1.2, 0.7])
    inside = lambda points: INSIDE[kind](*np.moveaxis((points - centre) / half, -1, 0))
    origin = rng.standard_normal((300, 3))
    origin *= 4 / np.linalg.norm(origin, axis=1, keepdims=True)
    direction = rng.uniform(-1, 1, (300, 3)) - origin
    one = solids((centre, half, kind, (1, 1, 1)))
    t, which = cast(one, Lines(origin, direction))
    met = np.isfinite(t)
    assert 50 < met.sum() < 290 and ((which == 0) == met).all()
    at = lambda t: origin[:, None] + t[..., None] * direction[:, None]
    steps = np.linspace(0, 1, 1000)
    first = np.where(met, t, 2)[:, None] * (1 - 1e-6)
    assert not inside(at(steps * np.minimum(first, 2))).any()
    assert inside(at(t[:, None] * (1 + 1e-6))[met]).all()


@pytest.mark.parametrize("kind", INSIDE)
def test_normals_lead_out_of_solids_at_right_angles_to_their_surface(kind):
    rng = np.random.default_rng(kind)
    centre, half = np.array([0.1, 0.2, -0.3]), np.array([0.3, 1.2, 0.7])
    one = solids((centre, half, kind, (1, 1, 1)))
    direction = rng.standard_normal((200, 3))
    middle = centre - [0, 0, 0.2] * half  # inside each of them
    from_outside = Lines(middle - 5 * direction, direction)
    t, _ = cast(one, from_outside)
    points = from_outside.origin + t[:, None] * direction
    outwards = normals(one, points, np.zeros(200, int))
    np.testing.assert_allclose(np.linalg.norm(outwards, axis=1), 1)
    # Planes through the surface along the normal hold the solid, which is convex, on one side.
    assert ((points[:, None] - points) * outwards[:, None]).sum(axis=-1).min() > -1e-12
    beside = cast(one, Lines(points + 1e-6 * outwards, outwards))[0]
    assert np.isinf(beside).all()


def test_a_column_is_met_from_the_side_and_from_above_at_known_depths():
    column = solids(((1, 2, 3), (0.5, 0.5, 2), CYLINDER, (1, 1, 1)))
    origin = np.array([[1.0, -2, 4], [1.3, -2, 4], [1.4, 2.2, 9], [1.4, 2.4, 9], [1, 2, -9]])
    direction = np.array([[0.0, 1, 0], [0, 1, 0], [0, 0, -1], [0, 0, -1], [0, 0, 1]])
    t, _ = cast(column, Lines(origin, direction))
    np.testing.assert_allclose(t, [3.5, 4 - 0.4, 4, np.inf, 10], rtol=1e-12)


def test_groups_are_cast_as_if_they_were_one():
    rng = np.random.default_rng(1)
    draw = lambda count: solids(
        *(
            (*rng.uniform((-1, 0.1), (1, 0.5), (3, 2)).T, kind % 4, (1, 1, 1))
            for kind in range(count)
        )
    )
    groups = [draw(5), draw(1), draw(8)]
    origin = rng.standard_normal((500, 3))
    origin *= 3 / np.linalg.norm(origin, axis=1, keepdims=True)
    lines = Lines(origin, rng.uniform(-1, 1, (500, 3)) - origin)
    t, which = nearest(groups, lines)
    expected, number = cast(joined(groups), lines)
    np.testing.assert_array_equal(t, expected)
    np.testing.assert_array_equal(which, number)
    np.testing.assert_array_equal(blocked(groups, lines), np.isfinite(t))
    assert 0.2 < np.isfinite(t).mean() < 0.99
    assert not blocked([], lines).any()


def test_rays_along_an_axis_and_solids_behind_are_no_trouble():
    parts = solids(((0, 0, 0), (0.5, 0.5, 0.5), BOX, (1, 1, 1)), ball((3, 0, 0), 0.5))
    origin = np.array([[-4.0, 0, 0], [-4, 0.5, 0], [-4, 2, 0], [1.5, 0, 0], [6, 0, 0]])
    t, which = cast(parts, Lines(origin, np.tile([1.0, 0, 0], (5, 1))))
    np.testing.assert_allclose(t[[0, 2, 3, 4]], [3.5, np.inf, 1, np.inf])
    assert which[[0, 2, 3, 4]].tolist() == [0, -1, 1, -1]
    up = picture(parts, Camera.from_fov(look_at((0, 0, 4), up=(0, 1, 0)), 9, 9, 30), 1)[1]
    assert up[4, 4] == pytest.approx(3.5)
