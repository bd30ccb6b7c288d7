"""The objective of an inner loop: the data term, and what is added where measurements are few.

A new term is a field of :class:`Objective`, its line in :meth:`BoundObjective.loss_and_gradient`,
and a file of its own for its mathematics.
"""

from dataclasses import dataclass, fields

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.errors import InputError, require_positive, require_single
from theta0.fields import Field, trained
from theta0.forward import ForwardMap, Observation

from ._loss import loss_alone, loss_and_gradient
from ._total_variation import TotalVariation

_SIDE = 128
"""Points per side of the grid of total variation, where nothing else is said."""


@dataclass(frozen=True)
class Objective:
    """What an inner loop descends, as plain settings: the mean squared error, and added terms."""

    tv: float = 0.0
    """weight of the field's total variation (mean slope, in values per side) beside the mean
    squared error (Rudin, Osher & Fatemi 1992); 0: none"""
    tv_side: int | None = None
    """points per side of the grid on which total variation is taken; None: 128, or in a fit as many
    as the signal has"""
    proximal: float = 0.0
    """weight of half the squared distance of the weights from the initialization (Rajeswaran et
    al. 2019, equation 3); 0: none"""
    huber: float = 0.0
    """Huber threshold: errors beyond it count linearly instead of squared, so that the fit is
    robust to transient occluders; 0: all errors squared"""

    def __post_init__(self):
        require_positive(self, "tv_side")
        if self.tv and self.tv_side == 1:
            raise InputError(f"tv_side is {self.tv_side}; give 2 points per side or more")
        for name in self.terms():
            if not (getattr(self, name) >= 0 and np.isfinite(getattr(self, name))):
                raise InputError(
                    f"{name} is {getattr(self, name)}; give a finite number, 0 or more"
                )
            require_single(name, getattr(self, name))

    @classmethod
    def terms(cls) -> tuple[str, ...]:
        """Names of the settings that add or change a term where they are not 0."""
        return tuple(field.name for field in fields(cls) if field.name != "tv_side")

    @property
    def added(self) -> dict[str, float]:
        """The terms that are not 0, by name."""
        return {name: getattr(self, name) for name in self.terms() if getattr(self, name)}

    def bind(self, field: Field, first_order: bool = False) -> "BoundObjective":
        """The objective of fits that begin at ``field``.

        Args:
            field: the initialization, which the proximal term holds the weights near.
            first_order: gradients are constants of an outer derivative (FOMAML).
        """
        variation = None
        if self.tv:
            weight = np.asarray(self.tv, np.float32)
            variation = TotalVariation(weight, self.tv_side or _SIDE)
        anchor = (np.asarray(self.proximal), field) if self.proximal else None
        return BoundObjective(variation, anchor, self.huber, first_order)


class BoundObjective(eqx.Module):
    """An :class:`Objective` at work; its weights are arrays, so one program serves every one."""

    total_variation: TotalVariation | None
    proximal: tuple[Float[Array | np.ndarray, ""], Field] | None
    """weight, and where the field began"""
    huber: float = eqx.field(static=True)
    first_order: bool = eqx.field(static=True)

    def loss_and_gradient(
        self, forward: ForwardMap, field: Field, observation: Observation, key: Array
    ) -> tuple[Float[Array, ""], Field]:
        """The data term, which is what is reported, and the gradient of all terms together."""
        loss, gradient = loss_and_gradient(forward, field, observation, key, huber=self.huber)
        if self.total_variation is not None:
            slope = self.total_variation.gradient(field, jax.random.fold_in(key, 1))
            gradient = eqx.apply_updates(gradient, slope)
        if self.proximal is not None:
            weight, origin = self.proximal
            pull = lambda g, now, then: g + jnp.asarray(weight, g.dtype) * (now - then)
            arrays = (eqx.filter(tree, eqx.is_inexact_array) for tree in (gradient, field, origin))
            gradient = eqx.combine(jax.tree.map(pull, *arrays), gradient)
        if self.first_order:
            loss, gradient = jax.tree.map(
                lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf,
                (loss, gradient),
            )
        return loss, gradient

    def value(
        self,
        forward: ForwardMap,
        field: Field,
        observation: Observation,
        key: Array,
        loss: Float[Array, ""] | None = None,
    ) -> Float[Array, ""]:
        """All terms together: what the gradient of :meth:`loss_and_gradient` is that of.

        ``loss`` is the data term, where it is known already.
        """
        total = loss
        if total is None:
            total = loss_alone(forward, field, observation, key, huber=self.huber)
        if self.total_variation is not None:
            total = total + self.total_variation(field, jax.random.fold_in(key, 1))
        if self.proximal is not None:
            weight, origin = self.proximal
            squared = lambda now, then: jnp.sum((now - then) ** 2)
            distances = jax.tree.map(squared, trained(field), trained(origin))
            total = total + jnp.asarray(weight) / 2 * sum(jax.tree.leaves(distances))
        return total
