"""Fit signals from an initialization, and measure the quality of the fit by number of steps."""

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
"""Numbers of steps after which the fit is measured"""

BASELINE_FIT = InnerConfig("adam", 3e-4)
"""The inner loop for baseline initializations, which have none of their own"""


@dataclass(frozen=True)
class SignalFit:
    """A signal fitted from one initialization."""

    init: str
    """name of the initialization"""
    loop: InnerConfig
    result: Fit
    rows: list[dict[str, Any]]
    """one for each snapshot: ``init``, ``optimizer``, ``lr``, ``steps``, ``psnr`` (dB) and ``ssim``
    of the whole signal, means over its pictures; of a partly observed signal also ``psnr_unseen``,
    of the pixels that were not observed (NaN if there are none). If the ground truth is unknown,
    ``loss`` instead of these: the mean squared error of the measurements"""
    pictures: list[Float[np.ndarray, "pictures side side channels"]]
    """the fitted field at each snapshot"""


def fit_signal(
    init: str,
    field: Field,
    loop: InnerConfig,
    forward: ForwardMap,
    signal: Signal,
    seed: int = 0,
    seconds: float | None = None,
    on_progress: Callable[[int, float], None] | None = None,
    validation_fraction: float | None = None,
) -> SignalFit:
    """Fit a signal; see :func:`theta0.fit.fit`.

    Args:
        init: name of the initialization.
        field: the initialization.
        loop: the inner loop.
        forward: how the field is measured.
        signal: what is fitted, and what it is compared with.
        seed: of batches, and of the validation fraction.
        seconds: time limit.
        on_progress: called with (steps done, loss).
        validation_fraction: of the observations; these choose the number of steps, at most that of
            the loop, before all are fitted; see :func:`theta0.measure.step_to_stop`.

    Raises:
        DivergedError: the loss is not finite; the message names the initialization.
    """
    key = jax.random.PRNGKey(seed)
    support, steps = signal.task.support, _snapshots(loop.steps)
    if validation_fraction is not None:
        # At least one step: the initialization itself is not a reconstruction.
        fraction = validation_fraction
        stop = step_to_stop(forward, field, support, loop, steps[1:], key, fraction, seed)
        loop, steps = replace(loop, steps=stop), _snapshots(stop)
    try:
        result = fit(forward, field, support, loop.build(), key, steps, seconds, on_progress)
    except DivergedError as error:
        raise DivergedError(f"{init}: {error}", error.snapshots) from error
    return _measured(init, loop, result, forward, signal)


def fit_signals(
    init: str,
    field: Field,
    loop: InnerConfig,
    forward: ForwardMap,
    signals: Sequence[Signal],
    seed: int = 0,
    validation_fraction: float | None = None,
    on_done: Callable[[int], None] = lambda done: None,
) -> list[SignalFit]:
    """Fit every signal by :func:`fit_signal`, in parallel over the local devices.

    All fits share one compiled loop. ``on_done`` is called with the number of fits done so far.
    """
    count = itertools.count(1)

    def one(device: Any, signal: Signal) -> SignalFit:
        local = jax.device_put(field, device)
        done = fit_signal(
            init, local, loop, forward, signal, seed, validation_fraction=validation_fraction
        )
        on_done(next(count))
        return done

    return over_devices(one, signals)


def observed_picture(signal: Signal) -> Float[np.ndarray, "side side channels"] | None:
    """The observed pixels of a partly observed signal on grey; None if all are observed."""
    if signal.seen is None:
        return None
    return signal.pictures(np.where(signal.seen[:, None], signal.task.query.y, 0.5))[0]


def _measured(
    init: str, loop: InnerConfig, result: Fit, forward: ForwardMap, signal: Signal
) -> SignalFit:
    """A fit with the quality and the pictures of its snapshots."""
    rows, pictures = [], []
    for step, field in sorted({**result.snapshots, len(result.losses): result.field}.items()):
        values = np.asarray(predict(signal.query_forward or forward, field, signal.task.query.p))
        pictures.append(signal.pictures(values))
        facts = {"init": init, "optimizer": loop.optimizer, "lr": loop.lr, "steps": step}
        rows.append({**facts, **_quality(forward, field, signal, values)})
    return SignalFit(init, loop, result, rows, pictures)


def _snapshots(last: int) -> tuple[int, ...]:
    """Numbers of steps to measure at, up to the last."""
    return tuple(dict.fromkeys(step for step in (*SNAPSHOTS, last) if step <= last))


def _quality(
    forward: ForwardMap, field: Field, signal: Signal, values: np.ndarray
) -> dict[str, float]:
    """PSNR and SSIM of the values at the query's pixels; without ground truth, the loss."""
    target = signal.target
    if target is None:
        return {"loss": float(_loss(forward, field, signal.task.support))}
    mean_psnr, mean_ssim = quality(signal.pictures(values), signal.pictures(target))
    whole = {"psnr": round(mean_psnr, 3), "ssim": round(mean_ssim, 4)}
    if signal.seen is None:
        return whole
    unseen = ~signal.seen
    psnr_unseen = psnr(values[unseen], target[unseen]) if unseen.any() else float("nan")
    return {**whole, "psnr_unseen": round(psnr_unseen, 3)}


@eqx.filter_jit
def _loss(forward: ForwardMap, field: Field, support: Observation):
    return loss_and_gradient(forward, field, support)[0]
