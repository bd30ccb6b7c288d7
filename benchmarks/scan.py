"""The CT preset as it is used: an outer step, a step of a fit, the projector, a stack of slices.

``python -m benchmarks.scan SCALE`` is the probe for the stack, run in a process that, like the
command line, has one device a core.
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.evaluation import Candidate, Init
from theta0.forward import Lines, Observation, Points
from theta0.inner import SGD, InnerLoop, fit, loss_and_gradient
from theta0.meta import Learned, Reptile
from theta0.presets import Experiment
from theta0.presets.ct import PRESETS
from theta0.reconstruct import fit_signal, fit_signals
from theta0.signals import CTConfig, PlanarSignal

from ._measure import Row, Sgemm, Sizes, Timing, interleaved, seconds
from .fitting import unit

REPTILE_STEPS = 12
FIT_STEPS = 64
SLICES = 16
STACK_STEPS = 20
RULE = SGD(1e-3)


def rows(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    """What the preset costs beside its matrix products, and a stack beside single slices."""
    experiment = PRESETS["ct-phantoms"][sizes.ct_scale]
    forward, field = experiment.forward, experiment.field.build(jax.random.PRNGKey(0))
    data = experiment.data
    assert isinstance(forward, Lines) and isinstance(data, CTConfig)
    family = replace(data, also_views=()).build()
    key = jax.random.PRNGKey(0)

    tasks = jax.tree.map(jnp.asarray, family.training_tasks(0, 0, 1))
    learned = Learned(field, RULE.build(field))
    outer = partial(eqx.filter_jit(Reptile(REPTILE_STEPS, RULE)), forward, learned, tasks, key)
    task = family.held_out("test", 0, data.training_views)
    support = jax.tree.map(jnp.asarray, task.support)
    test_time = lambda: fit(forward, *learned, support, InnerLoop(FIT_STEPS), key).losses

    n = len(support.y)
    one = unit(field, n * forward.samples)
    trained = sgemm.time(outer, 3 * REPTILE_STEPS * one, repeats)
    fitted = sgemm.time(test_time, 3 * FIT_STEPS * one, repeats)

    # The same number of evaluations at given points: what is left is the samples and their sums.
    points = jax.random.uniform(key, (n * forward.samples, 2))
    gradient = eqx.filter_jit(loss_and_gradient)
    along = partial(gradient, forward, field, support, key)
    at = partial(gradient, Points(), field, Observation(points, jnp.zeros((len(points), 1))), key)
    projected = interleaved(along, at, repeats)

    width = getattr(experiment.field, "width")  # noqa: B009
    network = f"{width} wide, {n} rays x {forward.samples}"
    return _table(trained, fitted, projected, _probed(sizes.ct_scale), network)


def _table(
    trained: Timing, fitted: Timing, projected: Timing, stack: dict[str, float], network: str
) -> list[Row]:
    return [
        Row(
            "scan", "Reptile step of ct-phantoms: efficiency", 1 / trained.ratio, 0.8, True,
            trained.seconds, trained.reference_seconds,
            f"{3 * REPTILE_STEPS} units at the sgemm rate / seconds; {network}",
        ),
        Row(
            "scan", "step of a fit: times its floor", fitted.ratio, 1.3, False,
            fitted.seconds, fitted.reference_seconds,
            f"seconds of {FIT_STEPS} steps / 3 units each at the sgemm rate; {network}",
        ),
        Row(
            "scan", "gradient along rays over gradient at points", projected.ratio, 1.1, False,
            projected.seconds, projected.reference_seconds,
            f"floor column: as many points; the projector's share is {1 - 1 / projected.ratio:.0%}",
        ),
        Row(
            "scan", f"stack of {SLICES} slices over single fits", stack["ratio"], 1.0, False,
            stack["seconds"], stack["single_seconds"],
            f"floor column: {SLICES} single fits one after the other; {stack['devices']} devices; "
            f"{stack['compiled']} programs compiled for the stack",
        ),
    ]  # fmt: skip


def _probed(scale: str) -> dict[str, float]:
    flags = f"--xla_force_host_platform_device_count={os.cpu_count()}"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scan", scale],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
        env={**os.environ, "XLA_FLAGS": flags},
    )  # fmt: skip
    return json.loads(done.stdout)


def probe(experiment: Experiment) -> dict[str, float]:
    """Seconds of a stack and of as many single fits, medians of three, after compilation."""
    data, forward = experiment.data, experiment.forward
    init = Init(experiment.field.build(jax.random.PRNGKey(0)))
    assert isinstance(data, CTConfig)
    family = replace(data, source=replace(data.source, test=SLICES)).build()
    views, size = data.training_views, data.size
    signals = [
        PlanarSignal(family.held_out("test", number, views), Points(), size, size, 0.5)
        for number in range(SLICES)
    ]
    how = "init", init, Candidate(RULE), InnerLoop(STACK_STEPS), forward
    singly = lambda: [fit_signal(*how, signal) for signal in signals]
    together = lambda: fit_signals(*how, signals)
    singly()
    together()
    compiled = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if "backend_compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    times = [(seconds(together), seconds(singly)) for _ in range(3)]
    stack, single = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "ratio": stack / single,
        "seconds": stack,
        "single_seconds": single,
        "devices": jax.local_device_count(),
        "compiled": len(compiled),
    }


if __name__ == "__main__":
    print(json.dumps(probe(PRESETS["ct-phantoms"][sys.argv[1]])))
