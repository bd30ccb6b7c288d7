"""Total variation and the proximal term against closed forms and plain differentiation."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import Field, NetworkConfig, Siren
from theta0.forward import Observation, Points
from theta0.inner import SGD, Adam, InnerLoop, Objective, TotalVariation, adapt, fit

pytestmark = pytest.mark.usefixtures("quick_compilation")

CONFIG = Siren(width=8, layers=3, w0=20.0, out_size=2)


@dataclass(frozen=True)
class Sized(NetworkConfig):
    in_size: int


class Formula(Field):
    """A closed form with one weight."""

    w: jax.Array
    config: Sized = eqx.field(static=True)
    form: str = eqx.field(static=True)

    def __call__(self, x):
        if self.form == "ramp":  # slope w * (3, 4, 0...): norm 5 w
            return self.w * (3 * x[:1] + 4 * x[1:2])
        radius = jnp.sqrt((x[0] - 0.5) ** 2 + (x[1] - 0.5) ** 2)
        return self.w * jax.nn.sigmoid((0.3 - radius) / 0.01)[None]


def total_variation(weight, side):
    return TotalVariation(np.asarray(weight, np.float32), side)


def observed(n=23):
    rng = np.random.default_rng(0)
    return Observation(jnp.asarray(rng.random((n, 2))), jnp.asarray(rng.random((n, 2))))


@pytest.mark.parametrize("d, side", [(2, 16), (3, 6)])
def test_total_variation_of_a_ramp_is_its_slope(x64, key, d, side):
    # Everywhere 5, less the 1e-2 where the parabola ends.
    ramp = Formula(jnp.asarray(1.0), Sized(d), "ramp")
    expected = 0.5 * (np.sqrt(25 + 1e-4) - 1e-2)
    np.testing.assert_allclose(total_variation(0.5, side)(ramp, key), expected)


@pytest.mark.slow
@pytest.mark.parametrize("d, side, chunk", [(2, 9, "1"), (2, 9, "40"), (3, 5, "60")])
def test_slabs_are_the_whole_grid(x64, key, monkeypatch, d, side, chunk):
    field = Siren(in_size=d, width=8, layers=3).build(key)
    shift = jax.random.uniform(key, (d, 1))

    def whole(field):
        lattice = jnp.asarray(np.indices((side,) * d, np.float64).reshape(d, -1))
        grid = field((lattice + shift) / side).reshape(-1, *(side,) * d)
        inner = (slice(None), *(slice(side - 1) for _ in range(d)))
        squared = sum(((jnp.diff(grid, axis=a + 1) * side)[inner] ** 2).sum(0) for a in range(d))
        return 0.3 * jnp.mean(jnp.sqrt(squared + 1e-4) - 1e-2)

    monkeypatch.setenv("THETA0_CHUNK", chunk)
    penalty = total_variation(0.3, side)
    both = eqx.filter_jit(lambda field: (penalty(field, key), penalty.gradient(field, key)))
    expected = eqx.filter_jit(eqx.filter_value_and_grad(whole))(field)
    for one, other in zip(*map(jax.tree.leaves, (both(field), expected)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-8)


def test_total_variation_of_a_disc_is_its_perimeter_times_its_height(x64, key):
    # An edge of width 0.01 on a grid of pitch 1/256; forward differences err by a few per cent.
    disc = Formula(jnp.asarray(0.7), Sized(2), "disc")
    value = total_variation(1.0, 256)(disc, key)
    np.testing.assert_allclose(value, 0.7 * 2 * np.pi * 0.3, rtol=0.02)


def test_total_variation_of_a_flat_field_and_its_gradient_are_zero(key):
    flat = Formula(jnp.asarray(0.0), Sized(2), "ramp")
    value, gradient = eqx.filter_value_and_grad(total_variation(1, 8))(flat, key)
    assert float(value) == 0 and float(gradient.w) == 0


def test_the_shift_leaves_no_place_unseen(key):
    # A stripe thinner than the pitch is met about as often as its share of the shifts says.
    class Stripe(Field):
        config = Sized(2)

        def __call__(self, x):
            return (jnp.abs(x[:1] - 0.53) < 0.01).astype(x.dtype)

    penalty = total_variation(1, 10)
    values = jax.lax.map(lambda k: penalty(Stripe(), k), jax.random.split(key, 200))
    # Pitch 0.1, stripe 0.02: a fifth of the shifts, give or take 3 standard errors of 0.028.
    assert 0.11 < float((values > 0).mean()) < 0.29


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"tv": 0.3, "tv_side": 7}, {"proximal": 2.5}])
def test_a_step_descends_the_loss_and_the_penalty(x64, key, settings):
    field, observation, lr = CONFIG.build(key), observed(), 0.05
    rule = SGD(lr)
    loop = InnerLoop(2, objective=Objective(**settings))
    found = fit(Points(), field, rule, observation, loop, key, snapshots=(1, 2)).snapshots

    def objective(now, step):
        loss = jnp.mean((Points()(now, observation.p) - observation.y) ** 2)
        if "tv" in settings:
            forward_key = jax.random.split(jax.random.fold_in(key, step))[1]
            penalty = total_variation(settings["tv"], settings["tv_side"])
            return loss + penalty(now, jax.random.fold_in(forward_key, 1))
        pairs = zip(jax.tree.leaves(now), jax.tree.leaves(field), strict=True)
        return loss + 2.5 / 2 * sum(jnp.sum((a - b) ** 2) for a, b in pairs)

    now = field
    for step in range(2):
        slope = eqx.filter_grad(objective)(now, step)
        now = eqx.apply_updates(now, jax.tree.map(lambda s: -lr * s, slope))
        for a, b in zip(jax.tree.leaves(found[step + 1]), jax.tree.leaves(now), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_strong_proximal_term_balances_the_gradient_at_the_initialization(x64, key):
    # Where weight * (theta - theta_0) = -gradient; 1e4 makes the gradient all but constant.
    field, observation, weight = CONFIG.build(key), observed(), 1e4
    rule = SGD(0.5 / weight)
    loop = InnerLoop(60, objective=Objective(proximal=weight))
    end = fit(Points(), field, rule, observation, loop, key).field
    loss = lambda now: jnp.mean((Points()(now, observation.p) - observation.y) ** 2)
    expected = jax.tree.map(lambda g: -g / weight, eqx.filter_grad(loss)(field))
    leaves = (jax.tree.leaves(tree) for tree in (end, field, expected))
    for found, begun, move in zip(*leaves, strict=True):
        np.testing.assert_allclose(found - begun, move, rtol=0.02, atol=1e-9)


@pytest.mark.slow
def test_total_variation_smooths_what_the_observations_leave_open(key):
    # Few points: the fit with total variation is flatter, the error on them hardly larger.
    field = Siren(width=32, layers=3, w0=60.0, out_size=1).build(key)
    rng = np.random.default_rng(1)
    p = rng.random((30, 2), np.float32)
    observation = Observation(p, (p[:, :1] > 0.5).astype(np.float32))
    measure = total_variation(1, 64)

    def fitted(weight):
        rule = Adam(1e-3)
        loop = InnerLoop(300, objective=Objective(tv=weight, tv_side=32))
        found = fit(Points(), field, rule, observation, loop, key)
        return float(found.losses[-1]), float(measure(found.field, key))

    (_, free), (loss, smooth) = fitted(0.0), fitted(1e-3)
    assert smooth < free / 2 and loss < 0.02


@pytest.mark.slow
def test_the_fit_in_meta_training_is_the_fit_at_test_time(x64, key):
    field, observation = CONFIG.build(key), observed()
    for steps in (3, 6):
        rule = Adam(0.01)
        loop = InnerLoop(steps, objective=Objective(tv=0.1, tv_side=6, proximal=0.5))
        inside = eqx.filter_jit(adapt)(Points(), field, rule, observation, loop, key)[0]
        outside = fit(Points(), field, rule, observation, loop, key).field
        for a, b in zip(jax.tree.leaves(outside), jax.tree.leaves(inside), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", ["tv", "proximal"])
@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_cannot_be_is_refused(name, weight):
    with pytest.raises(InputError, match=name):
        Objective(**{name: weight})


def test_total_variation_needs_two_points_a_side(key):
    with pytest.raises(InputError, match="tv_side is 1; give"):
        Objective(tv=0.1, tv_side=1)
    Objective(tv_side=1)  # of no use, so it does no harm
    loop = InnerLoop(1, objective=Objective(tv=0.1, tv_side=2))
    assert np.isfinite(fit(Points(), CONFIG.build(key), SGD(), observed(), loop, key).losses).all()
