"""Signals that rise along a direction of their own, and initializations fitted to them."""

import jax
import numpy as np

from theta0.evaluation import Init
from theta0.fields import Siren
from theta0.forward import Observation, Points
from theta0.signals import Task, TaskFamily, pixel_coordinates

POINTS = pixel_coordinates(6, 6)
CONFIG = Siren(width=8, layers=2, w0=8.0, out_size=1)
FIELD = CONFIG.build(jax.random.PRNGKey(0))


class Slopes(TaskFamily):
    """Three signals of each split; the test signals can be spoilt."""

    query_forward = Points()

    def __init__(self, spoilt=False):
        self.spoilt, self.asked = spoilt, []

    def size(self, split):
        return 3

    def held_out(self, split, index, views=None):
        self.asked.append((split, index, views))
        rng = np.random.default_rng([["train", "validation", "test"].index(split), index])
        values = (0.5 + (POINTS - 0.5) @ rng.uniform(-0.4, 0.4, (2, 1))).astype(np.float32)
        if self.spoilt and split == "test":
            values = rng.uniform(0, 1, values.shape).astype(np.float32)
        everything = Observation(POINTS, values)
        return Task(everything, everything)

    def training_tasks(self, seed, step, count):
        raise AssertionError("an evaluation does not train")

    def mean_signal(self):
        return Observation(POINTS, np.full((36, 1), 0.5, np.float32))

    def pictures(self, values):
        return np.asarray(values).reshape(1, 6, 6, 1)


def standard(signal):
    """Another network for every signal."""
    return Init(CONFIG.build(jax.random.fold_in(jax.random.PRNGKey(1), signal)))


INITS = {"learned": lambda signal: Init(FIELD), "standard": standard}
LEARNED = {"learned": INITS["learned"]}
