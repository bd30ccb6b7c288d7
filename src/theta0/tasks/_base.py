"""What a Task is: one signal to fit, as observations in and observations to judge by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from theta0.errors import InputError
from theta0.forward import ForwardMap

from ._grid import in_disc, pixel_coordinates

SplitName = Literal["train", "validation", "test"]


class Observation(eqx.Module):
    """Pairs ``(p_i, y_i)``: what was measured, and where."""

    p: Any
    """pytree of arrays with the observations as leading axis"""
    y: Float[Array | np.ndarray, "n c"]
    """measured values; no columns where a point is given, but nothing is known of it"""


class Task(eqx.Module):
    """One signal; a batch of tasks has one more leading axis on every array."""

    support: Observation
    """what the inner loop fits"""
    query: Observation
    """what the fitted field is judged by"""


@runtime_checkable
class TaskFamily(Protocol):
    """A distribution of tasks with fixed shapes; everything is a function of its arguments."""

    @property
    def query_forward(self) -> ForwardMap | None:
        """How the query of a held-out task sees the field; None: like its support."""
        ...

    @property
    def training_query_forward(self) -> ForwardMap | None:
        """How the query of a training task sees the field; None: like its support."""
        ...

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

    def pictures(
        self, values: Float[Array | np.ndarray, "n c"]
    ) -> Float[np.ndarray, "pictures height width channels"]:
        """Query values of a held-out task arranged as pictures, each of which is judged."""
        ...


@dataclass(frozen=True)
class Standpoint:
    """Where a photograph was taken from, and how far it sees."""

    c2w: tuple[float, ...]
    """camera to world, 3x4 row by row, OpenGL axes"""
    fov_deg: float
    """between the left and the right edge of the square picture"""
    near: float
    """depth at which samples begin"""
    far: float
    """depth at which they end"""

    def __post_init__(self):
        # It comes from a file of fitted weights.
        if len(self.c2w) != 12 or not np.isfinite(self.c2w).all():
            raise InputError(f"c2w has {len(self.c2w)} numbers; give 12, all of them finite")
        if not 0 < self.near < self.far < np.inf:
            raise InputError(f"near is {self.near} and far {self.far}; give 0 < near < far")

    @property
    def pose(self) -> Float[np.ndarray, "3 4"]:
        """Camera to world."""
        return np.reshape(self.c2w, (3, 4))

    @property
    def middle(self) -> float:
        """A depth between near and far, nearer to near as what is near fills more of a picture."""
        return (self.near * self.far) ** 0.5


@dataclass(frozen=True)
class Shots:
    """The photographs an object is fitted to, and how new ones are taken like them."""

    pictures: Float[np.ndarray, "pictures height width 3"]
    """in [0, 1], over the background"""
    distance: float
    """from the camera to the object's centre, in world units; the mean of all"""
    fov_deg: float
    """between the left and the right edge of a picture"""
    standpoint: Standpoint | None = None
    """of the one photograph of a place"""


@dataclass(frozen=True)
class Signal:
    """A signal of the user's own, ready to fit."""

    task: Task
    query_forward: ForwardMap | None
    """how the query sees the field; None: like its support"""
    side: int
    """pixels a side of the square picture, or pictures, that the query holds"""
    own_side: int
    """pixels a side of the same square in the file"""
    pixel_offset: float
    """where in its pixel a sample lies"""
    seen: Bool[np.ndarray, " pixels"] | None = None
    """which pixels of the query the support holds, if only a part is observed"""
    shots: Shots | None = None
    """of an object in space, whose query are pictures of it; None of a signal that is itself a
    picture, on the unit square"""
    read_mask: Callable[[Path], Bool[np.ndarray, "side side"]] | None = None
    """of a picture: reads a mask as large as its file, white where it is seen; None of a signal
    measured along rays"""
    disc_only: bool = False
    """of a slice of which only the inscribed disc is measured: it is shown as 0 elsewhere"""

    def pictures(
        self, values: Float[Array | np.ndarray, "n c"]
    ) -> Float[np.ndarray, "pictures side side c"]:
        """Values at the query's places as pictures, each of which is judged."""
        values = np.asarray(values)
        pictures = values.reshape(-1, self.side, self.side, values.shape[1])
        if not self.disc_only:
            return pictures
        points = pixel_coordinates(self.side, self.side, self.pixel_offset)
        return pictures * in_disc(points).reshape(self.side, self.side, 1)

    @property
    def target(self) -> Float[np.ndarray, "pixels c"] | None:
        """The true values at the query's pixels; None of a signal known by its measurements."""
        values = np.asarray(self.task.query.y)
        return values if values.shape[1] else None


def stack(tasks: list[Task]) -> Task:
    """Tasks of equal shapes as one task with a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *tasks)
