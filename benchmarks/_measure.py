"""Clocks, rows and the machine's own rate: what all groups of benchmarks share."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from theta0.fields import Fourier, Grid, Positional, Siren


@dataclass(frozen=True)
class Sizes:
    """What is measured; the defaults are the sizes the targets are stated for."""

    side: int = 128
    """pixels a side of the picture"""
    siren: Siren = Siren()  # noqa: RUF009 (frozen)
    fourier: Fourier = Fourier()  # noqa: RUF009 (frozen)
    # Steps of the CT preset of the paper: its network and 12 SGD steps, on fewer rays and samples.
    rays: int = 128
    ray_samples: int = 64
    ray_steps: int = 12
    ct_scale: str = "cpu"
    """scale of ct-phantoms"""
    # Steps of the view preset of the paper: its network, rays and samples, fewer of its 32 steps.
    positional: Positional = Positional()  # noqa: RUF009 (frozen)
    view_rays: int = 128
    view_samples: int = 128
    view_steps: int = 8
    training_views: int = 50
    """views of a mesh that are rendered"""
    few_steps: int = 2
    """inner steps of MAML"""
    many_steps: int = 16
    """inner steps whose memory is compared with that of few"""
    sgemm: int = 4096
    """side of the matrices whose product gives the machine's rate"""
    grid: Grid = Grid()  # noqa: RUF009 (frozen)
    copied: int = 1 << 25
    """numbers in the array whose copy gives the machine's memory bandwidth"""
    quality_steps: int = 200
    """at most so many steps of Adam to a given quality"""
    grid_adam: tuple[float, ...] = (1e-2, 3e-2, 1e-1)
    """step sizes from which the fastest is taken"""
    siren_adam: tuple[float, ...] = (1e-4, 3e-4, 1e-3)
    """the same, of SIREN"""


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio and the target it is held to."""

    group: str
    name: str
    ratio: float
    target: float
    at_least: bool
    """the ratio should be the target or more; otherwise the target or less"""
    seconds: float | None = None
    """median of what was measured"""
    floor_seconds: float | None = None
    """median of what it is compared with: units at the machine's rate, or the plain version"""
    note: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


class Timing(NamedTuple):
    """Medians over the repeats; ``ratio`` is the median of the ratios, in which drift cancels."""

    seconds: float
    reference_seconds: float
    ratio: float


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call, its results waited for."""
    began = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - began


def interleaved(call: Callable[[], Any], reference: Callable[[], Any], repeats: int) -> Timing:
    """Time ``call`` between two runs of ``reference``; ``ratio`` is call over reference.

    A neighbour on the machine or a falling clock slows both alike; the mean of the reference
    before and after stands for the moment in between.
    """
    jax.block_until_ready((reference(), call()))  # compiles both
    times, references, ratios = [], [], []
    before = seconds(reference)
    for _ in range(repeats):
        time_of_call = seconds(call)
        after = seconds(reference)
        around = (before + after) / 2
        times.append(time_of_call)
        references.append(around)
        ratios.append(time_of_call / around)
        before = after
    return Timing(*map(statistics.median, (times, references, ratios)))


class Sgemm:
    """JAX's own product of two square float32 matrices: the rate floors are stated in."""

    def __init__(self, size: int):
        left, right = jax.random.normal(jax.random.PRNGKey(0), (2, size, size))
        product = jax.jit(jnp.matmul)
        self.run = lambda: product(left, right)
        self.operations = 2 * size**3

    def time(self, call: Callable[[], Any], operations: float, repeats: int) -> Timing:
        """Time ``call`` against a floor: its operations at the rate of the products around it."""
        timing = interleaved(call, self.run, repeats)
        share = operations / self.operations
        return Timing(timing.seconds, timing.reference_seconds * share, timing.ratio / share)

    def gflops(self, repeats: int) -> float:
        """The rate, in 10^9 operations a second."""
        jax.block_until_ready(self.run())
        times = [seconds(self.run) for _ in range(repeats)]
        return self.operations / statistics.median(times) / 1e9


def machine(sgemm: Sgemm, repeats: int) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "sgemm_gflops": round(sgemm.gflops(repeats), 1),
        "backend": jax.default_backend(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("theta0", "jax", "jaxlib", "equinox", "numpy")},
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
