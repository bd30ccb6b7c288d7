"""One outer step of meta-learning: MAML on pictures, Reptile on CT scans."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from theta0.fields import SirenField
from theta0.forward import Lines, Observation, Points
from theta0.inner import SGD
from theta0.meta import MAML, Learned, Reptile
from theta0.signals import Task, parallel_beam

from . import _plain
from ._measure import Row, Sgemm, Sizes, interleaved
from .fitting import picture, siren, strictly, unit

INNER_LR = 1e-2
VIEWS = 20


def maml_arguments(sizes: Sizes, steps: int):
    """MAML with every pixel inside and outside, and what to call it with."""
    task = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], picture(sizes))
    estimator, field = MAML(steps, SGD(INNER_LR)), siren(sizes)
    learned = Learned(field, estimator.inner.rule_of(field))
    return estimator, (Points(), learned, Task(task, task), jax.random.PRNGKey(0))


def maml(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    """A MAML step against its floor and against plain JAX, and whether the two agree."""
    steps = sizes.few_steps
    estimator, arguments = maml_arguments(sizes, steps)
    _, (field, _), tasks, _ = arguments
    assert isinstance(field, SirenField)
    compiled = eqx.filter_jit(estimator)
    ours = partial(compiled, *arguments)

    params, config = _plain.params_of(field), field.config
    plain_gradient = jax.jit(jax.value_and_grad(_plain.maml_loss), static_argnums=(3, 4, 5))
    observation = tasks.support
    plain = partial(plain_gradient, params, observation.p, observation.y, config, steps, INNER_LR)

    units = 9 * steps + 3
    floor = sgemm.time(ours, units * unit(field, sizes.side**2), repeats)
    against = interleaved(ours, plain, repeats)
    direction = ours()[1].field
    assert isinstance(direction, SirenField)
    error = _relative_error(_plain.params_of(direction), plain()[1])
    name = f"MAML step, K = {steps}"
    return [
        Row(
            "maml", f"{name}: times its floor", floor.ratio, 1.35, False,
            floor.seconds, floor.reference_seconds, f"seconds / {units} units at the sgemm rate",
        ),
        Row(
            "maml", f"{name}: times faster than plain", 1 / against.ratio, 2.0, True,
            against.seconds, against.reference_seconds, "floor column: plain JAX",
        ),
        Row("maml", f"{name}: error against plain", error, 1e-4, False, note="relative, 2-norm"),
    ]  # fmt: skip


def _relative_error(found, expected) -> float:
    found, expected = _flat(found), _flat(expected)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def _flat(tree) -> np.ndarray:
    return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in jax.tree.leaves(tree)])


def reptile(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    """A Reptile step of the CT preset: line integrals through a Fourier-feature network."""
    angles_rad = np.linspace(0, np.pi, VIEWS, endpoint=False)
    segments = parallel_beam(angles_rad, sizes.rays, chord=True)
    values = np.full((VIEWS * sizes.rays, 1), 0.2, np.float32)
    scan = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], Observation(segments, values))
    forward = Lines(samples=sizes.ray_samples, reduce="sum")
    field = sizes.fourier.build(jax.random.PRNGKey(0))
    estimator = Reptile(sizes.ray_steps, SGD(INNER_LR), batch=sizes.rays)
    learned = Learned(field, estimator.inner.rule_of(field))
    compiled = eqx.filter_jit(estimator)
    step = partial(compiled, forward, learned, Task(scan, scan), jax.random.PRNGKey(0))

    units = 3 * sizes.ray_steps
    timing = sgemm.time(step, units * unit(field, sizes.rays * sizes.ray_samples), repeats)
    note = (
        f"{units} units at the sgemm rate / seconds; {sizes.rays} rays x {sizes.ray_samples}; "
        + strictly(field, timing.ratio)
    )
    return [
        Row(
            "reptile", "Reptile step on CT: efficiency", 1 / timing.ratio, 0.8, True,
            timing.seconds, timing.reference_seconds, note,
        )
    ]  # fmt: skip
