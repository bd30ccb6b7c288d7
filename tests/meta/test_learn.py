"""The outer loop: resuming, checkpoints, divergence, devices, schedules."""

import errno
import json
import signal
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import theta0.files
from theta0.errors import DivergedError, InputError
from theta0.fields import Field, SirenConfig, weights
from theta0.files import read_jsonl
from theta0.fit import InnerConfig
from theta0.forward import Points
from theta0.meta import MAML, OuterConfig, Reptile, learn, meta_step
from theta0.meta.learn import devices_for
from theta0.store import Stored
from theta0.tasks import Observation, Task, pixel_coordinates, stack


class Waves:
    """Sums of two random plane waves on a grid of 6 x 6."""

    query_forward = Points()
    training_query_forward = None

    def __init__(self):
        self.points = pixel_coordinates(6, 6)

    def task(self, rng):
        phases = self.points @ rng.uniform(-6, 6, (2, 2)) + rng.uniform(0, 6, 2)
        values = (0.5 + 0.2 * np.sin(phases).sum(axis=1, keepdims=True)).astype(np.float32)
        return Task(Observation(self.points, values), Observation(self.points, values))

    def training_tasks(self, seed, step, count):
        rng = np.random.default_rng((seed, step))
        return stack([self.task(rng) for _ in range(count)])

    def held_out(self, split, index, views=None):
        return self.task(np.random.default_rng((99, index)))

    def size(self, split):
        return 4

    def mean_signal(self):
        return Observation(self.points, np.full((36, 1), 0.5, np.float32))

    def pictures(self, values):
        return np.asarray(values).reshape(1, 6, 6, 1)


FAMILY = Waves()
FIELD = SirenConfig(width=8, layers=3, w0=10.0, out_size=1).build(jax.random.PRNGKey(0))
ESTIMATOR = MAML(InnerConfig("sgd", 0.01, 2).build())
OUTER = OuterConfig(lr=1e-3, steps=11, tasks=2, validate_every=3, checkpoint_every=4)


def validate(field):
    """A cheap stand-in for PSNR that rises and falls: how close the first bias is to a mark."""
    return 20 - 1e4 * abs(float(field.layers[0].bias[0]) - 0.00105)


def run(folder=None, outer=OUTER, estimator=ESTIMATOR, **more):
    return learn(estimator, Points(), FIELD, FAMILY, outer, seed=1, folder=folder, **more)


def assert_identical(a, b):
    for x, y in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(x, y)


def assert_same_run(resumed, whole, folder, steps=11):
    """Bit for bit, and the log holds every step once."""
    assert_identical(resumed.last, whole.last)
    assert_identical(resumed.best, whole.best)
    timeless = lambda progress: progress._replace(seconds=0)
    assert timeless(resumed.progress) == timeless(whole.progress)
    lines = read_jsonl(folder / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, steps + 1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return run(folder, validate=validate), read_jsonl(folder / "metrics.jsonl")


class Killed(BaseException):
    """Ends the process's work at once: no handler of the outer loop sees it coming."""


@pytest.mark.parametrize("at", [1, 4, 6, 10])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, Killed])
def test_killed_and_resumed_equals_uninterrupted(whole, tmp_path, kind, at):
    def kill(progress):
        if progress.step == at:
            raise kind

    with pytest.raises(kind):
        run(tmp_path, validate=validate, on_step=kill)
    checkpoint = tmp_path / "checkpoints" / "last.safetensors"
    # An interrupt saves the last step; a kill leaves the last periodic checkpoint, if any.
    expected = at if kind is KeyboardInterrupt else at // 4 * 4
    assert (Stored(checkpoint).facts["step"] if checkpoint.exists() else 0) == expected
    resumed = run(tmp_path, validate=validate)
    assert_same_run(resumed, whole[0], tmp_path)
    timeless = lambda lines: [{**line, "seconds": 0} for line in lines]
    assert timeless(read_jsonl(tmp_path / "metrics.jsonl")) == timeless(whole[1])


@pytest.mark.parametrize("where", ["validate", "on_best", "training_tasks"])
def test_an_interrupt_inside_a_step_leaves_the_step_before(whole, tmp_path, where, monkeypatch):
    calls = []

    def interrupting(function):
        def inner(*args):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return function(*args)

        return inner

    hooks = {"validate": validate}
    if where == "validate":
        hooks["validate"] = interrupting(validate)
    elif where == "on_best":
        hooks["on_best"] = interrupting(lambda field, progress: None)
    else:
        monkeypatch.setattr(FAMILY, "training_tasks", interrupting(FAMILY.training_tasks))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, **hooks)
    monkeypatch.undo()
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


@pytest.mark.parametrize("moment", range(1, 32, 3))
def test_killed_at_any_write_and_resumed_equals_uninterrupted(whole, tmp_path, monkeypatch, moment):
    """The run ends at the n-th time that it makes bytes durable, renames, or appends a line."""
    count = []

    def mortal(function):
        def inner(*args, **kwargs):
            count.append(1)
            if len(count) == moment:
                raise Killed
            return function(*args, **kwargs)

        return inner

    # 3 checkpoints of two fsyncs (the folder's too) and a rename, 11 lines of the log, and as
    # many checks of its end.
    monkeypatch.setattr(theta0.files.os, "fsync", mortal(theta0.files.os.fsync))
    monkeypatch.setattr(theta0.files.os, "replace", mortal(theta0.files.os.replace))
    monkeypatch.setattr(theta0.files, "_mend", mortal(theta0.files._mend))
    monkeypatch.setattr(theta0.files, "json_line", mortal(theta0.files.json_line))
    with pytest.raises(Killed):
        run(tmp_path, validate=validate)
    monkeypatch.undo()
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


KILLED_PROCESS = """
import importlib.util, os, pathlib, signal, sys, threading

spec = importlib.util.spec_from_file_location("test_learn", sys.argv[1])
test = importlib.util.module_from_spec(spec)
spec.loader.exec_module(test)
seconds = float(sys.argv[3])
timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL))

def on_step(progress):
    # The clock starts when everything is compiled.
    if seconds and not timer.is_alive():
        timer.start()

outer = test.OuterConfig(lr=1e-3, steps=300, tasks=2, validate_every=7, checkpoint_every=2)
test.run(pathlib.Path(sys.argv[2]), outer, validate=test.validate, on_step=on_step)
"""


@pytest.mark.slow
def test_a_process_killed_again_and_again_equals_an_uninterrupted_one(tmp_path):
    def train(folder, seconds):
        arguments = [__file__, str(tmp_path / folder), str(seconds)]
        done = subprocess.run([sys.executable, "-c", KILLED_PROCESS, *arguments], timeout=120)
        assert done.returncode in (0, -signal.SIGKILL)
        return done.returncode == 0

    assert train("whole", 0)
    finished = [train("killed", seconds) for seconds in (0.11, 0.37, 0.23)]
    assert not all(finished), "the machine is too fast: raise the number of steps"
    assert train("killed", 0)
    whole, killed = (
        Stored(tmp_path / name / "checkpoints" / "last.safetensors") for name in ("whole", "killed")
    )
    assert {**killed.facts, "seconds": 0} == {**whole.facts, "seconds": 0}
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(killed.arrays[name], array)
    logs = [read_jsonl(tmp_path / name / "metrics.jsonl") for name in ("whole", "killed")]
    timeless = [[{**line, "seconds": 0} for line in log] for log in logs]
    assert timeless[0] == timeless[1] and len(logs[0]) == 300


def test_a_torn_last_line_of_the_log_is_mended(whole, tmp_path):
    def kill(progress):
        if progress.step == 6:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, validate=validate, on_step=kill)
    log = tmp_path / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


def test_a_finished_run_is_not_run_again(whole, tmp_path):
    first = run(tmp_path, validate=validate)
    steps = []
    again = run(tmp_path, validate=validate, on_step=steps.append)
    assert steps == []
    assert_same_run(again, first, tmp_path)


def test_best_is_the_best_validated_and_last_the_last(whole):
    result, lines = whole
    validated = {
        line["step"]: line["validation_psnr"] for line in lines if "validation_psnr" in line
    }
    assert sorted(validated) == [3, 6, 9, 11]
    best = max(validated, key=validated.get)
    assert best < 11, "the stand-in should fall at the end"
    assert result.progress.best_psnr == validated[best] == validate(result.best)
    assert validate(result.last) == validated[11] < validated[best]


def test_new_bests_are_told_once_each(tmp_path):
    told = []
    result = run(
        tmp_path, validate=validate, on_best=lambda field, p: told.append((p.step, validate(field)))
    )
    values = [value for _, value in told]
    assert values == sorted(set(values)) and values[-1] == validate(result.best)


def test_without_validation_the_best_is_the_last():
    result = run()
    assert_identical(result.best, result.last)
    assert result.progress.best_psnr is None


def test_a_validation_that_is_not_a_number_is_never_the_best(tmp_path):
    values = iter([float("nan"), 12.0, float("nan"), 11.0])
    result = run(tmp_path, validate=lambda field: next(values))
    assert result.progress.best_psnr == 12.0
    assert len(read_jsonl(tmp_path / "metrics.jsonl")) == 11


def test_divergence_is_an_error_and_keeps_the_last_good_checkpoint(tmp_path):
    class Cursed(Waves):
        def training_tasks(self, seed, step, count):
            tasks = super().training_tasks(seed, step, count)
            bad = np.where(step == 6, np.float32(np.nan), tasks.query.y)
            return eqx.tree_at(lambda tasks: tasks.query.y, tasks, bad)

    with pytest.raises(DivergedError, match="outer step 7"):
        learn(ESTIMATOR, Points(), FIELD, Cursed(), OUTER, seed=1, folder=tmp_path)
    stored = Stored(tmp_path / "checkpoints" / "last.safetensors")
    assert stored.facts["step"] == 4
    assert all(np.isfinite(array).all() for array in stored.arrays.values())
    # From there a healthy run goes on.
    assert run(tmp_path).progress.step == 11


def test_a_full_disk_leaves_the_previous_checkpoint(whole, tmp_path, monkeypatch):
    replace, written = theta0.files.os.replace, []

    def full(source, target):
        if str(target).endswith("last.safetensors"):
            written.append(target)
            if len(written) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
        return replace(source, target)

    monkeypatch.setattr(theta0.files.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, validate=validate)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["last.safetensors"]
    assert Stored(tmp_path / "checkpoints" / "last.safetensors").facts["step"] == 4
    assert_same_run(run(tmp_path, validate=validate), whole[0], tmp_path)


@pytest.mark.parametrize(
    "tasks, estimator", [(4, ESTIMATOR), (2, Reptile(ESTIMATOR.inner))], ids=["maml", "reptile"]
)
@pytest.mark.slow
def test_one_device_equals_two(key, tasks, estimator):
    assert jax.local_device_count() == 2
    batch = jax.tree.map(jnp.asarray, FAMILY.training_tasks(0, 0, tasks))
    optimizer = optax.sgd(1.0)
    state = optimizer.init(eqx.filter(FIELD, eqx.is_inexact_array))
    results = [
        eqx.filter_jit(meta_step)(estimator, Points(), optimizer, FIELD, state, batch, key, devices)
        for devices in (1, 2)
    ]
    (one, _, one_loss, _), (two, _, two_loss, _) = results
    np.testing.assert_allclose(two_loss, one_loss, rtol=1e-6)
    for a, b, start in zip(weights(one), weights(two), weights(FIELD), strict=True):
        # The mean of means runs in another order: some units in the last place of the step.
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-5 * float(jnp.abs(a - start).max()) + 1e-7)


@pytest.mark.slow
def test_a_meta_step_is_a_step_on_the_mean_direction(key):
    batch = jax.tree.map(jnp.asarray, FAMILY.training_tasks(0, 0, 2))
    loss, direction = eqx.filter_jit(ESTIMATOR)(Points(), FIELD, batch, key)
    optimizer = optax.sgd(0.5)
    state = optimizer.init(eqx.filter(FIELD, eqx.is_inexact_array))
    field, _, found, _ = eqx.filter_jit(meta_step)(
        ESTIMATOR, Points(), optimizer, FIELD, state, batch, key
    )
    np.testing.assert_allclose(found, loss, rtol=1e-6)
    for new, old, d in zip(weights(field), weights(FIELD), weights(direction), strict=True):
        np.testing.assert_allclose(new, old - 0.5 * d, rtol=0, atol=1e-6)


def test_a_dead_network_ends_the_training():
    class Void(Field):
        weight: jax.Array

        def __call__(self, x):
            return 0 * x[:1]

    with pytest.raises(DivergedError, match=r"nothing to learn at outer step 1.*softplus"):
        learn(ESTIMATOR, Points(), Void(jnp.ones(3)), FAMILY, OuterConfig(lr=1e-3, steps=2))


@pytest.mark.parametrize("tasks, expected", [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1), (6, 2)])
def test_devices_share_tasks_evenly(tasks, expected):
    assert devices_for(tasks) == expected


def rates(outer, steps):
    """Adam's first step has the size of the rate; with one gradient for ever, all of them do."""
    optimizer, theta, moves = outer.optimizer(), jnp.zeros(()), []
    state = optimizer.init(theta)
    for _ in range(steps):
        updates, state = optimizer.update(jnp.ones(()), state, theta)
        moves.append(-float(updates))
    return np.array(moves)


def test_schedules():
    # Adam corrects its moments by 1 - 0.999^k, which loses four digits of single precision.
    constant = rates(OuterConfig(lr=0.1, schedule="constant", steps=10), 10)
    np.testing.assert_allclose(constant, 0.1, rtol=1e-4)
    cosine = rates(OuterConfig(lr=0.1, schedule="cosine", steps=10), 11)
    expected = 0.05 * (1 + np.cos(np.pi * np.arange(11) / 10))
    np.testing.assert_allclose(cosine, expected, rtol=1e-4, atol=1e-7)


def test_clipping_bounds_the_norm_before_adam():
    optimizer = OuterConfig(clip=1.0, schedule="constant").optimizer()
    theta = jnp.zeros(4)
    # Adam's first moment after a step is 0.1 g.
    state = optimizer.update(jnp.full(4, 100.0), optimizer.init(theta), theta)[1]
    moment = optax.tree_utils.tree_get(state, "mu")
    np.testing.assert_allclose(jnp.linalg.norm(moment), 0.1, rtol=1e-5)


@pytest.mark.parametrize(
    "name, value",
    [
        ("steps", 0), ("tasks", -1), ("validate_every", 0), ("validation_signals", 0),
        ("checkpoint_every", 0), ("lr", 0.0), ("lr", float("nan")), ("clip", -1.0),
    ],
)  # fmt: skip
def test_numbers_that_cannot_work_are_input_errors(name, value):
    with pytest.raises(InputError, match=name):
        run(outer=OuterConfig(**{name: value}))


def test_equal_settings_give_the_same_optimizer_object():
    # Another object would compile the step anew.
    first, second = (OuterConfig(schedule="constant", steps=n).optimizer() for n in (5, 6))
    assert first is second
    assert OuterConfig(steps=5).optimizer() is not OuterConfig(steps=6).optimizer()


@pytest.mark.slow
def test_meta_training_finds_a_better_start():
    # A smoke test of the whole: two inner steps, large enough for this network to adapt, fit
    # unseen waves better after 60 outer steps. The loss falls to 0.43 of what it was.
    estimator = MAML(InnerConfig("sgd", 0.1, 2).build())
    learned = run(outer=OuterConfig(lr=3e-3, steps=60, tasks=2), estimator=estimator).last
    unseen = jax.tree.map(jnp.asarray, stack([FAMILY.held_out("test", i) for i in range(32)]))
    loss = eqx.filter_jit(estimator)
    before, after = (
        float(loss(Points(), field, unseen, jax.random.PRNGKey(0))[0]) for field in (FIELD, learned)
    )
    assert after < 0.6 * before


def test_the_log_is_plain_json(whole):
    for line in whole[1]:
        json.dumps(line, allow_nan=False)
        assert set(line) <= {"step", "loss", "seconds", "validation_psnr", "best_psnr"}
