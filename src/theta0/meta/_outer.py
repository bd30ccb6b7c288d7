"""Settings of the outer loop, and its optimizer."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import jax
import optax

from theta0.errors import InputError, require_positive

from ._base import Learned


@dataclass(frozen=True)
class OuterConfig:
    """The plain settings of the outer loop."""

    lr: float = 5e-5
    """step size of Adam on the field's weights"""
    schedule: Literal["constant", "cosine"] = "cosine"
    """constant, or decaying to zero over all steps"""
    steps: int = 1000
    """outer steps"""
    tasks: int = 1
    """signals per step: the meta-batch"""
    rule_lr: float = 1e-4
    """step size of Adam on what the update rule learns, such as step sizes, in their own units"""
    clip: float | None = None
    """largest norm of a meta-gradient; longer ones are shortened to it"""
    validate_every: int = 100
    """outer steps between validations, each of which may become the best initialization"""
    validation_signals: int = 8
    """validation signals that each of them fits"""
    checkpoint_every: int = 100
    """outer steps between checkpoints"""

    def optimizer(self) -> optax.GradientTransformation:
        """Clipping, then Adam with the schedule; the same object for the same settings."""
        numbers = (name for name, value in vars(self).items() if isinstance(value, int | float))
        try:
            require_positive(self, *numbers)
        except InputError as error:
            raise InputError(f"outer.{error}") from None
        cosine = self.schedule == "cosine"
        decay = self.steps if cosine else None
        return _optimizer(self.lr, self.rule_lr / self.lr, decay, self.clip)


@cache
def _optimizer(
    lr: float, ratio: float, decay: int | None, clip: float | None
) -> optax.GradientTransformation:
    adam = optax.adam(lr if decay is None else optax.cosine_decay_schedule(lr, decay))

    def pace(updates: Any, params: Any = None) -> Any:
        # Adam's updates do not depend on the scale of gradients, so this is a step size of its own.
        return Learned(updates.field, jax.tree.map(lambda one: ratio * one, updates.rule))

    parts = [] if clip is None else [optax.clip_by_global_norm(clip)]
    return optax.chain(*parts, adam, optax.stateless(pace))
