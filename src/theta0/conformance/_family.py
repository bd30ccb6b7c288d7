"""What every family of tasks must do."""

from collections.abc import Sequence
from typing import Any, get_args

import jax
import numpy as np

from theta0.forward import Observation
from theta0.signals import SplitName, Task, TaskFamily

from ._complete import assert_complete


def check_family(
    family: TaskFamily, views: int | None = None, splits: Sequence[SplitName] = get_args(SplitName)
) -> None:
    """Check a family of tasks.

    Training tasks are NumPy arrays of the same shapes for every step, the same for the same seed
    and step whatever was asked before, and others for another; signals of every split are the same
    each time; the mean signal is like a query; pictures can be looked at; and what judges a fit
    prefers the truth to noise.

    Args:
        family: some training signals, and at least one signal of each split.
        views: as for :meth:`theta0.signals.TaskFamily.held_out`.
        splits: those that are checked.
    """
    assert isinstance(family, TaskFamily), "family: not derived from TaskFamily"
    assert_complete(family, "family")
    _check_training(family)
    sizes = [family.size(split) for split in get_args(SplitName)]
    assert all(isinstance(size, int) and size >= 0 for size in sizes), f"size: {sizes}"
    assert not family.names or len(family.names) >= sum(sizes), "names: fewer than signals"
    for split in splits:
        assert family.size(split) >= 1, f"size: no {split} signals"
        task = family.held_out(split, 0, views)
        assert _same(task, family.held_out(split, 0, views)), f"held_out: one {split} signal, two"
        _check_observation(task.support, f"{split} support")
        _check_observation(task.query, f"{split} query")
        _check_judged(family, task)
    query, mean = family.held_out("validation", 0, views).query, family.mean_signal()
    _check_observation(mean, "mean signal")
    assert jax.tree.structure(mean) == jax.tree.structure(query), "mean signal: not like a query"
    each = lambda of: [leaf.shape[1:] for leaf in jax.tree.leaves(of)]
    assert each(mean) == each(query), "mean signal: other shapes than a query"
    places = jax.tree.leaves(family.places())
    assert len({len(leaf) for leaf in places}) == 1, "places: not as many of every part"


def _check_training(family: TaskFamily) -> None:
    tasks = family.training_tasks(3, 5, 2)
    leaves = jax.tree.leaves(tasks)
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves), "training tasks: not NumPy arrays"
    assert all(len(leaf) == 2 for leaf in leaves), "training tasks: not as many as asked for"
    for number in range(2):
        one = jax.tree.map(lambda leaf: leaf[number], tasks)  # noqa: B023
        _check_observation(one.support, "training support")
        _check_observation(one.query, "training query")
    for step in range(4):
        other = family.training_tasks(0, step, 2)
        same = _shapes(other) == _shapes(tasks)
        assert same, f"training tasks: step {step} has other shapes than step 5"
    assert _same(tasks, family.training_tasks(3, 5, 2)), "training tasks: one seed and step, two"
    for what, calls in {
        "seed": [(seed, 5) for seed in range(4, 8)],
        "step": [(3, step) for step in range(6, 10)],
    }.items():
        differ = any(not _same(tasks, family.training_tasks(*call, 2)) for call in calls)
        assert differ, f"training tasks: another {what} changes nothing"


def _check_observation(observation: Observation, name: str) -> None:
    y = observation.y
    assert y.ndim == 2 and len(y) >= 1, f"{name}: values have shape {y.shape}, not (n, c)"
    for leaf in jax.tree.leaves(observation):
        assert len(leaf) == len(y), f"{name}: {len(leaf)} places for {len(y)} values"
        assert np.isfinite(leaf).all(), f"{name}: not finite"


def _check_judged(family: TaskFamily, task: Task) -> None:
    truth, rng = np.asarray(task.query.y), np.random.default_rng(0)
    noise = rng.standard_normal(truth.shape).astype(truth.dtype) * max(float(truth.std()), 0.1)
    shown, other = family.pictures(truth), family.pictures(truth + noise)
    assert shown.ndim == 4, (
        f"pictures: shape {shown.shape}, not (pictures, height, width, channels)"
    )
    assert shown.shape == other.shape, "pictures: other shapes for other values"
    assert family.side(task) >= 1, f"side: {family.side(task)}"
    # Nearly the truth: what judges it may be infinite for the truth itself.
    near, far = (family.judge(truth + share * noise, task) for share in (0.01, 1.0))
    for numbers in (near, far):
        floats = all(isinstance(number, float) for number in numbers)
        assert isinstance(numbers, tuple) and numbers and floats, f"judge: {numbers}, not floats"
    assert near[0] > far[0], f"judge: {near[0]} near the truth, {far[0]} for noise"


def _same(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _shapes(tree: Any) -> list[Any]:
    return [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)]
