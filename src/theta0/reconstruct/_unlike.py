"""Whether a signal is like those that its initialization was learned from."""

from theta0.errors import note
from theta0.inits import Description
from theta0.inner import InnerLoop

from ._fitting import SignalFit

_FAR = 2.0
"""Losses beyond so many times the largest of the class are those of another kind of signal."""


def note_if_unlike(done: SignalFit, description: Description, loop: InnerLoop) -> None:
    """Note that the loss of a fit falls less than those of the class.

    Fits by another rule than the learned one, or with other terms in their objective, are not
    compared.

    Args:
        done: a fit from the learned initialization.
        description: of the initialization.
        loop: how it was fitted.
    """
    usual, inner, candidate = description.losses, description.inner, done.rule
    own = candidate.rule in (None, inner.rule) or candidate.after_own
    if usual is None or not own or loop.objective.added != inner.objective.added:
        return
    step = min(len(usual.largest), len(done.result.losses)) - 1
    if step < 0:
        return
    times = float(done.result.losses[step]) / usual.largest[step]
    if times > _FAR:
        note(
            f"loss after {step} steps is {times:.2g} times the largest of {usual.signals} "
            f"{description.data.noun} that {description.name} was validated on: another kind of "
            "signal? Its learned steps may not suit it; compare with the other initializations"
        )
