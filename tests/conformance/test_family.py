"""The check of task families finds what is wrong."""

from typing import Any

import numpy as np
import pytest

from theta0.conformance import check_family
from theta0.forward import Observation, Points
from theta0.signals import Task, TaskFamily, pixel_coordinates, stack

PLACES = pixel_coordinates(4, 4)


class Right(TaskFamily):
    """Ramps of a random slope."""

    query_forward = Points()

    def task(self, rng, n=16):
        observed = Observation(PLACES[:n], (rng.random() * PLACES[:n, :1]).astype(np.float32))
        return Task(observed, observed)

    def training_tasks(self, seed, step, count):
        rng = np.random.default_rng((seed, step))
        return stack([self.task(rng) for _ in range(count)])

    def held_out(self, split, index, views=None):
        return self.task(np.random.default_rng((len(split), index)))

    def size(self, split):
        return 3

    def mean_signal(self):
        return Observation(PLACES, 0.5 * PLACES[:, :1])

    def pictures(self, values):
        return np.asarray(values).reshape(1, 4, 4, 1)


class Remembering(Right):
    """Its tasks depend on what was asked before."""

    rng = np.random.default_rng(0)

    def training_tasks(self, seed, step, count):
        return stack([self.task(self.rng) for _ in range(count)])


class Deaf(Right):
    """Its tasks are the same for every step."""

    def training_tasks(self, seed, step, count):
        return Right.training_tasks(self, seed, 0, count)


class Ragged(Right):
    """Its tasks have another shape in every step."""

    def training_tasks(self, seed, step, count):
        rng = np.random.default_rng((seed, step))
        return stack([self.task(rng, 8 + step) for _ in range(count)])


class Moody(Right):
    """A signal of its test split is another each time."""

    rng = np.random.default_rng(0)

    def held_out(self, split, index, views=None):
        return self.task(self.rng)


class Empty(Right):
    """It has no test signals."""

    def size(self, split) -> Any:
        return 0 if split == "test" else 3


class Colourful(Right):
    """Its mean signal has other channels than its signals."""

    def mean_signal(self):
        return Observation(PLACES, np.zeros((16, 3), np.float32))


class Flat(Right):
    """Its pictures have no axis of channels."""

    def pictures(self, values) -> Any:
        return np.asarray(values).reshape(1, 4, 4)

    def side(self, task):
        return 4


class Unseen(TaskFamily):
    """It has no pictures, and no mean."""

    training_tasks, held_out, size = Right.training_tasks, Right.held_out, Right.size


class Upside(Right):
    """What judges a fit is an error."""

    def judge(self, values, task):
        return (float(np.mean((np.asarray(values) - task.query.y) ** 2)),)


class Array(Right):
    """What judges a fit is an array."""

    def judge(self, values, task) -> Any:
        return (np.float32(1.0),)


class Missing(Right):
    """Some of its values are not known."""

    def task(self, rng, n=16):
        task = Right.task(self, rng, n)
        task.query.y[3] = np.nan
        return task


class Underived:
    """It does what it should, but is no TaskFamily."""


@pytest.mark.parametrize(
    "wrong, message",
    [
        (Remembering, "one seed and step, two"), (Deaf, "another step changes nothing"),
        (Ragged, "other shapes than step 5"), (Moody, "held_out"), (Empty, "no test signals"),
        (Colourful, "mean signal: other shapes"), (Upside, "near the truth"),
        (Unseen, r"family: Unseen has no mean_signal\(\), pictures\(\), which every TaskFamily"),
        (Array, "not floats"), (Missing, "training support: not finite"),
    ],
)  # fmt: skip
def test_a_wrong_family_is_found(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_family(wrong())


def test_pictures_without_channels_are_found():
    # Shapes are checked at run time within the suite; elsewhere the check says what is wrong.
    with pytest.raises(Exception, match="pictures"):
        check_family(Flat())


def test_a_right_family_passes():
    check_family(Right())
    check_family(Empty(), splits=("train", "validation"))
