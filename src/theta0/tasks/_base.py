"""What a Task is: one signal to fit, as observations in and observations to judge by."""

from typing import Any, Literal, Protocol

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from theta0.forward import ForwardMap

SplitName = Literal["train", "validation", "test"]


class Observation(eqx.Module):
    """Pairs ``(p_i, y_i)``: what was measured, and where."""

    p: Any
    """pytree of arrays with the observations as leading axis"""
    y: Float[Array, "n c"]
    """measured values"""


class Task(eqx.Module):
    """One signal; a batch of tasks has one more leading axis on every array."""

    support: Observation
    """what the inner loop fits"""
    query: Observation
    """what the fitted field is judged by"""


class TaskFamily(Protocol):
    """A distribution of tasks with fixed shapes; everything is a function of its arguments."""

    query_forward: ForwardMap
    """how the query of a held-out task sees the field (training queries use the support's map)"""

    def training_tasks(self, seed: int, step: int, count: int) -> Task:
        """``count`` stacked NumPy tasks of the training split, the same for the same arguments."""
        ...

    def held_out(self, split: SplitName, index: int, views: int | None = None) -> Task:
        """A whole signal: support as measured at test time, query the full signal."""
        ...

    def size(self, split: SplitName) -> int:
        """Number of signals of a split."""
        ...

    def mean_signal(self) -> Observation:
        """The mean training signal on the query's points."""
        ...

    def picture(self, values: Float[Array, "n c"]) -> Float[np.ndarray, "height width channels"]:
        """Query values of a held-out task arranged as a picture."""
        ...


def stack(tasks: list[Task]) -> Task:
    """Tasks of equal shapes as one task with a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *tasks)
