"""One signal of the user's own, fitted from one start: the field, and how good it is by step."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from theta0.chunks import predict
from theta0.errors import DivergedError
from theta0.fields import Field
from theta0.fit import Fit, InnerConfig, fit, loss_and_gradient
from theta0.forward import ForwardMap
from theta0.measure import over_devices, step_to_stop
from theta0.metrics import psnr, quality
from theta0.tasks import Observation, Signal

SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)

BASELINE_FIT = InnerConfig("adam", 3e-4)
"""How a signal is fitted from a start that was not learned for an optimizer of its own"""


@dataclass(frozen=True)
class StartFit:
    """A signal fitted from one start."""

    init: str
    """name of the start"""
    loop: InnerConfig
    result: Fit
    rows: list[dict[str, Any]]
    """one a snapshot: ``init``, ``optimizer``, ``lr``, ``steps``, ``psnr`` (dB) and ``ssim`` on the
    whole signal, means over its pictures; of a part that was observed also ``psnr_unseen``, on the
    pixels that were not (NaN if there are none). Where the true signal is not known, ``loss``
    instead of them all: the mean squared error of the measurements"""
    pictures: list[Float[np.ndarray, "pictures side side channels"]]
    """the fitted field at each of them"""


def fit_start(
    init: str,
    start: Field,
    loop: InnerConfig,
    forward: ForwardMap,
    signal: Signal,
    seed: int = 0,
    seconds: float | None = None,
    on_progress: Callable[[int, float], None] | None = None,
    hold_out: float | None = None,
) -> StartFit:
    """Fit a signal; see :func:`theta0.fit.fit`.

    With ``hold_out``, a share of the observations, these choose the number of steps first: see
    :func:`theta0.measure.step_to_stop`.

    Raises:
        DivergedError: names the start.
    """
    steps = tuple(dict.fromkeys(step for step in (*SNAPSHOTS, loop.steps) if step <= loop.steps))
    key = jax.random.PRNGKey(seed)
    if hold_out is not None:
        # At least one step: no fit at all is not a reconstruction.
        stop = step_to_stop(
            forward, start, signal.task.support, loop, steps[1:], key, hold_out, seed
        )
        loop, steps = replace(loop, steps=stop), tuple(step for step in steps if step <= stop)
    try:
        result = fit(
            forward, start, signal.task.support, loop.build(), key, steps, seconds, on_progress
        )
    except DivergedError as error:
        raise DivergedError(f"{init}: {error}", error.snapshots) from error
    kept = {**result.snapshots, len(result.losses): result.field}
    rows, pictures = [], []
    for step, field in sorted(kept.items()):
        values = np.asarray(predict(signal.query_forward or forward, field, signal.task.query.p))
        pictures.append(signal.pictures(values))
        facts = {"init": init, "optimizer": loop.optimizer, "lr": loop.lr, "steps": step}
        rows.append({**facts, **_quality(forward, field, signal, values)})
    return StartFit(init, loop, result, rows, pictures)


def fit_stack(
    init: str,
    start: Field,
    loop: InnerConfig,
    forward: ForwardMap,
    signals: Sequence[Signal],
    seed: int = 0,
    hold_out: float | None = None,
    on_done: Callable[[int], None] = lambda done: None,
) -> list[StartFit]:
    """Fit every signal from one start, as :func:`fit_start` would; one on each device at a time.

    They share one compiled loop; ``on_done`` is told how many are finished.
    """
    finished = itertools.count(1)

    def one(device: Any, signal: Signal) -> StartFit:
        begun = jax.device_put(start, device)
        done = fit_start(init, begun, loop, forward, signal, seed, hold_out=hold_out)
        on_done(next(finished))
        return done

    return over_devices(one, signals)


def seen_picture(signal: Signal) -> Float[np.ndarray, "side side channels"] | None:
    """What a fit of a partly observed signal sees, the rest grey; None if it sees everything."""
    if signal.seen is None:
        return None
    return signal.pictures(np.where(signal.seen[:, None], signal.task.query.y, 0.5))[0]


def _quality(
    forward: ForwardMap, field: Field, signal: Signal, values: np.ndarray
) -> dict[str, float]:
    """How near the values at the query's pixels are to the truth, or how well a field explains
    what was measured, if that is all that is known."""
    target = signal.target
    if target is None:
        return {"loss": float(_loss(forward, field, signal.task.support))}
    of_all = quality(signal.pictures(values), signal.pictures(target))
    whole = {"psnr": round(of_all[0], 3), "ssim": round(of_all[1], 4)}
    if signal.seen is None:
        return whole
    unseen = ~signal.seen
    of_unseen = psnr(values[unseen], target[unseen]) if unseen.any() else float("nan")
    return {**whole, "psnr_unseen": round(of_unseen, 3)}


@eqx.filter_jit
def _loss(forward: ForwardMap, field: Field, support: Observation):
    return loss_and_gradient(forward, field, support)[0]
