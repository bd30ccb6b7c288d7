"""The tourist town: photographs of one landmark, and renderings in other looks."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data._colours import linear_from_srgb
from theta0.data._solids import joined, nearest, normals
from theta0.data.cameras import Rays, project, rays
from theta0.data.photos import Photos
from theta0.data.town import TouristTown
from theta0.data.town import _town as module
from theta0.data.town._scene import GROUND, METRE
from theta0.errors import InputError

SOURCE = TouristTown(photos=12, validation=2, test=3, size=24)
TOWN = SOURCE.read()
SOLIDS = joined(TOWN.scene.groups)


def same(one, two):
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.hidden, two.hidden)
    np.testing.assert_array_equal(one.camera.c2w, two.camera.c2w)
    assert (one.name, one.near, one.far) == (two.name, two.near, two.far)
    assert one.camera.fl_x == two.camera.fl_x


def light_of(picture, look):
    """The inverse of `Look.develop`, where it is not clipped."""
    return linear_from_srgb((picture / 255) ** (1 / look.contrast)) / look.gain


def look_number(*weathers, town=TOWN):
    return next(n for n in range(len(town.names)) if town.look(n).weather in weathers)


def test_numbers_are_split_in_order():
    assert isinstance(TOWN, Photos)
    assert TOWN.names == tuple(f"photo-{number:05d}" for number in range(17))
    assert (TOWN.split.train, TOWN.split.validation) == (tuple(range(12)), (12, 13))
    assert TOWN.split.test == (14, 15, 16) and TOWN.skipped == ()


@pytest.mark.slow
def test_a_photograph_depends_on_seed_and_number_alone():
    once = TOWN.load(2)
    TOWN.load(5)
    same(TOWN.load(2), once)
    same(replace(SOURCE, photos=1, validation=0, test=9).read().load(2), once)
    images = {TOWN.load(2).image.tobytes(), TOWN.load(3).image.tobytes()}
    images.add(replace(SOURCE, seed=1).read().load(2).image.tobytes())
    assert len(images) == 3
    larger = replace(SOURCE, size=48, supersample=1).read().load(2)
    np.testing.assert_array_equal(larger.camera.c2w, once.camera.c2w)
    assert larger.camera.fl_x == pytest.approx(2 * once.camera.fl_x)
    assert (larger.near, larger.far) == (once.near, once.far)


def test_photographs_are_of_the_stated_form():
    photo = TOWN.load(0)
    assert photo.image.shape == (24, 24, 3) and photo.image.dtype == np.uint8
    assert photo.hidden is not None and photo.hidden.shape == (24, 24)
    empty = replace(SOURCE, occluders=False).read().load(0)
    same(empty, TOWN.render(0, occluders=False))
    assert empty.hidden is not None and not empty.hidden.any()
    same(TOWN.render(0), photo)
    same(TOWN.render(0, look=0), photo)


def test_tourists_stand_in_front_at_eye_level_and_upright():
    town = replace(SOURCE, photos=300).read()
    cameras = [town.camera(number) for number in range(300)]
    eyes = np.array([camera.position for camera in cameras])
    azimuth = np.rad2deg(np.arctan2(eyes[:, 0], -eyes[:, 1]))
    assert -60 < azimuth.min() < -50 and 50 < azimuth.max() < 60
    metres = (eyes[:, 2] - GROUND) / METRE
    assert 1.1 < metres.min() and metres.max() < 2.1
    fov = np.array([camera.fov_x_deg for camera in cameras])
    assert 30 <= fov.min() < 33 and 57 < fov.max() <= 60
    up = np.array([camera.c2w[:, 1] for camera in cameras])
    right = np.array([camera.c2w[:, 0] for camera in cameras])
    assert up[:, 2].min() > 0.85 and np.abs(right[:, 2]).max() < np.sin(np.deg2rad(6))
    # The middle of the facade is in every picture, and most of the landmark's solids are.
    middle = np.array([0, -3, 4]) * METRE + [0, 0, GROUND]
    parts = SOLIDS.centre[1:]
    shares = []
    for camera in cameras:
        pixel = project(np.concatenate([[middle], parts]), camera).pixel
        framed = ((pixel > 0) & (pixel < 24)).all(axis=1)
        assert framed[0]
        shares.append(framed[1:].mean())
    assert np.mean(shares) > 0.8 and min(shares) > 0.4


def test_another_look_is_another_light_on_the_same_scene():
    """On the front of the tower the light is known in closed form, so the albedo can be computed
    from any look; the results agree up to rounding to bytes."""
    town = replace(SOURCE, photos=40, size=64, supersample=1).read()
    index = next(n for n in range(40) if _front(town, n).sum() > 60)
    front = _front(town, index)
    camera, depth = town.camera(index), town.depth(index)
    lines = rays(camera)
    rows = np.flatnonzero(front)
    points = lines.origin[rows] + depth.ravel()[rows, None] * lines.direction[rows]
    outwards = np.tile([0.0, -1, 0], (len(rows), 1))
    _, which = nearest(town.scene.groups, Rays(lines.origin[rows], lines.direction[rows]))
    albedo = town.scene.albedo(points, outwards, which)
    assert albedo.min() > 0 and albedo.max() < 1 and albedo.std() > 0.02
    for number in (look_number("dusk", town=town), look_number("overcast", town=town),
                   look_number("blue", town=town)):  # fmt: skip
        look = town.look(number)
        photo = town.render(index, look=number, occluders=False)
        np.testing.assert_array_equal(photo.camera.c2w, camera.c2w)
        picture = photo.image.reshape(-1, 3)[rows]
        around = (look.above + look.below) / 2
        facing = max(-look.towards_sun[1], 0) * look.sun
        good = (picture < 255).all(axis=1) & (picture > 3).all(axis=1)
        # Pixels in the sun and in the shade; half a step of a byte either way.
        low, high = (light_of(picture[good] + change, look) for change in (-0.51, 0.51))
        fits = lambda light, low=low, high=high, good=good: (
            (low <= albedo[good] * light) & (albedo[good] * light <= high)
        ).all(axis=1)
        assert (fits(around) | fits(around + facing)).all()
        assert good.sum() > 30


def _front(town, index):
    """Pixels that show the front of the tower's trunk."""
    solids = joined(town.scene.groups)
    tower = len(solids) - len(town.scene.groups[-1]) - len(town.scene.groups[-2])
    lines = rays(town.camera(index))
    t, which = nearest(town.scene.groups, lines)
    points = lines.origin + np.where(np.isfinite(t), t, 0)[:, None] * lines.direction
    plane = solids.centre[tower, 1] - solids.half[tower, 1]
    return (which == tower) & (np.abs(points[:, 1] - plane) < 1e-9)


def test_what_is_behind_the_hall_is_in_its_shadow():
    look = replace(TOWN.look(0), towards_sun=np.array([0, -1, 1]) / 2**0.5, sun=np.ones(3))
    # With the sun in front at 45 degrees, the dome's shadow reaches as far as it is high.
    spots = np.array([[0.0, 9, 0], [0, 14, 0], [0, 30, 0], [0, -12, 0], [-40, 9, 0]])
    origin = spots * METRE + [0, 0, GROUND + 2]
    light, occluded = module._light(
        TOWN.scene, (), look, Rays(origin, np.tile([0, 0, -1.0], (5, 1)))
    )
    up = np.tile([0, 0, 1.0], (5, 1))
    albedo = TOWN.scene.albedo(spots * METRE + [0, 0, GROUND], up, np.zeros(5, int))
    expected = look.above + np.array([0, 0, 1, 1, 1])[:, None] / 2**0.5
    np.testing.assert_allclose(light, albedo * expected, rtol=1e-6)
    assert not occluded.any()


def test_a_pixel_is_the_mean_of_the_light_of_its_rays():
    """The rays are those of a picture of twice the size with one ray per pixel."""
    coarse = replace(SOURCE, size=16, supersample=2).read()
    fine = replace(SOURCE, size=32, supersample=1).read()
    for index in (0, 3):
        look = coarse.look(index)
        small, large = coarse.render(index), fine.render(index)
        light = light_of(large.image, look).reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
        whole = (large.image < 255).reshape(16, 2, 16, 2, 3).all(axis=(1, 3))
        found = np.rint(255 * look.develop(light))
        # Bytes of the large picture are rounded; in the darkest a step is of many per cent.
        assert np.abs(found - small.image)[whole].max() <= 2
        assert small.hidden is not None and large.hidden is not None
        np.testing.assert_array_equal(
            small.hidden, large.hidden.reshape(16, 2, 16, 2).any(axis=(1, 3))
        )


def test_a_picture_does_not_depend_on_how_many_rays_are_cast_at_a_time(monkeypatch):
    photo, depth = TOWN.load(1), TOWN.depth(1)
    monkeypatch.setattr(module, "_RAYS", 5 * 24 * 4)  # five rows
    np.testing.assert_allclose(TOWN.load(1).image.astype(int), photo.image, rtol=0, atol=1)
    np.testing.assert_allclose(TOWN.depth(1), depth, rtol=1e-9)


@pytest.mark.slow
def test_points_lie_on_the_landmark_and_have_its_colours():
    xyz, rgb = TOWN.points(600)
    assert xyz.shape == rgb.shape == (600, 3) and rgb.dtype == np.uint8
    assert np.linalg.norm(xyz, axis=1).max() < 1.15
    larger = replace(SOURCE, size=99).read().points(600)
    np.testing.assert_array_equal(larger[0], xyz)
    # Each is met by the ray of some camera, and given its albedo there.
    left = np.ones(600, bool)
    for index in TOWN.split.train:
        origin = np.tile(TOWN.camera(index).position, (600, 1))
        t, which = nearest(TOWN.scene.groups, Rays(origin, xyz - origin))
        assert (t <= 1 + 1e-9).all()
        rows = np.flatnonzero((t > 1 - 1e-9) & left)
        albedo = TOWN.scene.albedo(xyz[rows], normals(SOLIDS, xyz[rows], which[rows]), which[rows])
        close = np.abs(linear_from_srgb(rgb[rows] / 255) - albedo).max(axis=1) < 0.01
        left[rows[close]] = False
    assert left.mean() < 0.02  # points on an edge may have the texture of another side


def test_impossible_settings_are_refused():
    for name in ("photos", "size", "supersample"):
        with pytest.raises(InputError, match=f"{name} is 0; give a number above 0"):
            TouristTown(**{name: 0})
    for name in ("validation", "test", "seed"):
        with pytest.raises(InputError, match=f"{name} is -1; give 0 or more"):
            TouristTown(**{name: -1})
    with pytest.raises(InputError, match=r"size=100000: needs .* smaller size"):
        TouristTown(size=100_000)
    with pytest.raises(InputError, match=r"photographs: needs .* fewer"):
        TouristTown(photos=10**9).read()
    for number in (-1, 17):
        for ask in (TOWN.load, TOWN.render, TOWN.look, TOWN.camera, TOWN.depth):
            with pytest.raises(InputError, match=f"photograph number {number}: give 0 to 16"):
                ask(number)
        with pytest.raises(InputError, match=f"photograph number {number}"):
            TOWN.render(0, look=number)
