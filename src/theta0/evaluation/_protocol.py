"""What is measured of an initialization, as plain settings."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from theta0.errors import LARGEST_NUMBER, InputError, require_at_most, require_positive
from theta0.inner import SGD, Adam, Objective, RuleConfig


@dataclass(frozen=True)
class Protocol:
    """What is measured, and what is tried on validation signals."""

    steps: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50, 100)
    """numbers of inner steps after which a fit is judged"""
    rules: tuple[RuleConfig, ...] = (
        *map(SGD, (1e-3, 1e-2, 1e-1, 1.0)),
        *map(Adam, (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)),
    )
    """update rules tried; of those of one kind, the best settings are chosen"""
    after_learned: tuple[RuleConfig, ...] = ()
    """rules tried after an initialization's own steps, with those whose rule is learned"""
    tuning_signals: int = 4
    """validation signals that choose among them"""
    signals: int = 16
    """test signals"""
    batch: int | None = None
    """observations per step; None: all"""
    views: int | None = None
    """views of a CT slice, or of an object"""
    samples: tuple[int, ...] = ()
    """samples per ray tried with ``validation_fraction`` beside the forward map's own, with what is
    best by these, and taken where they are clearly better: a fit of many observations is as good as
    the sums it compares with them"""
    w0: tuple[float, ...] = ()
    """values of w0 tried for Standard in place of the network's own, each with every rule"""
    objectives: tuple[Objective, ...] = ()
    """terms tried with the initializations learned and standard, in rows of their own (learned+tv,
    standard+huber), with the rule that is best without them"""
    flip: bool = False
    """try flip test-time augmentation, as in `InnerConfig`, in rows of its own (learned+flip,
    standard+flip), with what is best without it, objectives included"""
    validation_fraction: float | None = None
    """fraction of the observations that says when to stop. If given, there is one row for each
    initialization and rule instead of one for each number of steps: that number is chosen with the
    rule's settings on validation signals, and beside it stands what stopping by this fraction would
    cost"""
    more_steps: tuple[int, ...] = ()
    """numbers of steps tried with ``validation_fraction`` beyond ``steps``, where the last of those
    is best"""
    stopping_signals: int = 16
    """test signals on which that cost is taken, the first ones"""
    training_signals: bool = False
    """judge fits to signals that training saw, spread evenly over them, instead of test signals:
    how much better these are is over-fitting"""

    @property
    def judged(self) -> Literal["training", "test"]:
        """Signals that the tables are about."""
        return "training" if self.training_signals else "test"

    def __post_init__(self):
        require_positive(self, "tuning_signals", "signals", "batch", "views", "stopping_signals")
        if min(self.steps, default=-1) < 0 or max(self.steps, default=0) < 1:
            raise InputError(f"steps {self.steps} must be 0 or more, at least one above 0")
        for step in (*self.steps, *self.more_steps):
            require_at_most("steps", step, LARGEST_NUMBER)
        if list(self.steps) != sorted(set(self.steps)):
            raise InputError(f"steps {self.steps} must rise, each given once")
        if (
            self.more_steps
            and list(self.more_steps) != sorted({*self.steps, *self.more_steps})[len(self.steps) :]
        ):
            raise InputError(f"more_steps {self.more_steps} must rise, from above {self.steps[-1]}")
        if not self.rules:
            raise InputError("no update rule to try; give at least one, such as adam:1e-3")
        if min(self.samples, default=1) < 1:
            raise InputError(f"samples {self.samples} must be 1 or more")
        for value in self.w0:
            if not (value > 0 and np.isfinite(value)):
                raise InputError(f"w0 has {value}; give finite ones above 0")
        if not all(objective.added for objective in self.objectives):
            raise InputError("an objective adds no term; give such as tv=1e-5 or huber=0.1")
        if self.validation_fraction is not None and not 0 < self.validation_fraction < 1:
            raise InputError(
                f"validation_fraction is {self.validation_fraction}; give one above 0, below 1"
            )
