"""A small class of signals, and runs that learn it; also loaded by processes that are killed."""

import jax
import numpy as np

from theta0.fields import Siren, weights
from theta0.files import read_jsonl
from theta0.forward import Observation, Points
from theta0.inner import SGD
from theta0.meta import MAML, Learned, MetaGradient, OuterConfig, learn
from theta0.signals import Task, TaskFamily, pixel_coordinates, stack


class Waves(TaskFamily):
    """Sums of two random plane waves on a grid of 6 x 6."""

    query_forward = Points()

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
FIELD = Siren(width=8, layers=3, w0=10.0, out_size=1).build(jax.random.PRNGKey(0))
META = MAML(steps=2, rule=SGD(0.01))
LEARNED = Learned(FIELD, META.rule.build(FIELD))
OUTER = OuterConfig(lr=1e-3, steps=11, tasks=2, validate_every=3, checkpoint_every=4)


def validate(learned):
    """A cheap stand-in for PSNR that rises and falls: how close the first bias is to a mark."""
    return 20 - 1e4 * abs(float(learned.field.layers[0].bias[0]) - 0.00105)


def run(folder=None, outer=OUTER, meta: MetaGradient = META, **more):
    return learn(meta, Points(), LEARNED, FAMILY, outer, seed=1, folder=folder, **more)


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
