"""Meta-gradients against finite differences, an independent re-implementation, and each other."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theta0.conformance import check_gradient, check_meta_gradient
from theta0.fields import (
    FourierConfig,
    PositionalConfig,
    SirenConfig,
    Stepped,
    SteppedConfig,
    weights,
)
from theta0.fit import InnerConfig, InnerLoop, adapt, loss_and_gradient, step
from theta0.fit import start as begin
from theta0.forward import Lines, Points, Rays, Segments, Volume
from theta0.meta import FOMAML, MAML, MetaSGD, Reptile
from theta0.tasks import Observation, Task

pytestmark = pytest.mark.usefixtures("quick_compilation")


def points_p(rng, n):
    return jnp.asarray(rng.random((n, 2)))


def lines_p(rng, n):
    return Segments(jnp.asarray(rng.random((n, 2))), jnp.asarray(rng.random((n, 2))))


def rays_p(rng, n):
    origin, direction = rng.random((n, 3)), rng.standard_normal((n, 3))
    return Rays(jnp.asarray(origin), jnp.asarray(direction), jnp.zeros(n), jnp.full(n, 2.0))


# The step sizes make the loss fall by a tenth to a half in a step: second order matters.
CASES = {
    "points": (
        Points(), SirenConfig(width=8, layers=3, w0=10.0, out_size=1), points_p, 1, 2e-2,
    ),
    "lines": (
        Lines(samples=4), FourierConfig(width=8, layers=3, features=6, bandwidth=4.0),
        lines_p, 1, 1.0,
    ),
    "volume": (
        Volume(samples=5, density="softplus"),
        PositionalConfig(width=8, layers=3, bands=3, max_exponent=2.0), rays_p, 3, 0.5,
    ),
}  # fmt: skip


def build(case, dtype=np.float64, tasks=2):
    forward, config, places, channels, lr = CASES[case]
    rng = np.random.default_rng(0)

    def observation(n):
        return Observation(places(rng, n), jnp.asarray(rng.random((n, channels))))

    each = [Task(observation(9), observation(7)) for _ in range(tasks)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves).astype(dtype), *each)
    field = config.build(jax.random.PRNGKey(3))
    # A bias of zero behind eight dead ReLUs stands exactly on a kink, where there is no gradient.
    biases = lambda field: [layer.bias for layer in field.layers]
    moved = [jnp.asarray(rng.normal(0, 0.1, bias.shape), bias.dtype) for bias in biases(field)]
    return forward, eqx.tree_at(biases, field, moved), stacked, lr


def one(tasks, index=0):
    return jax.tree.map(lambda leaf: leaf[index], tasks)


def inner(optimizer, lr, steps, batch=None):
    return InnerConfig(optimizer, lr if optimizer == "sgd" else 0.01, steps, batch).build()


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


# Up to 4 steps are unrolled, 6 scan.
@pytest.mark.parametrize(
    "case, optimizer, steps, batch",
    [
        ("points", "sgd", 2, None), ("lines", "sgd", 2, None), ("points", "sgd", 6, 4),
        slow("volume", "sgd", 2, None), slow("points", "adam", 2, 5),
        slow("points", "sgd", 1, None), slow("points", "adam", 6, None),
        slow("lines", "adam", 2, 5), slow("lines", "sgd", 6, None),
        slow("volume", "adam", 2, 5), slow("volume", "sgd", 6, None),
    ],
)  # fmt: skip
def test_maml_gradient_matches_finite_differences(x64, case, optimizer, steps, batch):
    forward, field, tasks, lr = build(case)
    estimator, key = MAML(inner(optimizer, lr, steps, batch)), jax.random.PRNGKey(4)
    task = one(tasks)
    _, direction = eqx.filter_jit(estimator.task_gradient)(forward, field, task, key)

    # The loss after adaptation as a function of the start alone; the same key, so the same
    # batches and the same jittered samples. Steps of the differences: see theta0.conformance.
    params, static = eqx.partition(field, eqx.is_inexact_array)

    def after_adaptation(params):
        start = eqx.combine(params, static)
        inner_key, outer_key = jax.random.split(key)
        adapted, _ = adapt(forward, start, task.support, estimator.inner, inner_key)
        return loss_and_gradient(forward, adapted, task.query, outer_key)[0]

    if case == "lines":
        # Frequencies are not trained: their direction is zero, that of the differences is not.
        assert not np.any(direction.frequencies.value)
        frozen = lambda tree: tree.frequencies.value
        of_weights = lambda p: after_adaptation(eqx.tree_at(frozen, p, frozen(params)))
    else:
        of_weights = after_adaptation
    check_gradient(of_weights, params, eqx.filter(direction, eqx.is_inexact_array), rtol=1e-6)


@pytest.mark.parametrize("optimizer, steps", [("adam", 2), slow("sgd", 6), slow("sgd", 3)])
def test_maml_equals_a_reimplementation_by_plain_autodiff(x64, optimizer, steps):
    forward, field, tasks, lr = build("points")
    task, key = one(tasks), jax.random.PRNGKey(4)
    params, static = eqx.partition(field, eqx.is_inexact_array)
    rule = optax.sgd(lr) if optimizer == "sgd" else optax.adam(0.01, eps_root=1e-16)

    def mse(params, data):
        return jnp.mean((eqx.combine(params, static)(data.p.T).T - data.y) ** 2)

    def outer(params):
        state = rule.init(params)
        for _ in range(steps):
            updates, state = rule.update(jax.grad(mse)(params, task.support), state, params)
            params = optax.apply_updates(params, updates)
        return mse(params, task.query)

    loss, gradient = jax.jit(jax.value_and_grad(outer))(params)
    estimator = MAML(inner(optimizer, lr, steps))
    found_loss, found = eqx.filter_jit(estimator.task_gradient)(forward, field, task, key)
    np.testing.assert_allclose(found_loss, loss, rtol=1e-11)
    # Adam divides by small gradients, which amplifies rounding.
    scale = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradient))
    for a, b in zip(weights(found), jax.tree.leaves(gradient), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * scale)
    # And the second order is not negligible here, so the comparison means something.
    first_order = eqx.filter_jit(FOMAML(inner(optimizer, lr, steps)).task_gradient)(
        forward, field, task, key
    )[1]
    gaps = [
        float(jnp.abs(a - b).max())
        for a, b in zip(weights(first_order), jax.tree.leaves(gradient), strict=True)
    ]
    assert max(gaps) > 1e-3 * scale


@pytest.mark.parametrize(
    "case, steps",
    [("points", 2), ("lines", 6), slow("volume", 2), slow("points", 6), slow("lines", 2)],
)
def test_fomaml_is_the_gradient_at_the_adapted_weights(x64, case, steps):
    forward, field, tasks, lr = build(case)
    task, key, loop = one(tasks), jax.random.PRNGKey(4), inner("sgd", lr, steps)
    loss, found = eqx.filter_jit(FOMAML(loop).task_gradient)(forward, field, task, key)
    inner_key, outer_key = jax.random.split(key)
    adapted, _ = eqx.filter_jit(adapt)(forward, field, task.support, loop, inner_key)
    (sample_key,) = jax.random.split(outer_key, 1)
    plain = lambda f: jnp.mean((forward(f, task.query.p, sample_key) - task.query.y) ** 2)
    expected_loss, expected = eqx.filter_jit(eqx.filter_value_and_grad(plain))(adapted)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-10)
    for a, b in zip(weights(found), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-13)


@pytest.mark.parametrize("case", CASES)
def test_one_step_reptile_with_sgd_is_lr_times_the_support_gradient(x64, case):
    forward, field, tasks, lr = build(case)
    task, key = one(tasks), jax.random.PRNGKey(4)
    loss, found = eqx.filter_jit(Reptile(inner("sgd", lr, 1)).task_gradient)(
        forward, field, task, key
    )
    # The keys of step 0 as fit.step splits them, and of its single chunk.
    inner_key, _ = jax.random.split(key)
    _, forward_key = jax.random.split(jax.random.fold_in(inner_key, 0))
    (sample_key,) = jax.random.split(forward_key, 1)
    plain = lambda f: jnp.mean((forward(f, task.support.p, sample_key) - task.support.y) ** 2)
    expected_loss, gradient = eqx.filter_jit(eqx.filter_value_and_grad(plain))(field)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-12)
    for a, b in zip(weights(found), weights(gradient), strict=True):
        # theta - (theta - lr g) loses digits where lr g is small against theta.
        np.testing.assert_allclose(a, lr * b, rtol=0, atol=1e-14)


def test_descending_reptile_moves_towards_the_adapted_weights(x64):
    forward, field, tasks, lr = build("points")
    task, key, loop = one(tasks), jax.random.PRNGKey(4), inner("sgd", lr, 5)
    _, direction = eqx.filter_jit(Reptile(loop).task_gradient)(forward, field, task, key)
    adapted, _ = eqx.filter_jit(adapt)(forward, field, task.support, loop, jax.random.split(key)[0])
    updates, _ = optax.sgd(0.3).update(direction, optax.sgd(0.3).init(direction))
    moved = eqx.apply_updates(field, updates)
    for a, b, c in zip(weights(moved), weights(field), weights(adapted), strict=True):
        np.testing.assert_allclose(a, 0.7 * b + 0.3 * c, atol=1e-14)


def stepped(field, lr, steps, per):
    """The field with step sizes of its own, each another one: a mistaken place would show."""
    config = SteppedConfig(field.config, lr, steps, per)
    rng = np.random.default_rng(6)
    vary = lambda leaf: leaf * jnp.asarray(rng.uniform(0.5, 1.5, leaf.shape), leaf.dtype)
    step_sizes = jax.tree.map(vary, config.build(jax.random.PRNGKey(0)).step_sizes)
    return Stepped(field, step_sizes, config)


METASGD = [("layer", 2, 2), ("weight", 2, 2), ("layer", 1, 3), slow("weight", 3, 6)]


@pytest.mark.parametrize("per, own, steps", METASGD)
def test_metasgd_gradient_matches_finite_differences(x64, per, own, steps):
    # Of the start and of every step size; with 3 own step sizes and 6 steps the last serves four.
    forward, field, tasks, lr = build("points")
    field, task, key = stepped(field, lr, own, per), one(tasks), jax.random.PRNGKey(4)
    loop = InnerConfig("learned", 1.0, steps).build()
    _, direction = eqx.filter_jit(MetaSGD(loop).task_gradient)(forward, field, task, key)
    params, static = eqx.partition(field, eqx.is_inexact_array)

    def after_adaptation(params):
        inner_key, outer_key = jax.random.split(key)
        adapted, _ = adapt(forward, eqx.combine(params, static), task.support, loop, inner_key)
        return loss_and_gradient(forward, adapted, task.query, outer_key)[0]

    check_gradient(after_adaptation, params, eqx.filter(direction, eqx.is_inexact_array), rtol=1e-6)


@pytest.mark.parametrize("per, own, steps", METASGD)
def test_metasgd_equals_a_reimplementation_by_plain_autodiff(x64, per, own, steps):
    forward, field, tasks, lr = build("points")
    field, task = stepped(field, lr, own, per), one(tasks)
    start, static = eqx.partition(field.field, eqx.is_inexact_array)

    def mse(params, data):
        return jnp.mean((eqx.combine(params, static)(data.p.T).T - data.y) ** 2)

    def outer(params, sizes):
        for k in range(steps):
            mine = jax.tree.map(lambda leaf, k=k: leaf[min(k, own - 1)], sizes)
            gradient = jax.grad(mse)(params, task.support)
            params = jax.tree.map(lambda w, a, g: w - a * g, params, mine, gradient)
        return mse(params, task.query)

    expected = jax.jit(jax.grad(outer, argnums=(0, 1)))(start, field.step_sizes)
    loop = InnerConfig("learned", 1.0, steps).build()
    _, found = eqx.filter_jit(MetaSGD(loop).task_gradient)(
        forward, field, task, jax.random.PRNGKey(4)
    )
    for a, b in zip(weights(found), jax.tree.leaves(expected), strict=True):
        assert np.abs(b).max() > 0
        # Derivatives by step sizes are larger than those by weights: each to its own scale.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * np.abs(b).max())


@pytest.mark.parametrize("own", [1, 2])
def test_equal_step_sizes_are_gradient_descent(x64, key, own):
    forward, field, tasks, lr = build("points")
    support = one(tasks).support
    config = SteppedConfig(field.config, lr, own)
    sizes = jax.tree.map(
        lambda leaf: jnp.full((own, *[1] * leaf.ndim), lr), eqx.filter(field, eqx.is_inexact_array)
    )
    loop = InnerConfig("learned", 1.0, 5).build()
    found, _ = eqx.filter_jit(adapt)(forward, Stepped(field, sizes, config), support, loop, key)
    expected, _ = eqx.filter_jit(adapt)(forward, field, support, inner("sgd", lr, 5), key)
    for a, b in zip(weights(found.field), weights(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)
    for a, b in zip(jax.tree.leaves(found.step_sizes), jax.tree.leaves(sizes), strict=True):
        np.testing.assert_array_equal(a, b)


def test_metasgd_asks_for_step_sizes():
    forward, field, tasks, lr = build("points", np.float32)
    with pytest.raises(TypeError, match="Siren has none"):
        MetaSGD(inner("sgd", lr, 1)).task_gradient(forward, field, one(tasks), jax.random.key(0))


ESTIMATORS = [MAML, FOMAML, Reptile]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_conformance(estimator):
    # Tasks mapped = tasks looped, among others; 6 steps scan, a batch draws from the key.
    forward, field, tasks, lr = build("points", np.float32, tasks=3)
    check_meta_gradient(estimator(inner("sgd", lr, 6, 5)), forward, field, tasks)


class Biased(Reptile):
    """A wrong meta-gradient: it sums over tasks."""

    def mean(self, forward, field, tasks, keys):
        loss, direction = Reptile.mean(self, forward, field, tasks, keys)
        return loss, jax.tree.map(lambda leaf: 2 * leaf, direction)


def test_the_conformance_test_can_fail():
    forward, field, tasks, lr = build("points", np.float32)
    with pytest.raises(AssertionError, match="not the mean"):
        check_meta_gradient(Biased(inner("sgd", lr, 1)), forward, field, tasks)


class Moody(Reptile):
    """A wrong meta-gradient: one key, and another result each time."""

    def mean(self, forward, field, tasks, keys):
        loss, direction = Reptile.mean(self, forward, field, tasks, keys)
        noise = jax.pure_callback(
            lambda: np.float32(MOODS.random()), jax.ShapeDtypeStruct((), np.float32)
        )
        return loss, jax.tree.map(lambda leaf: leaf + noise, direction)


MOODS = np.random.default_rng(0)


def test_the_conformance_test_sees_that_a_key_does_not_decide():
    forward, field, tasks, lr = build("points", np.float32)
    with pytest.raises(AssertionError, match="one key, two results"):
        check_meta_gradient(Moody(inner("sgd", lr, 1)), forward, field, tasks)


@pytest.mark.slow
def test_maml_through_adam_is_finite_at_a_zero_gradient(key):
    # A field that fits its support exactly: Adam divides 0 by sqrt(0), whose slope is infinite.
    field = SirenConfig(width=8, layers=3, w0=10.0, out_size=1).build(key)
    p = jax.random.uniform(key, (9, 2))
    support, query = (
        Observation(p, eqx.filter_jit(Points())(field, p)),
        Observation(p, jnp.zeros((9, 1))),
    )
    estimator = MAML(inner("adam", 0.01, 2))
    loss, direction = eqx.filter_jit(estimator.task_gradient)(
        Points(), field, Task(support, query), key
    )
    assert np.isfinite(loss)
    assert all(np.isfinite(leaf).all() for leaf in weights(direction))
    # Biases of dead ReLUs, too, have gradients of exactly zero.
    relu = FourierConfig(width=8, layers=3, features=4).build(key)
    relu = eqx.tree_at(lambda f: f.layers[0].bias, relu, jnp.full(8, -100.0))
    support = Observation(p, jnp.ones((9, 1)))
    _, direction = eqx.filter_jit(estimator.task_gradient)(
        Points(), relu, Task(support, support), key
    )
    assert all(np.isfinite(leaf).all() for leaf in weights(direction))


@pytest.mark.parametrize("estimator", [FOMAML, slow(MAML)])
def test_the_query_can_be_measured_otherwise_than_the_support(x64, key, estimator):
    forward, field, tasks, lr = build("lines")
    rng = np.random.default_rng(1)
    points = Observation(jnp.asarray(rng.random((7, 2))), jnp.asarray(rng.random((7, 1))))
    task, loop = Task(one(tasks).support, points), inner("sgd", lr, 1)
    loss, _ = eqx.filter_jit(estimator(loop, Points()).task_gradient)(forward, field, task, key)
    adapted, _ = eqx.filter_jit(adapt)(forward, field, task.support, loop, jax.random.split(key)[0])
    expected = jnp.mean((Points()(adapted, points.p) - points.y) ** 2)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_an_inner_loop_is_the_same_function_of_step_and_key(x64, key):
    # Resuming in the middle: the randomness of step k comes from (key, k) alone.
    forward, field, tasks, lr = build("lines")
    support, loop = one(tasks).support, inner("sgd", lr, 3, 4)
    whole, _ = eqx.filter_jit(adapt)(forward, field, support, loop, key)
    state = begin(field, loop)
    for _ in range(3):
        state, _ = eqx.filter_jit(step)(forward, state, support, loop, key)
    assert int(state.step) == 3
    for a, b in zip(weights(state.field), weights(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    assert isinstance(loop, InnerLoop)


@pytest.mark.slow
def test_memory_of_maml_grows_by_the_weights_of_a_step_and_no_more():
    n, width = 4096, 32
    field = SirenConfig(width=width, layers=4, out_size=1).build(jax.random.PRNGKey(3))
    data = Observation(jnp.zeros((n, 2)), jnp.zeros((n, 1)))

    def planned(steps):
        run = jax.jit(lambda key: MAML(inner("sgd", 0.01, steps)).task_gradient(
            Points(), field, Task(data, data), key
        ))  # fmt: skip
        return run.lower(jax.random.PRNGKey(0)).compile().memory_analysis().temp_size_in_bytes

    short, long = planned(5), planned(25)
    growth, step_weights = (long - short) / 20, 4 * sum(leaf.size for leaf in weights(field))
    # The activations of one step would be n x width x 3 layers x 4 bytes, 170 times its weights.
    assert step_weights <= growth * 1.01
    assert growth <= 4 * step_weights
