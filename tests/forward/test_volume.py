"""Volume rendering against closed forms, a NumPy reference, and its invariances."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.fields import Field, Positional
from theta0.forward import Rays, Volume

pytestmark = pytest.mark.usefixtures("quick_compilation")

COLOUR = np.array([0.2, 0.5, 0.9])


class Uniform(Field):
    """One colour and one raw density everywhere."""

    density: jax.Array

    def __call__(self, x):
        values = jnp.concatenate([jnp.asarray(COLOUR, x.dtype), self.density[None]])
        return jnp.broadcast_to(values.reshape(4, *[1] * (x.ndim - 1)), (4, *x.shape[1:]))


class Fog(Field):
    """Colours and a raw density that vary smoothly in space, of a scale of their own."""

    scale: float = 1.0
    density: float = 1.0

    def __call__(self, x):
        x = x / self.scale
        colour = 0.5 + 0.5 * jnp.sin(jnp.stack([x[0], 2 * x[1], x[2] - x[0]]))
        raw = 3 * jnp.cos(2 * x[0] + x[1]) + jnp.sin(x[2])
        return jnp.concatenate([colour, self.density * raw[None]])


def uniform(density):
    return Uniform(jnp.asarray(density, jnp.result_type(float)))


def rays(n=6, seed=0, near=0.5, far=2.5):
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal((n, 3))
    return Rays(rng.standard_normal((n, 3)), direction, np.full(n, near), np.full(n, far))


def unit(p):
    length = np.linalg.norm(p.direction, axis=1, keepdims=True)
    return Rays(p.origin, p.direction / length, p.near, p.far)


def reference(field, p, samples, activate, background, last_interval):
    """Equation 3 of NeRF, ray by ray and sample by sample."""
    rows = []
    for origin, direction, near, far in zip(p.origin, p.direction, p.near, p.far, strict=True):
        t = near + (np.arange(samples) + 0.5) / samples * (far - near)
        passing, colour, depth = 1.0, np.zeros(3), 0.0
        for i in range(samples):
            *rgb, raw = np.asarray(field(jnp.asarray(origin + t[i] * direction)))
            step = t[i + 1] - t[i] if i + 1 < samples else last_interval
            alpha = 1 - np.exp(-activate(raw) * step * np.linalg.norm(direction))
            colour, depth = colour + passing * alpha * np.array(rgb), depth + passing * alpha * t[i]
            passing = passing * (1 - alpha)
        rows.append([*(colour + passing * background), depth + passing * far, 1 - passing])
    return np.array(rows)


@pytest.mark.parametrize("background, value", [("white", 1.0), ("black", 0.0), ("none", 0.0)])
@pytest.mark.parametrize("density", ["relu", "softplus"])
@pytest.mark.parametrize("last_interval", [1e-3, 1e10])
def test_rendering_equals_a_numpy_reference(x64, background, value, density, last_interval):
    activate = {"relu": lambda x: max(x, 0.0), "softplus": lambda x: np.log1p(np.exp(x))}[density]
    volume = Volume(9, density=density, background=background, last_interval=last_interval)
    p = rays(4)
    found = volume.render(Fog(), p)
    expected = reference(Fog(), p, 9, activate, value, last_interval)
    np.testing.assert_allclose(found.colour, expected[:, :3], atol=1e-12)
    np.testing.assert_allclose(found.depth, expected[:, 3], atol=1e-12)
    np.testing.assert_allclose(found.opacity, expected[:, 4], atol=1e-12)
    np.testing.assert_array_equal(volume(Fog(), p), found.colour)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 5.0])
def test_constant_density_absorbs_exponentially(x64, sigma):
    samples, p = 500, unit(rays())
    length = 2.0
    # With a last interval as long as the others the samples cover exactly [near, far].
    volume = Volume(samples, background="black", last_interval=length / samples)
    found = volume.render(uniform(sigma), p)
    opacity = 1 - np.exp(-sigma * length)
    np.testing.assert_allclose(found.opacity, opacity, rtol=1e-12)
    np.testing.assert_allclose(found.colour, np.tile(opacity * COLOUR, (6, 1)), rtol=1e-12)
    # E[t] = near + (1 - exp(-sigma L)) / sigma, what passes counting as far. Inside its bin a
    # sample stands for the midpoint, which is wrong by sigma bin^2 / 12, as is the mean.
    depth = 0.5 + opacity / sigma
    np.testing.assert_allclose(found.depth, depth, atol=sigma * (length / samples) ** 2 / 12 * 1.01)


@pytest.mark.slow
def test_the_last_interval_replaces_the_last_bin(x64):
    sigma, samples, p = 0.7, 10, unit(rays())
    opacity = lambda last: Volume(samples, last_interval=last).render(uniform(sigma), p).opacity
    for last in (1e-3, 0.2, 1.0):
        expected = 1 - np.exp(-sigma * (2.0 * 9 / 10 + last))
        np.testing.assert_allclose(opacity(last), expected, rtol=1e-12)
    np.testing.assert_array_equal(opacity(1e10), 1)


def test_empty_space_shows_the_background_at_far():
    p = rays()
    of: Any = Volume
    for background, value in (("white", 1.0), ("black", 0.0), ("none", 0.0)):
        found = of(8, background=background).render(uniform(-1.0), p)
        np.testing.assert_array_equal(found.colour, np.full((6, 3), value))
        np.testing.assert_array_equal(found.opacity, 0)
        np.testing.assert_allclose(found.depth, p.far, rtol=1e-6)
        np.testing.assert_array_equal(found.density, 0)


@pytest.mark.slow
def test_a_negative_raw_density_is_dead_under_relu_and_alive_under_softplus():
    slope = lambda density: jax.grad(
        lambda raw: Volume(8, density=density)(Uniform(raw), rays()).sum()
    )(jnp.float32(-2.0))
    assert slope("relu") == 0
    assert abs(slope("softplus")) > 0.1


@pytest.mark.parametrize("density", ["relu", "softplus"])
@pytest.mark.parametrize("last_interval", [1e-3, 1e10])
def test_values_and_gradients_are_finite_over_all_densities(density, last_interval):
    volume = Volume(16, density=density, last_interval=last_interval)
    p = jax.tree.map(np.float32, rays(3))

    @jax.jit
    def render(raw):
        found = volume.render(Uniform(raw), p)
        total = lambda raw: (lambda r: r.colour.sum() + r.depth.sum() + r.opacity.sum())(
            volume.render(Uniform(raw), p)
        )
        return found.colour, found.depth, found.opacity, jax.grad(total)(raw)

    largest = np.finfo(np.float32).max
    for raw in [0.0, *np.logspace(-30, 10, 41), 1e20, 1e38, largest, -1e10, -largest]:
        for values in render(jnp.float32(raw)):
            assert np.isfinite(values).all(), raw
        colour, depth, opacity, _ = render(jnp.float32(raw))
        assert (opacity >= 0).all() and (opacity <= 1 + 1e-6).all()
        # Rounding of a sum of 16 float32 weights.
        assert (colour >= -1e-6).all() and (colour <= 1 + 1e-6).all()
        assert (depth <= p.far * (1 + 1e-6)).all() and (depth >= 0).all()


@pytest.mark.slow
def test_mixed_empty_and_solid_samples_have_finite_gradients():
    class Shell(Field):
        """Nothing, then density 1e10, then nothing."""

        density: jax.Array

        def __call__(self, x):
            distance = jnp.linalg.norm(x, axis=0)
            inside = (distance > 1) & (distance < 1.5)
            raw = jnp.where(inside, self.density, 0.0)
            return jnp.concatenate([0.3 * jnp.ones((3, *x.shape[1:])), raw[None]])

    origin = np.zeros((2, 3), np.float32)
    direction = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    p = Rays(origin, direction, np.full(2, 0.1, np.float32), np.full(2, 3, np.float32))
    for last_interval in (1e-3, 1e10):
        volume = Volume(64, last_interval=last_interval)
        total = lambda density: volume(Shell(density), p).sum()  # noqa: B023
        value, slope = jax.jit(jax.value_and_grad(total))(jnp.float32(1e10))
        np.testing.assert_allclose(value, 6 * 0.3, rtol=1e-5)
        assert np.isfinite(slope)
        # The solid begins at 1: the first sample behind it, at most a bin (0.045) away.
        depth = volume.render(Shell(jnp.float32(1e10)), p).depth
        assert (depth >= 1).all() and (depth <= 1.05).all()


def test_scaling_space_and_thinning_density_changes_nothing(x64):
    s, p = 7.0, rays()
    small = Volume(12, last_interval=0.1).render(Fog(), p)
    # Origins and bounds grow by s, densities shrink by it; t is in units of the direction.
    far_away = Rays(p.origin * s, p.direction, p.near * s, p.far * s)
    large = Volume(12, last_interval=0.1 * s).render(Fog(s, 1 / s), far_away)
    np.testing.assert_allclose(large.colour, small.colour, rtol=1e-12)
    np.testing.assert_allclose(large.opacity, small.opacity, rtol=1e-12)
    np.testing.assert_allclose(large.depth, s * small.depth, rtol=1e-12)


def test_the_length_of_the_direction_is_only_a_unit_of_t(x64):
    p, s = rays(), 3.0
    stretched = Rays(p.origin, p.direction * s, p.near / s, p.far / s)
    first = Volume(12, last_interval=0.3)(Fog(), p)
    second = Volume(12, last_interval=0.3 / s)(Fog(), stretched)
    np.testing.assert_allclose(second, first, rtol=1e-12)


def test_a_ray_split_in_two_renders_as_the_whole(x64):
    p, samples = rays(), 8
    middle, bin_length = (p.near + p.far) / 2, 2.0 / (2 * samples)
    whole = Volume(2 * samples, background="black", last_interval=bin_length).render(Fog(), p)
    half = Volume(samples, background="black", last_interval=bin_length)
    front = half.render(Fog(), Rays(p.origin, p.direction, p.near, middle))
    back = half.render(Fog(), Rays(p.origin, p.direction, middle, p.far))
    passing = 1 - front.opacity
    np.testing.assert_allclose(
        front.colour + passing[:, None] * back.colour, whole.colour, atol=1e-12
    )
    np.testing.assert_allclose(1 - passing * (1 - back.opacity), whole.opacity, atol=1e-12)
    # What passes the front counts there as `middle`; behind, it ends where the back says.
    depth = front.depth + passing * (back.depth - middle)
    np.testing.assert_allclose(depth, whole.depth, atol=1e-12)


@pytest.mark.slow
def test_stratified_samples_stay_in_their_bins_and_average_to_the_integral(x64):
    # The integral by 4000 midpoints; the estimate by 16 jittered samples has a small bias,
    # since the exponential is not linear: 0.5 % of the colours' range covers it.
    p = unit(rays(4))
    exact = Volume(4000, background="black", last_interval=2 / 4000)(Fog(), p)
    volume = Volume(16, background="black", last_interval=2 / 16)
    draws = eqx.filter_jit(jax.vmap(lambda key: volume(Fog(), p, key)))(
        jax.random.split(jax.random.PRNGKey(0), 2000)
    )
    assert np.abs(draws.mean(axis=0) - exact).max() <= 5e-3
    assert np.abs(draws - exact).max() > 2e-3


@pytest.mark.slow
def test_a_network_renders_finite_gradients(key):
    field = Positional(width=16, layers=3, bands=4, max_exponent=3.0).build(key)
    p = jax.tree.map(np.float32, rays(8))
    for density in ("relu", "softplus"):
        volume = Volume(8, density=density)
        loss = lambda field: jnp.mean(volume(field, p, key) ** 2)  # noqa: B023
        gradient = eqx.filter_jit(eqx.filter_grad(loss))(field)
        leaves = jax.tree.leaves(gradient)
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        assert any(np.any(leaf) for leaf in leaves)


def test_rays_that_meet_nothing_ask_nothing_of_the_field_and_see_the_background():
    asked = []

    class Asked(Uniform):
        def __call__(self, x):
            jax.debug.callback(lambda: asked.append(1))
            return super().__call__(x)

    p, map = rays(), Volume(samples=8)
    nowhere = Rays(p.origin, p.direction, p.near, p.near)
    field = Asked(jnp.asarray(1e9))
    seen = jax.jit(map.render)(field, nowhere)
    jax.effects_barrier()
    assert not asked
    np.testing.assert_array_equal(seen.colour, 1)
    np.testing.assert_array_equal(seen.opacity, 0)
    # Beside others, they still see the background: not even the last interval stops them.
    mixed = Rays(p.origin, p.direction, p.near, np.where(np.arange(6) < 3, p.near, p.far))
    seen = jax.jit(map.render)(field, mixed)
    jax.effects_barrier()
    assert asked
    np.testing.assert_array_equal(seen.colour[:3], 1)
    np.testing.assert_allclose(seen.colour[3:], np.tile(COLOUR, (3, 1)), atol=1e-6)
