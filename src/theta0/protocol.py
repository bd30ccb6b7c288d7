"""What is measured of an initialization, as plain settings."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from theta0.errors import InputError, require_positive


@dataclass(frozen=True)
class Protocol:
    """What is measured."""

    steps: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50, 100)
    """numbers of gradient steps after which PSNR is taken"""
    sgd: tuple[float, ...] = (1e-3, 1e-2, 1e-1)
    """step sizes tried for gradient descent"""
    adam: tuple[float, ...] = (1e-4, 1e-3)
    """step sizes tried for Adam"""
    tuning_signals: int = 4
    """validation signals that choose among them"""
    signals: int = 16
    """test signals"""
    batch: int | None = None
    """observations a step; None: all"""
    views: int | None = None
    """views of a CT slice, or of an object"""
    learned_adam: tuple[float, ...] = ()
    """step sizes of Adam tried after the learned steps, with starts that have such"""
    samples: tuple[int, ...] = ()
    """samples a ray tried with ``hold_out`` beside the forward map's own, with what is best by
    these, and taken where they are clearly better: a fit of many observations is as good as the
    sums it compares with them"""
    w0: tuple[float, ...] = ()
    """values of w0 tried for Standard in place of the network's own, each with every step size"""
    tv: tuple[float, ...] = ()
    """weights of total variation tried with the starts learned and standard, in rows of their own
    (learned+tv, standard+tv), with the optimizer and step size that are best without it"""
    huber: tuple[float, ...] = ()
    """errors beyond which a value counts in proportion tried with them, in the same way
    (learned+huber, standard+huber)"""
    mirrored: bool = False
    """fit a mirrored copy too, as in `InnerConfig`, in rows of their own (learned+mirrored,
    standard+mirrored), with what is best without it, total variation included"""
    hold_out: float | None = None
    """share of the observations that says when to stop. If given, there is one row for each start
    and optimizer instead of one for each number of steps: that number is chosen with the step size
    on validation signals, and beside it stands what stopping by the held-out share would cost"""
    more_steps: tuple[int, ...] = ()
    """numbers of steps tried with ``hold_out`` beyond ``steps``, where the last of those is best"""
    hold_out_signals: int = 16
    """test signals on which that cost is taken, the first ones"""
    training_signals: bool = False
    """judge fits to signals that training saw, spread evenly over them, instead of test signals:
    how much better these are is over-fitting"""

    @property
    def judged(self) -> Literal["training", "test"]:
        """Signals that the tables are about."""
        return "training" if self.training_signals else "test"

    def __post_init__(self):
        require_positive(self, "tuning_signals", "signals", "batch", "views")
        require_positive(self, "hold_out_signals")
        if min(self.steps, default=-1) < 0 or max(self.steps, default=0) < 1:
            raise InputError(f"steps {self.steps} must be 0 or more, at least one above 0")
        if list(self.steps) != sorted(set(self.steps)):
            raise InputError(f"steps {self.steps} must rise, each given once")
        if (
            self.more_steps
            and list(self.more_steps) != sorted({*self.steps, *self.more_steps})[len(self.steps) :]
        ):
            raise InputError(f"more_steps {self.more_steps} must rise, from above {self.steps[-1]}")
        if not (self.sgd or self.adam):
            raise InputError("neither sgd nor adam has a step size to try; give at least one")
        for lr in (*self.sgd, *self.adam, *self.learned_adam):
            if not (lr > 0 and np.isfinite(lr)):
                raise InputError(f"sgd or adam has step size {lr}; give finite ones above 0")
        if min(self.samples, default=1) < 1:
            raise InputError(f"samples {self.samples} must be 1 or more")
        for name in ("w0", "tv", "huber"):
            for value in getattr(self, name):
                if not (value > 0 and np.isfinite(value)):
                    raise InputError(f"{name} has {value}; give finite ones above 0")
        if self.hold_out is not None and not 0 < self.hold_out < 1:
            raise InputError(f"hold_out is {self.hold_out}; give a share above 0, below 1")
