"""Novel views of a known ball, the rays they cost, and interpolation between two fits."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.data.cameras import orbit
from theta0.errors import InputError
from theta0.fields import Field, Positional, evaluate
from theta0.forward import Volume, predict
from theta0.reconstruct import _novel_views, interpolate, render_view
from theta0.signals import ViewConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

DATA = ViewConfig(size=16)
VOLUME = Volume(samples=64)


class Ball(Field):
    """An opaque red ball of radius 0.5 around the origin."""

    def __call__(self, x):
        inside = jnp.sum(x**2, axis=0) < 0.5**2
        red = jnp.stack([x[0] * 0 + 1.0, x[0] * 0, x[0] * 0])
        return jnp.concatenate([red, jnp.where(inside, 1e3, 0.0)[None]])


def rendered(size=16, volume=VOLUME, data=DATA, elevation_deg=20, distance=4):
    return render_view(volume, Ball(), data, data.camera(orbit(30, elevation_deg, distance), size))


def test_a_ball_is_a_disc_of_the_right_size_and_depth():
    view = rendered(65)
    rows, columns = np.indices((65, 65)) - 32
    # Tangents from distance 4 to a ball of radius 1/2: sin(angle) = 1/8.
    focal = 65 / 2 / np.tan(np.deg2rad(15))
    radius = focal * np.tan(np.arcsin(0.5 / 4))
    away = np.hypot(rows, columns)
    np.testing.assert_allclose(view.opacity[away < radius - 1], 1, atol=1e-5)
    np.testing.assert_array_equal(view.opacity[away > radius + 1], 0)
    red = np.broadcast_to([1.0, 0.0, 0.0], (65, 65, 3))[away < radius - 1]
    np.testing.assert_allclose(view.colour[away < radius - 1], red, atol=1e-5)
    np.testing.assert_array_equal(view.colour[away > radius + 1], 1)
    # 64 samples over a chord of 2 locate the surface within 1/32.
    assert view.depth[32, 32] == pytest.approx(3.5, abs=1 / 32)
    assert np.isinf(view.depth[away > radius + 1]).all()


@pytest.mark.slow
def test_a_view_equals_the_rendering_of_each_ray(key):
    field = Positional(width=8, layers=2, bands=2).build(key)
    volume = Volume(samples=8, density="softplus")
    camera = DATA.camera(orbit(0, 10, 4))
    rays = DATA.rays_of(camera)
    expected = np.asarray(predict(volume, field, rays)).reshape(16, 16, 3)
    view = render_view(volume, field, DATA, camera)
    np.testing.assert_allclose(view.colour, expected, atol=1e-6)
    whole = volume.render(field, rays)
    hidden = np.asarray(whole.opacity)
    np.testing.assert_allclose(view.opacity.ravel(), hidden, atol=1e-6)
    # The renderer counts transmitted light at depth `far`.
    shown = np.isfinite(depth := view.depth.ravel())
    assert (hidden[~shown] < 2e-3).all() and shown.any()
    mixed = hidden[shown] * depth[shown] + (1 - hidden[shown]) * rays.far[shown]
    np.testing.assert_allclose(mixed, whole.depth[shown], atol=1e-4)


@pytest.mark.parametrize("background, grey", [("white", 1.0), ("black", 0.0), ("none", 0.0)])
def test_rays_that_miss_show_the_background(background, grey):
    corner = rendered(volume=replace(VOLUME, background=background)).colour[0, 0]
    np.testing.assert_array_equal(corner, grey)


def test_only_rays_that_meet_the_sphere_are_marched(monkeypatch):
    marched = []

    def counting(forward, field, p):
        marched.append(len(p.near))
        return np.zeros((len(p.near), 5), np.float32)

    monkeypatch.setattr(_novel_views, "predict_in_blocks", counting)
    rendered(32)
    rays = DATA.rays_of(DATA.camera(orbit(30, 20, 4), 32))
    assert marched == [np.count_nonzero(rays.near < rays.far)] and marched[0] < 32 * 32
    # A camera with the sphere behind it.
    pose = orbit(30, 20, 4) * np.array([-1, 1, -1, 1])
    view = render_view(VOLUME, Ball(), DATA, DATA.camera(pose))
    assert len(marched) == 1 and (view.colour == 1).all() and np.isinf(view.depth).all()


def test_all_sizes_share_one_program():
    rendered(8)
    cached: Any = predict
    programs = cached._cached._cache_size()
    rendered(9, elevation_deg=50)
    rendered(40, distance=7)
    assert cached._cached._cache_size() == programs


def test_a_distance_outside_the_sampled_range_is_refused():
    data = replace(DATA, bounds="range", near=2.0, far=6.0)
    assert rendered(data=data).colour.shape == (16, 16, 3)
    with pytest.raises(InputError, match="distance is 7"):
        rendered(data=data, distance=7)


@pytest.mark.slow
def test_interpolation_is_linear_in_the_weights(key):
    config = Positional(width=8, layers=2, bands=2)
    first, second = (config.build(k) for k in jax.random.split(key))
    point = np.array([[0.1, 0.2, 0.3]], np.float32)
    ends = [evaluate(interpolate(first, second, share), point) for share in (0.0, 1.0)]
    np.testing.assert_array_equal(ends[0], evaluate(first, point))
    np.testing.assert_array_equal(ends[1], evaluate(second, point))
    middle: Any = interpolate(first, second, 0.25)
    expected = 0.75 * first.layers[0].weight + 0.25 * second.layers[0].weight
    np.testing.assert_allclose(middle.layers[0].weight, expected, rtol=1e-6)
