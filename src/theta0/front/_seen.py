"""What an initialization was learned from, so that nobody judges it by the same signals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from theta0.config import VERSION, from_plain
from theta0.errors import InputError
from theta0.inits import Initialization
from theta0.presets import digest
from theta0.signals import SHARES, Shares, as_array

_SHARES, _LEARNED_FROM = "shares", "learned_from"


def record(signals: Any, shares: Shares) -> dict[str, Any]:
    """What the provenance of an initialization says of the signals that ``learn`` was given.

    The shares of the split and, of arrays, a digest of each training and validation signal.
    """
    told: dict[str, Any] = {_SHARES: {"validation": shares.validation, "test": shares.test}}
    if (several := _listed(signals)) is None:
        return told
    train, validation, _ = shares.parts(several)
    return {**told, _LEARNED_FROM: sorted({_digest(one) for one in (*train, *validation)})}


def shares_of(init: Initialization) -> Shares:
    """The shares by which the signals of an initialization were split; the default of both."""
    told = init.description.provenance.get(_SHARES)
    if not isinstance(told, dict):
        return SHARES
    return from_plain({"version": VERSION, **told}, Shares, "shares of the initialization")


def require_unseen(init: Initialization, signals: Any, shares: Shares) -> None:
    """Refuse arrays whose test signals the initialization was learned from.

    Raises:
        InputError: says how many they are.
    """
    seen, several = init.description.provenance.get(_LEARNED_FROM), _listed(signals)
    if not isinstance(seen, list) or several is None:
        return
    test = shares.parts(several)[2]
    if known := sum(_digest(one) in seen for one in test):
        raise InputError(
            f"{known} of the {len(test)} test signals were learned from, and would be judged too "
            "well; give the arrays and shares that learn was given, or signals it has not seen"
        )


def _listed(signals: Any) -> Sequence[Any] | None:
    """Signals that can be taken by number; None of a path, or of what only their kind knows."""
    if hasattr(signals, "__array__"):
        return list(as_array(signals, "signals"))
    return signals if isinstance(signals, Sequence) and not isinstance(signals, str) else None


def _digest(signal: Any) -> str:
    """Of one signal, the same for arrays, lists and pictures of Pillow's of the same values."""
    if isinstance(signal, str | Path):
        return digest(str(signal))[:16]
    if isinstance(signal, list | tuple) or hasattr(signal, "__array__"):
        signal = as_array(signal, "signal")
        signal = signal.astype(np.float32) if signal.dtype.kind == "f" else signal
    return digest(signal)[:16]
