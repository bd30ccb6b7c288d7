"""Procedural chairs: functions of (seed, number), in the unit sphere, seen consistently."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data._solids import cast
from theta0.data.cameras import Rays, project, rays
from theta0.data.views import Objects, ProceduralObjects, random_cameras
from theta0.data.views._procedural_objects import DISTANCE, FOV_DEG, chair
from theta0.errors import InputError

SOURCE = ProceduralObjects(samples=3, validation=2, test=1, size=16, views=4)


def same(one, two):
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.depth, two.depth)
    for a, b in zip(one.cameras, two.cameras, strict=True):
        np.testing.assert_array_equal(a.c2w, b.c2w)


def test_numbers_are_split_in_order():
    objects = SOURCE.read()
    assert isinstance(objects, Objects)
    assert objects.names == tuple(f"chair-{number:05d}" for number in range(6))
    assert objects.split.train == (0, 1, 2)
    assert (objects.split.validation, objects.split.test) == ((3, 4), (5,))


def test_an_object_depends_on_seed_and_number_alone():
    objects = SOURCE.read()
    once = objects.load(2)
    objects.load(5)
    same(objects.load(2), once)
    same(replace(SOURCE, samples=50).read().load(2), once)
    same(replace(SOURCE, views=7).read().load(2).select(range(4)), once)
    different = [once, objects.load(3), replace(SOURCE, seed=1).read().load(2)]
    assert len({views.images.tobytes() for views in different}) == 3


def test_pictures_and_depths_are_of_the_stated_form():
    views = SOURCE.read().load(0)
    assert views.images.shape == (4, 16, 16, 4) and views.images.dtype == np.float32
    assert views.images.min() >= 0 and views.images.max() <= 1
    assert views.object_id == "chair-00000" and len(views) == 4
    assert np.unique(views.images[..., 3]).tolist() == [0, 0.25, 0.5, 0.75, 1]
    # A fully covered pixel has a surface at its centre, an empty one has none;
    # parts thinner than the distance of the rays may be missed.
    alpha = views.images[..., 3]
    assert np.isfinite(views.depth[alpha == 1]).mean() > 0.99
    assert np.isinf(views.depth[alpha == 0]).mean() > 0.99


@pytest.mark.parametrize("number", range(0, 40, 8))
def test_chairs_fill_the_unit_sphere_and_the_picture_holds_them(number):
    solids = chair(np.random.default_rng((0, int.from_bytes(b"chair"), number)))
    reach = np.linalg.norm(np.abs(solids.centre) + solids.half, axis=1)
    assert reach.max() == pytest.approx(1)
    low, high = (solids.centre - solids.half).min(0), (solids.centre + solids.half).max(0)
    np.testing.assert_allclose(low + high, 0, atol=1e-12)
    views = ProceduralObjects(samples=40, size=24, views=6).read().load(number)
    assert (views.images[..., 3].mean(axis=(1, 2)) > 0.03).all()
    signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(8, 1, 3)
    for camera in views.cameras:
        pixel = project(solids.centre + signs * solids.half, camera).pixel
        assert pixel.min() > 0 and pixel.max() < 24
        assert np.linalg.norm(camera.position) == pytest.approx(DISTANCE)
        np.testing.assert_allclose(project(np.zeros(3), camera).pixel, [12, 12], atol=1e-9)


def test_what_one_view_shows_no_other_view_sees_through():
    """The ray of another camera to a surface point ends there or before."""
    solids = chair(np.random.default_rng((0, int.from_bytes(b"chair"), 1)))
    views = SOURCE.read().load(1)
    lines = rays(views.cameras[0])
    met = np.isfinite(views.depth[0]).ravel()
    points = lines.origin[met] + views.depth[0].ravel()[met, None] * lines.direction[met]
    for camera in views.cameras:
        origin = np.tile(camera.position, (len(points), 1))
        t, _ = cast(solids, Rays(origin, points - origin))
        # 1e-5: depths are float32, so a point may lie above its surface, at a slant.
        assert (t <= 1 + 1e-5).mean() > 0.99
        if camera is views.cameras[0]:
            np.testing.assert_allclose(t, 1, rtol=1e-5)


def test_viewpoints_are_spread_evenly_over_the_sphere():
    cameras = random_cameras(np.random.default_rng(0), 400, 2, DISTANCE, FOV_DEG)
    eyes = np.array([camera.position for camera in cameras]) / DISTANCE
    # Means of 400 uniform points: 0 and 1/3, with deviations 0.029 and 0.015; four of them.
    np.testing.assert_allclose(eyes.mean(axis=0), 0, atol=0.12)
    np.testing.assert_allclose(np.square(eyes).mean(axis=0), 1 / 3, atol=0.06)


def test_impossible_settings_are_refused():
    with pytest.raises(InputError, match="size is 0"):
        ProceduralObjects(size=0)
    with pytest.raises(InputError, match="views is 0"):
        ProceduralObjects(views=0)
    with pytest.raises(InputError, match="seed is -1"):
        ProceduralObjects(seed=-1)
    with pytest.raises(InputError, match=r"size=100000, views=25: needs .* smaller size"):
        ProceduralObjects(size=100_000)
    with pytest.raises(InputError, match=r"objects: needs .* fewer"):
        ProceduralObjects(samples=10**9).read()
    for number in (-1, 6):
        with pytest.raises(InputError, match=f"object number {number}: give 0 to 5"):
            SOURCE.read().load(number)
