"""What a fit adds to its loss where measurements are few; both work from any initialization.

- total variation (Rudin, Osher & Fatemi 1992) of the field on a grid, shifted at random each step;
- a proximal term that holds the weights near their start (Rajeswaran et al. 2019, equation 3).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from theta0.fields import Field

_FLAT = 1e-2
"""Slope (values a side) below which total variation is a parabola: its gradient stays finite."""


class TotalVariation(eqx.Module):
    """``weight * mean |grad f|`` over the unit square (cube), by differences on a grid.

    Channels share one norm. The grid has the pitch of the pixels that the field is rendered at, so
    this is the total variation of the picture; its random shift leaves no place between unseen.
    """

    weight: Float[Array | np.ndarray, ""]
    """in units of the loss over (signal values a side of the square)"""
    side: int = eqx.field(static=True)
    """points a side of the grid"""

    def __call__(self, field: Field, key: Array) -> Float[Array, ""]:
        """The penalty, differentiable in the field."""
        d = getattr(field, "config").in_size  # noqa: B009
        lattice = np.indices((self.side,) * d, np.float32).reshape(d, -1)
        shift = jax.random.uniform(key, (d, 1))
        values = field((lattice + shift) / self.side)
        grid = values.reshape(-1, *(self.side,) * d)
        inner = tuple(slice(-1) for _ in range(d))
        slopes = [
            self.side * (jnp.roll(grid, -1, axis) - grid)[:, *inner] for axis in range(1, d + 1)
        ]
        squared = sum(jnp.sum(slope**2, axis=0) for slope in slopes)
        return jnp.asarray(self.weight) * jnp.mean(jnp.sqrt(squared + _FLAT**2) - _FLAT)


def proximal(
    weight: float, optimizer: optax.GradientTransformation
) -> optax.GradientTransformation:
    """The optimizer on ``L(theta) + weight / 2 * |theta - theta_start|^2``.

    The weight is an array argument, so that one compiled loop serves every one.
    """
    return optax.GradientTransformation(
        jax.tree_util.Partial(_begin, optimizer.init),
        jax.tree_util.Partial(_pulled, optimizer.update, np.asarray(weight)),
    )


def _begin(init: Any, params: Any) -> Any:
    return params, init(params)


def _pulled(update: Any, weight, gradient, state, params=None) -> Any:
    start, inner = state
    pull = lambda g, now, then: g + jnp.asarray(weight, g.dtype) * (now - then)
    updates, inner = update(jax.tree.map(pull, gradient, params, start), inner, params)
    return updates, (start, inner)
