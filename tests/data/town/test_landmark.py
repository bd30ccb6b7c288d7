"""The landmark: positions of its solids, and their depths in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data._solids import BOX, CYLINDER, ELLIPSOID, joined, nearest
from theta0.data.cameras import project, rays
from theta0.data.town import TouristTown
from theta0.data.town._landmark import landmark
from theta0.data.town._scene import GROUND

SOURCE = TouristTown(photos=12, validation=2, test=3, size=24)


TOWN = SOURCE.read()


SOLIDS = joined(TOWN.scene.groups)


def tallest(kind):
    """Number of a solid of a kind."""
    return int(np.argmax(SOLIDS.half[:, 2] * (SOLIDS.kind == kind)))


@pytest.mark.parametrize("seed", range(4))
def test_the_landmark_stands_on_the_ground_in_the_unit_sphere(seed):
    scene = landmark(seed)
    ground, parts = scene.groups[0], joined(scene.groups[1:])
    assert ground.centre[0, 2] + ground.half[0, 2] == pytest.approx(GROUND)
    assert (parts.centre - parts.half)[:, 2].min() == pytest.approx(GROUND)
    assert np.linalg.norm(np.abs(parts.centre) + parts.half, axis=1).max() < 1.15
    assert len(scene.covers) == 1 + len(parts)


def meet(kind, centre, half, lines):
    """Textbook intersections of rays with a cylinder, an ellipsoid or the front of a box."""
    o, d = (lines.origin - centre) / half, lines.direction / half
    if kind == BOX:
        t = (-1 - o[:, 1]) / d[:, 1]
        x, _, z = (o + t[:, None] * d).T
        return np.where((np.abs(x) < 1) & (np.abs(z) < 1), t, np.inf)
    axes = slice(0, 2 if kind == CYLINDER else 3)
    o, d, z, up = o[:, axes], d[:, axes], o[:, 2], d[:, 2]
    a, b, c = (d * d).sum(1), 2 * (o * d).sum(1), (o * o).sum(1) - 1
    root = np.sqrt(np.where(b * b > 4 * a * c, b * b - 4 * a * c, np.nan))
    t = (-b - root) / (2 * a)
    inside = np.abs(z + t * up) < 1 if kind == CYLINDER else np.ones(len(t), bool)
    return np.where(inside & ~np.isnan(t), t, np.inf)


@pytest.mark.parametrize("kind", [BOX, CYLINDER, ELLIPSOID], ids=["tower", "column", "dome"])
def test_depths_are_those_of_closed_forms(kind):
    """No depth is behind a solid's surface, and unoccluded depths are those of the surface."""
    town = replace(SOURCE, size=48).read()
    number = tallest(kind)
    matches = 0
    for index in range(6):
        depth = town.depth(index).ravel()
        expected = meet(kind, SOLIDS.centre[number], SOLIDS.half[number], rays(town.camera(index)))
        met = np.isfinite(expected)
        assert (depth[met] <= expected[met] * (1 + 1e-9)).all()
        matches += (np.abs(depth[met] - expected[met]) < 1e-9).sum()
    assert matches > 30


def test_the_ground_and_the_sky_meet_at_the_horizon():
    depth = TOWN.depth(0)
    lines = rays(TOWN.camera(0))
    down = lines.direction[:, 2]
    flat = np.where(down < 0, (GROUND - lines.origin[:, 2]) / np.minimum(down, -1e-9), np.inf)
    depth = depth.ravel()
    assert (depth <= flat * (1 + 1e-9)).all() and np.isinf(depth[down > 0]).any()
    landmark = nearest(TOWN.scene.groups[1:], lines)[0].min()
    before = flat < landmark
    assert before.any()
    np.testing.assert_allclose(depth[before], flat[before], rtol=1e-9)


def test_corners_are_projected_onto_the_right_pixels():
    """A box is not visible beyond its outermost corners; within, it or an occluder is."""
    town = replace(SOURCE, size=256).read()
    signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(8, 3)
    within = np.zeros(0, bool)
    for index in range(4):
        camera = town.camera(index)
        _, which = nearest(town.scene.groups, rays(camera))
        which = which.reshape(256, 256)
        for number in np.flatnonzero(SOLIDS.kind == BOX)[1:]:
            corners = project(SOLIDS.centre[number] + signs * SOLIDS.half[number], camera).pixel
            away = corners - corners.mean(axis=0)
            away /= np.linalg.norm(away, axis=1, keepdims=True)
            outermost = np.argmax(corners @ away.T, axis=0) == np.arange(8)
            # The centre of a pixel is up to 0.71 pixels from the requested position.
            for shift, then in ((1.5, "beyond"), (-3, "within")):
                columns, rows = np.floor(corners + shift * away)[outermost].astype(int).T
                framed = (np.minimum(columns, rows) >= 0) & (np.maximum(columns, rows) < 256)
                seen = which[rows[framed], columns[framed]] == number
                if then == "beyond":
                    assert not seen.any()
                else:
                    within = np.append(within, seen)
    assert len(within) > 400 and within.mean() > 0.25  # the others are behind something


@pytest.mark.slow
def test_near_and_far_hold_the_landmark_and_the_ground_before_it():
    town = replace(SOURCE, photos=60, size=90, supersample=1).read()
    for index in range(0, 60, 10):
        photo = town.load(index)
        t, _ = nearest(town.scene.groups[1:], rays(photo.camera))
        seen, whole = t[np.isfinite(t)], nearest(town.scene.groups, rays(photo.camera))[0]
        assert photo.near <= whole.min() and seen.max() <= photo.far
        assert photo.near > 0.9 * whole.min() and photo.far < 1.1 * seen.max()
        assert photo.near > 0.15
