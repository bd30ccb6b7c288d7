"""What a Task is: one signal to fit, as observations in and observations to judge by."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from theta0.forward import ForwardMap, Observation
from theta0.memory import MAX_BYTES, bytes_of, check_memory
from theta0.metrics import PSNR, Metric, quality

SplitName = Literal["train", "validation", "test"]


class Task(eqx.Module):
    """One signal; a batch of tasks has one more leading axis on every array."""

    support: Observation
    """what the inner loop fits"""
    query: Observation
    """what the fitted field is judged by"""


Pictures = Float[np.ndarray, "pictures height width channels"]


class TaskFamily:
    """A distribution of tasks with fixed shapes; everything is a function of its arguments.

    A custom family derives from this class; :func:`theta0.conformance.check_family` checks
    it.
    """

    query_forward: ForwardMap | None = None
    """how the query of a validation or test task sees the field; None: like its support"""
    training_query_forward: ForwardMap | None = None
    """how the query of a training task sees the field; None: like its support"""
    metric: Metric = PSNR
    """what judges a fit"""
    names: tuple[str, ...] = ()
    """one per signal, where they have names"""
    skipped: tuple[tuple[str, str], ...] = ()
    """(name, reason) of signals that are left out"""

    @abstractmethod
    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        """``count`` stacked NumPy tasks of the training split, the same for the same arguments."""
        raise NotImplementedError

    @abstractmethod
    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        """A whole signal: support as measured at test time, query the full signal."""
        raise NotImplementedError

    @abstractmethod
    def size(self, split: SplitName) -> int:
        """Number of signals of a split."""
        raise NotImplementedError

    @abstractmethod
    def mean_signal(self) -> Observation:
        """The mean training signal on the query's points."""
        raise NotImplementedError

    def places(self) -> Any:
        """Where Matched is to show what the learned initialization shows."""
        return self.mean_signal().p

    @abstractmethod
    def pictures(self, values: Float[Array | np.ndarray, "n c"]) -> Pictures:
        """Query values of a validation or test task arranged as pictures to look at."""
        raise NotImplementedError

    def judge(self, values: Float[Array | np.ndarray, "n c"], task: Task) -> tuple[float, ...]:
        """How good predictions of a task's query are: the metric, and what else is of interest.

        By default the mean PSNR in dB and the mean SSIM of its pictures.
        """
        return quality(self.pictures(np.asarray(values)), self.pictures(task.query.y))

    def side(self, task: Task) -> int:
        """Points per side of the grid on which a fit's total variation is taken."""
        return max(self.pictures(task.query.y).shape[1:3])


def check_tasks(name: str, count: int, task: Task, copies: int = 1) -> None:
    """Refuse to keep more tasks than fit into memory.

    Args:
        name: of the setting that says how many, for the message.
        count: how many.
        task: one of them, or a batch of one.
        copies: of each, at once.

    Raises:
        InputError: there are too many.
    """
    needed = count * copies * bytes_of(task)
    check_memory(f"{name} is {count}", needed, MAX_BYTES, "take fewer signals, or smaller ones")


def all_tasks(name: str, count: int, take: Callable[[int], Task]) -> list[Task]:
    """``take`` of all numbers below ``count``, if they fit into memory; see :func:`check_tasks`."""
    first = take(0)
    check_tasks(name, count, first)
    return [first, *map(take, range(1, count))]


def stack(tasks: list[Task]) -> Task:
    """Tasks of equal shapes as one task with a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *tasks)
