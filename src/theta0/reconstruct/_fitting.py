"""One signal of the user's own, fitted from one initialization, and how good it is by step."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax

from theta0.errors import DivergedError
from theta0.evaluation import Candidate, Init, over_devices, step_to_stop
from theta0.fields import Field
from theta0.forward import ForwardMap, Observation, check_shapes, predicted_shape
from theta0.inits import Description
from theta0.inner import Adam, Fit, InnerLoop, fit, loss_and_gradient
from theta0.signals import Pictures, Signal

SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)

BASELINE_RULE = Adam(3e-4)
"""How a signal is fitted from an initialization that was not learned for a rule of its own"""


@dataclass(frozen=True)
class SignalFit:
    """A signal fitted from one initialization."""

    init: str
    """name of the initialization"""
    rule: Candidate
    """how it was fitted"""
    result: Fit
    rows: list[dict[str, Any]]
    """one per snapshot: ``init``, ``rule``, ``lr``, ``steps``, and what :meth:`Signal.judge` says:
    ``psnr`` (dB) and ``ssim`` on the whole signal, of a part that was observed also
    ``psnr_unseen``. Where the true signal is not known, ``loss`` instead of them all: the mean
    squared error of the measurements"""
    pictures: list[Pictures]
    """the fitted field at each of them"""

    @property
    def steps(self) -> int:
        """Inner steps taken."""
        return len(self.result.losses)


def fit_signal(
    name: str,
    init: Init,
    rule: Candidate,
    loop: InnerLoop,
    forward: ForwardMap,
    signal: Signal,
    seed: int = 0,
    seconds: float | None = None,
    on_progress: Callable[[int, float], None] | None = None,
    validation_fraction: float | None = None,
) -> SignalFit:
    """Fit a signal; see :func:`theta0.inner.fit`.

    With ``validation_fraction`` of the observations, these choose the number of steps first: see
    :func:`theta0.evaluation.step_to_stop`.

    Raises:
        DivergedError: names the initialization.
    """
    steps = tuple(dict.fromkeys(step for step in (*SNAPSHOTS, loop.steps) if step <= loop.steps))
    key, moved = jax.random.PRNGKey(seed), rule.rule_for(init)
    support = signal.task.support
    if validation_fraction is not None:
        # At least one step: no fit at all is not a reconstruction.
        stop = step_to_stop(
            forward, init.field, moved, support, loop, steps[1:], key, validation_fraction, seed
        )
        loop, steps = loop._replace(steps=stop), tuple(step for step in steps if step <= stop)
    try:
        result = fit(forward, init.field, moved, support, loop, key, steps, seconds, on_progress)
    except DivergedError as error:
        raise DivergedError(f"{name}: {error}", error.snapshots) from error
    kept = {**result.snapshots, len(result.losses): result.field}
    rows, pictures = [], []
    for step, field in sorted(kept.items()):
        values = signal.predicted(forward, field)
        pictures.append(signal.pictures(values))
        judged = signal.judge(values) or {"loss": float(_loss(forward, field, support))}
        rows.append({"init": name, **rule.described(), "steps": step, **judged})
    return SignalFit(name, rule, result, rows, pictures)


def fit_signals(
    name: str,
    init: Init,
    rule: Candidate,
    loop: InnerLoop,
    forward: ForwardMap,
    signals: Sequence[Signal],
    seed: int = 0,
    validation_fraction: float | None = None,
    on_done: Callable[[int], None] = lambda done: None,
) -> list[SignalFit]:
    """Fit every signal from one initialization, as :func:`fit_signal` would; one on each device.

    They share one compiled loop; ``on_done`` is told how many are finished.
    """
    finished = itertools.count(1)

    def one(device: Any, signal: Signal) -> SignalFit:
        here = init.on(device)
        done = fit_signal(
            name, here, rule, loop, forward, signal, seed, validation_fraction=validation_fraction
        )
        on_done(next(finished))
        return done

    return over_devices(one, signals)


def suited(signal: Signal, description: Description) -> Signal:
    """A signal with the channels that an initialization shows: grey in colour, or colour in grey.

    Raises:
        InputError: the initialization is for another kind of signal.
    """
    forward, field = description.forward, description.field
    predicted = predicted_shape(forward, field, signal.task.support.p)
    signal = signal.in_channels(predicted[-1])
    support = signal.task.support
    check_shapes(forward, field, support.p, support.y)
    return signal


@eqx.filter_jit
def _loss(forward: ForwardMap, field: Field, support: Observation):
    return loss_and_gradient(forward, field, support)[0]
