"""Seconds from an array in memory to 35 and 40 dB: feature grid, SIREN, and SIREN in PyTorch.

One face of 128 x 128 pixels (NASA's portrait of Eileen Collins, public domain, by scikit-image),
fitted from random weights by Adam. Programs are compiled before they are timed.
"""

import importlib.util
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image

from theta0.fields import NetworkConfig
from theta0.forward import Observation, Points
from theta0.inner import Adam, InnerLoop, fit
from theta0.signals import pixel_coordinates

from ._measure import Row, Sizes, seconds

DECIBELS = (35, 40)
FACE = (138, 0, 338, 200)
"""Left, top, right and bottom of the face in the portrait, in pixels."""


class Way(NamedTuple):
    """One way to fit a picture: how long to each of :data:`DECIBELS`, and after how many steps."""

    seconds: tuple[float, ...]
    steps: tuple[int, ...]
    step_size: float


def face(side: int) -> Observation:
    """The picture."""
    from skimage.data import astronaut

    square = Image.fromarray(astronaut()).crop(FACE).resize((side, side), Image.Resampling.LANCZOS)
    values = np.asarray(square, np.float32).reshape(-1, 3) / 255
    return Observation(pixel_coordinates(side, side), values)


def rows(sizes: Sizes) -> list[Row]:
    """How many times faster the grid is, from random weights."""
    observation = face(sizes.side)
    ways = {
        "grid": _best(lambda lr: _ours(sizes.grid, lr, observation, sizes), sizes.grid_adam),
        "SIREN": _best(lambda lr: _ours(sizes.siren, lr, observation, sizes), sizes.siren_adam),
    }
    if importlib.util.find_spec("torch"):
        from . import _torch

        ways["SIREN in PyTorch"] = _best(
            lambda lr: Way(*_torch.times(sizes, lr, observation, DECIBELS), lr), sizes.siren_adam
        )
    return [
        Row(
            "quality", f"grid to {decibels} dB: times faster than {name}",
            way.seconds[i] / ways["grid"].seconds[i], 10.0, True,
            ways["grid"].seconds[i], way.seconds[i],
            f"{ways['grid'].steps[i]} steps of Adam {ways['grid'].step_size:g}, against "
            f"{way.steps[i]} of Adam {way.step_size:g}",
        )
        for name, way in ways.items() if name != "grid"
        for i, decibels in enumerate(DECIBELS)
    ]  # fmt: skip


def _best(fitted: Callable[[float], Way], step_sizes: tuple[float, ...]) -> Way:
    """The fastest of several step sizes, to the first number of decibels."""
    return min(map(fitted, step_sizes), key=lambda way: way.seconds[0])


def _ours(network: NetworkConfig, lr: float, observation: Observation, sizes: Sizes) -> Way:
    field = network.build(jax.random.PRNGKey(0))

    def fitted(steps: int):
        loop, key = InnerLoop(steps), jax.random.PRNGKey(0)
        return fit(Points(), field, Adam(lr), observation, loop, key)

    # The loss before each step is that after the steps before it.
    losses = fitted(sizes.quality_steps).losses
    steps = tuple(steps_to(losses, decibels) for decibels in DECIBELS)
    times = [seconds(lambda count=count: fitted(max(count, 1)).field) for count in steps]
    return Way(tuple(times), steps, lr)


def steps_to(losses: np.ndarray, decibels: float) -> int:
    """Steps after which the mean squared error is low enough; all of them, if it never is."""
    reached = np.flatnonzero(losses <= 10 ** (-decibels / 10))
    return int(reached[0]) if reached.size else len(losses)


def siren_bounds(network) -> list[float]:
    """Largest weight of each fresh layer of a SIREN (Sitzmann et al. 2020)."""
    return [
        1 / network.in_size if layer == 0 else math.sqrt(6 / network.width) / network.w0
        for layer in range(network.layers)
    ]
