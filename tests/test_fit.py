"""The inner loop against plain automatic differentiation, optax, and itself."""

import time
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import theta0.chunks
from theta0.errors import DivergedError, InputError
from theta0.fields import (
    Field,
    FourierConfig,
    Mirrored,
    PositionalConfig,
    SirenConfig,
    SteppedConfig,
    mirrored,
    weights,
)
from theta0.fit import InnerConfig, InnerLoop, adapt, fit, loss_and_gradient
from theta0.forward import Lines, Points, Rays, Segments, Volume
from theta0.tasks import Observation

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIREN = SirenConfig(width=8, layers=3, w0=20.0, out_size=2)


def points_case(n=23):
    rng = np.random.default_rng(0)
    p, y = rng.random((n, 2)), rng.random((n, 2))
    return Points(), SIREN, Observation(jnp.asarray(p), jnp.asarray(y))


def lines_case(n=13):
    rng = np.random.default_rng(0)
    p = Segments(jnp.asarray(rng.random((n, 2))), jnp.asarray(rng.random((n, 2))))
    config = FourierConfig(width=8, layers=3, features=6, bandwidth=5.0)
    return Lines(samples=5), config, Observation(p, jnp.asarray(rng.random((n, 1))))


def volume_case(n=11):
    rng = np.random.default_rng(0)
    near = jnp.full(n, 0.2)
    p = Rays(
        jnp.asarray(rng.random((n, 3))), jnp.asarray(rng.standard_normal((n, 3))), near, near + 2
    )
    config = PositionalConfig(width=8, layers=3, bands=3, max_exponent=2.0)
    y = jnp.asarray(rng.random((n, 3)))
    return Volume(samples=6, density="softplus"), config, Observation(p, y)


CASES = {"points": points_case, "lines": lines_case, "volume": volume_case}


def plain_loss(forward, observation, key=None):
    """The mean squared error as anyone would write it."""

    def loss(field):
        return jnp.mean((forward(field, observation.p, key) - observation.y) ** 2)

    return loss


def assert_close(found, expected, rtol=1e-12):
    """Weight by weight, relative to the largest of them: sums run in another order."""
    scale = max(float(jnp.abs(leaf).max()) for leaf in weights(expected))
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * scale)


def assert_identical(found, expected):
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_array_equal(a, b)


# Observations a chunk: all 23 at once, two chunks with one padded, four (one padded), one each;
# 13 and 11 in three chunks of 5 and 4, padded by two and one.
@pytest.mark.parametrize(
    "case, chunk",
    [("points", c) for c in (1000, 12, 7, 1)] + [("lines", 5), ("volume", 5)],
)
def test_gradient_equals_plain_autodiff_for_every_chunk_size(x64, key, case, chunk):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    chunk = chunk * forward.samples
    loss, gradient = eqx.filter_jit(loss_and_gradient)(forward, field, observation, None, chunk)
    expected = eqx.filter_jit(eqx.filter_value_and_grad(plain_loss(forward, observation)))(field)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    assert_close(gradient, expected[1])


@pytest.mark.parametrize("huber", [0.01, 0.3, 100.0])
def test_a_robust_loss_is_twice_hubers(x64, key, huber):
    forward, config, observation = CASES["points"]()
    field = config.build(key)
    loss, gradient = loss_and_gradient(forward, field, observation, None, 7, huber)

    def plain(field):
        prediction = forward(field, observation.p)
        return 2 * jnp.mean(optax.huber_loss(prediction, observation.y, delta=huber))

    expected = eqx.filter_value_and_grad(plain)(field)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    assert_close(gradient, expected[1])


def test_a_robust_fit_goes_where_most_values_are(key):
    # Three values in ten are 1, the others 0: the mean is 0.3; Huber's minimum, where
    # 7 w = 3 * 0.05, is 0.021.
    class Constant(Field):
        w: jax.Array

        def __call__(self, x):
            return jnp.broadcast_to(self.w, (1, *x.shape[1:]))

    observation = Observation(jnp.zeros((10, 1)), (jnp.arange(10)[:, None] < 3).astype(float))
    for huber, expected in ((0.0, 0.3), (0.05, 3 * 0.05 / 7)):
        loop = InnerConfig("sgd", 0.2, 200, huber=huber).build()
        found = adapt(Points(), Constant(jnp.asarray(0.5)), observation, loop, key)[0]
        np.testing.assert_allclose(found.w, expected, atol=1e-3)


@pytest.mark.parametrize("case", ["lines", "volume"])
def test_gradient_with_a_key_is_that_of_the_same_samples(x64, key, case):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    run = eqx.filter_jit(
        lambda key, chunk=None: loss_and_gradient(forward, field, observation, key, chunk)
    )
    # One chunk draws from the only key that splitting into one gives.
    (chunk_key,) = jax.random.split(key, 1)
    loss, gradient = run(key)
    plain = eqx.filter_value_and_grad(plain_loss(forward, observation, chunk_key))
    expected = eqx.filter_jit(plain)(field)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    assert_close(gradient, expected[1])
    assert run(jax.random.PRNGKey(1))[0] != loss
    assert run(key)[0] == loss
    # Two chunks draw different samples.
    chunked = run(key, 6 * forward.samples)
    assert abs(chunked[0] - loss) > 1e-6


@pytest.mark.parametrize("case, chunk", [("points", 1000), ("lines", 5), ("volume", 5)])
def test_vjp_of_the_gradient_is_the_hessian_product(x64, key, case, chunk):
    forward, config, observation = CASES[case]()
    field = config.build(key)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    rng = np.random.default_rng(1)
    direction = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), params)

    def both(params):
        loss, gradient = loss_and_gradient(
            forward, eqx.combine(params, static), observation, None, chunk * forward.samples
        )
        return loss, eqx.filter(gradient, eqx.is_inexact_array)

    plain = lambda params: plain_loss(forward, observation)(eqx.combine(params, static))
    loss_bar = jnp.asarray(0.7)
    found = jax.jit(lambda p: jax.vjp(both, p)[1]((loss_bar, direction))[0])(params)
    gradient, hessian_product = jax.jit(lambda p: jax.jvp(jax.grad(plain), (p,), (direction,)))(
        params
    )
    expected = jax.tree.map(lambda g, h: loss_bar * g + h, gradient, hessian_product)
    assert_close(found, expected)


def test_sgd_step_is_theta_minus_lr_times_gradient(x64, key):
    forward, config, observation = points_case()
    field, lr = config.build(key), 0.03
    loop = InnerConfig("sgd", lr, 1).build()
    fitted, losses = eqx.filter_jit(adapt)(forward, field, observation, loop, key)
    plain = eqx.filter_value_and_grad(plain_loss(forward, observation))
    value, gradient = eqx.filter_jit(plain)(field)
    expected = jax.tree.map(lambda theta, g: theta - lr * g, field, gradient)
    assert_close(fitted, expected)
    np.testing.assert_allclose(losses, [value], rtol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_steps_equal_optax_on_plain_autodiff(x64, key, name):
    forward, config, observation = points_case()
    field, steps = config.build(key), 7
    loop = InnerConfig(name, 0.01, steps).build()
    fitted, losses = eqx.filter_jit(adapt)(forward, field, observation, loop, key)

    optimizer = optax.sgd(0.01) if name == "sgd" else optax.adam(0.01, eps_root=1e-16)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    state, expected = optimizer.init(params), []
    value_and_grad = jax.jit(
        jax.value_and_grad(
            lambda params: plain_loss(forward, observation)(eqx.combine(params, static))
        )
    )
    for _ in range(steps):
        value, gradient = value_and_grad(params)
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        expected.append(value)
    # Adam divides by gradients that may be small, which amplifies their rounding.
    assert_close(fitted, eqx.combine(params, static), rtol=1e-10)
    np.testing.assert_allclose(losses, expected, rtol=1e-10)


@dataclass(frozen=True)
class Recorder:
    """The identity map, telling which points it is asked for."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        jax.debug.callback(lambda rows: SEEN.append(np.asarray(rows)), p, ordered=True)
        return Points()(field, p)


SEEN: list[np.ndarray] = []


def test_batches_are_drawn_from_the_observations_and_differ_per_step(key):
    SEEN.clear()
    _, config, observation = points_case(100)
    observation = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    loop = InnerLoop(optax.sgd(1e-3), 4, batch=10)
    fit(Recorder(), config.build(key), observation, loop, key)
    jax.effects_barrier()
    everything = {tuple(row) for row in np.asarray(observation.p)}
    batches = [{tuple(row) for row in rows} for rows in SEEN]
    assert len(batches) == 4 and all(rows.shape == (10, 2) for rows in SEEN)
    assert all(batch <= everything for batch in batches)
    assert len({frozenset(batch) for batch in batches}) == 4


def test_a_batch_keeps_points_and_values_together(x64, key):
    # Where the field fits every pair exactly, any batch has zero loss if and only if p and y match.
    forward, config, observation = points_case(50)
    field = config.build(key)
    exact = Observation(observation.p, forward(field, observation.p))
    loop = InnerLoop(optax.sgd(1e-2), 3, batch=8)
    losses = eqx.filter_jit(lambda data: adapt(forward, field, data, loop, key)[1])
    assert losses(exact).max() < 1e-28
    assert losses(observation).min() > 1e-3


@pytest.mark.parametrize(
    "name, steps, batch",
    [
        ("sgd", 3, None),
        pytest.param("adam", 3, 6, marks=pytest.mark.slow),
        pytest.param("sgd", 6, 6, marks=pytest.mark.slow),
    ],
)
def test_the_fit_in_meta_training_is_the_fit_at_test_time(x64, key, name, steps, batch):
    # Up to 4 steps adapt is unrolled, from 5 on it scans; fit always loops on the device.
    forward, config, observation = lines_case()
    field = config.build(key)
    loop = InnerConfig(name, 0.05, steps, batch).build()
    run = jax.random.PRNGKey(5)
    inside, losses = eqx.filter_jit(adapt)(forward, field, observation, loop, run)
    outside = fit(forward, field, observation, loop, run, snapshots=range(steps + 1))
    np.testing.assert_allclose(outside.losses, losses, rtol=1e-9)
    assert_close(outside.field, inside, rtol=1e-9)
    # Step by step: the snapshot after k steps is what k steps alone give.
    alone = eqx.filter_jit(adapt)(forward, field, observation, loop._replace(steps=2), run)[0]
    assert_close(outside.snapshots[2], alone, rtol=1e-9)


def test_snapshots_are_the_fields_on_the_way_and_change_nothing(key):
    forward, config, observation = points_case()
    observation = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    field, loop = config.build(key), InnerConfig("adam", 0.01, 90).build()
    bare = fit(forward, field, observation, loop, key)
    full = fit(forward, field, observation, loop, key, snapshots=(0, 1, 5, 64, 70, 90, 200))
    assert sorted(full.snapshots) == [0, 1, 5, 64, 70, 90]
    assert bare.snapshots == {}
    np.testing.assert_array_equal(full.losses, bare.losses)
    assert full.losses.shape == (90,)
    assert_identical(full.field, bare.field)
    assert_identical(full.snapshots[0], field)
    assert_identical(full.snapshots[90], full.field)
    assert_identical(
        full.snapshots[70], fit(forward, field, observation, loop._replace(steps=70), key).field
    )


def test_progress_is_told_after_every_block(key):
    forward, config, observation = points_case()
    observation = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    loop, told = InnerConfig("sgd", 0.01, 100).build(), []
    result = fit(
        forward, config.build(key), observation, loop, key,
        on_progress=lambda step, loss: told.append((step, loss)),
    )  # fmt: skip
    assert [step for step, _ in told] == [64, 100]
    assert [loss for _, loss in told] == [float(result.losses[63]), float(result.losses[99])]


class Parabola(Field):
    """The field w everywhere: the loss w^2 makes SGD multiply w by 1 - 2 lr a step."""

    w: jax.Array

    def __call__(self, x):
        return jnp.broadcast_to(self.w, (1, *x.shape[1:]))


def test_divergence_is_an_error_that_names_the_step(key):
    # lr = 5e4: w grows by -(1e5 - 1) a step; w^2 passes float32's 3.4e38 when w passes 1.8e19,
    # after 4 steps: (1e5)^4 = 1e20.
    observation = Observation(jnp.zeros((3, 1)), jnp.zeros((3, 1)))
    loop = InnerConfig("sgd", 5e4, 20).build()
    with pytest.raises(DivergedError, match="at step 4: sgd with step size 50000 "):
        fit(Points(), Parabola(jnp.float32(1)), observation, loop, key)
    # And in a later block, having kept the snapshots before.
    loop = InnerConfig("sgd", 1.5, 200).build()
    with pytest.raises(DivergedError, match="at step 64:") as caught:
        # w grows by -2 a step: w^2 = 2^(2k) passes 2^128 after 64 steps.
        fit(Points(), Parabola(jnp.float32(1)), observation, loop, key, snapshots=(10, 20, 150))
    assert sorted(caught.value.snapshots) == [10, 20]
    assert float(caught.value.snapshots[10].w) == 2.0**10


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0}, {"steps": -3}, {"lr": 0.0}, {"lr": -1e-3}, {"lr": float("nan")},
        {"lr": float("inf")}, {"huber": -0.1}, {"huber": float("nan")},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_input_errors(settings):
    (name,) = settings
    with pytest.raises(InputError, match=name):
        InnerConfig(**settings).build()


def test_equal_settings_give_the_same_optimizer_object():
    first, second = (InnerConfig("adam", 0.02, steps).build() for steps in (3, 4))
    assert first.optimizer is second.optimizer
    assert InnerConfig("adam", 0.03, 3).build().optimizer is not first.optimizer


def test_a_time_budget_stops_early(key):
    forward, config, observation = points_case()
    observation = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    loop = InnerConfig("sgd", 1e-3, 10_000_000).build()
    field = config.build(key)
    fit(forward, field, observation, loop._replace(steps=1), key)
    began = time.monotonic()
    result = fit(forward, field, observation, loop, key, seconds=0.5)
    took = time.monotonic() - began
    # A block lasts at most 0.2 s by the pace measured; the rest allows for a busy machine.
    assert 0.5 <= took < 5 and 0.5 <= result.seconds < 5
    assert 1 < len(result.losses) < 10_000_000
    # Stopping early is the only difference.
    same = fit(forward, field, observation, loop._replace(steps=len(result.losses)), key)
    assert_identical(result.field, same.field)


def test_no_time_at_all_returns_the_start(key):
    forward, config, observation = points_case()
    field = config.build(key)
    result = fit(forward, field, observation, InnerConfig().build(), key, seconds=0.0)
    assert result.losses.shape == (0,)
    assert_identical(result.field, field)


@dataclass(frozen=True)
class Counted:
    """The identity map, counting how often it is traced."""

    samples = 1

    def __call__(self, field: Field, p, key=None):
        TRACES.append(1)
        return Points()(field, p)


TRACES: list[int] = []


def test_another_number_of_steps_does_not_compile_again(key):
    _, config, observation = points_case()
    observation = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    field = config.build(key)
    TRACES.clear()
    fit(Counted(), field, observation, InnerConfig("sgd", 1e-3, 3).build(), key)
    once = len(TRACES)
    assert once > 0
    for steps in (1, 2, 64, 65, 200):
        fit(
            Counted(), field, observation, InnerConfig("sgd", 1e-3, steps).build(), key,
            snapshots=(7, 11),
        )  # fmt: skip
    fit(Counted(), field, observation, InnerConfig("sgd", 1e-3, 20).build(), key, seconds=0.3)
    assert len(TRACES) == once


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="an accelerator takes what fits")
@pytest.mark.parametrize("width, points", [(8, 4096), (64, 4096), (128, 2048), (512, 1024)])
def test_a_chunk_is_as_wide_as_the_cache_holds(monkeypatch, key, width, points):
    monkeypatch.delenv("THETA0_CHUNK", raising=False)
    network = SirenConfig(width=width, layers=4)
    for config in (network, SteppedConfig(network, 0.1, 3, "weight")):
        assert theta0.chunks.points_per_chunk(config.build(key)) == points


def test_the_chunk_size_follows_the_environment(monkeypatch, key):
    monkeypatch.delenv("THETA0_CHUNK", raising=False)
    assert theta0.chunks.points_per_chunk(SirenConfig().build(key)) == 1024
    monkeypatch.setenv("THETA0_CHUNK", "77")
    assert theta0.chunks.points_per_chunk(SirenConfig().build(key)) == 77


def test_a_fit_that_nothing_moves_is_reported(key):
    from theta0.fields import PositionalConfig
    from theta0.forward import Rays, Volume

    dead = PositionalConfig(width=8, layers=2).build(key)
    last = dead.layers[-1]
    bias = last.bias.at[3].set(-20)  # far below what the ReLU of the density lets through
    dead = eqx.tree_at(lambda field: field.layers[-1].bias, dead, bias)
    rng = np.random.default_rng(0)
    ends = np.full(4, 1.0, np.float32), np.full(4, 2.0, np.float32)
    rays = Rays(*rng.standard_normal((2, 4, 3)).astype(np.float32), *ends)
    seen = Observation(rays, np.zeros((4, 3), np.float32))
    loop = InnerConfig("adam", 1e-3, 3).build()
    with pytest.raises(DivergedError, match=r"stands still at step 3.*white void") as raised:
        fit(Volume(samples=4), dead, seen, loop, key, snapshots=(0,))
    assert set(raised.value.snapshots) == {0}
    alive = fit(Volume(samples=4, density="softplus"), dead, seen, loop, key)
    assert len(alive.losses) == 3


def test_learned_steps_are_followed_by_adam_from_where_they_end(key):
    forward, config, seen = points_case()
    stepped = SteppedConfig(config, 0.05, 3, "weight").build(key)
    run = lambda field, *how, at=(): fit(forward, field, seen, InnerConfig(*how).build(), key, at)
    both = run(stepped, "learned-adam", 1e-3, 8, at=(3,))
    first = run(stepped, "learned", 1.0, 3).field
    then = run(first.field, "adam", 1e-3, 5).field
    # Two programs round in other orders.
    for found, expected in ((both.snapshots[3].field, first.field), (both.field.field, then)):
        for one, other in zip(weights(found), weights(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    jax.tree.map(np.testing.assert_array_equal, both.field.step_sizes, stepped.step_sizes)


def test_learned_steps_need_a_start_that_carries_them(key):
    forward, config, seen = points_case()
    loop = InnerConfig("learned-adam", 1e-3, 2).build()
    with pytest.raises(InputError, match="carries no step sizes"):
        fit(forward, config.build(key), seen, loop, key)


@pytest.mark.parametrize("case", ["points", "lines"])
def test_a_mirrored_copy_is_a_fit_of_the_mirrored_signal(x64, key, case):
    forward, config, observation = CASES[case]()
    loop = InnerConfig("adam", 0.01, 4, mirrored=True).build()
    told = []
    found = fit(
        forward, config.build(key), observation, loop, key, (0, 2),
        on_progress=lambda *args: told.append(args),
    )  # fmt: skip
    alone = [
        fit(
            forward, config.build(key), Observation(p, observation.y),
            loop._replace(mirrored=False), jax.random.fold_in(key, number), (0, 2),
        )
        for number, p in enumerate((observation.p, jax.tree.map(mirrored, observation.p)))
    ]  # fmt: skip
    assert isinstance(found.field, Mirrored) and set(found.snapshots) == {0, 2}
    for of in (lambda one: one.field, lambda one: one.snapshots[2]):
        assert_close(of(found).upright, of(alone[0]))
        assert_close(of(found).reversed, of(alone[1]))
    np.testing.assert_allclose(found.losses, (alone[0].losses + alone[1].losses) / 2)
    steps = [step for step, _ in told]
    assert steps == sorted(steps) and steps[-1] == 4
    # Fitted copies go on from where they are.
    again = fit(forward, found.field, observation, loop, key)
    assert again.field.config == found.field.config


def test_a_mirror_image_fits_to_the_mirror_image(x64, key):
    forward, config, observation = points_case()
    fresh, loop = config.build(key), InnerConfig("sgd", 0.01, 3, mirrored=True).build()
    reversed_one = Observation(mirrored(observation.p), observation.y)
    one, other = (
        fit(forward, fresh, seen, loop, key).field for seen in (observation, reversed_one)
    )
    places = jnp.asarray(np.random.default_rng(2).random((7, 2)))
    np.testing.assert_allclose(forward(one, places), forward(other, mirrored(places)), rtol=1e-10)


def test_a_signal_in_space_or_in_learning_has_no_mirrored_copy(key):
    loop = InnerConfig("sgd", 0.01, 2, mirrored=True).build()
    forward, config, rays = volume_case()
    with pytest.raises(InputError, match="plane"):
        fit(forward, config.build(key), rays, loop, key)
    forward, config, observation = points_case()
    with pytest.raises(InputError, match="given time"):
        fit(forward, config.build(key), observation, loop, key, seconds=1.0)
    with pytest.raises(InputError, match="not of learning"):
        adapt(forward, config.build(key), observation, loop, key)


def test_of_two_copies_that_diverge_what_both_reached_is_kept(key):
    forward, config, observation = points_case()
    observation = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), observation)
    loop = InnerConfig("sgd", 1e30, 5, mirrored=True).build()
    with pytest.raises(DivergedError) as error:
        fit(forward, config.build(key), observation, loop, key, (0, 4))
    assert set(error.value.snapshots) == {0}
    assert isinstance(error.value.snapshots[0], Mirrored)
