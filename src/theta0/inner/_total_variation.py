"""Total variation of a field (Rudin, Osher & Fatemi 1992), on a grid shifted anew each step."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.fields import Field, config_of
from theta0.forward import points_per_chunk

_FLAT = 1e-2
"""Slope (values per side) below which total variation is a parabola: its gradient stays finite."""


class TotalVariation(eqx.Module):
    """``weight * mean |grad f|`` over the unit square (cube), by differences on a grid.

    Channels share one norm. The grid has the pitch of the pixels that the field is rendered at, so
    this is the total variation of the picture; its random shift leaves no place between unseen.
    """

    weight: Float[Array | np.ndarray, ""]
    """in units of the loss over (signal values per side of the square)"""
    side: int = eqx.field(static=True)
    """points per side of the grid"""

    def __call__(self, field: Field, key: Array) -> Float[Array, ""]:
        """The penalty."""
        penalty, firsts = self._slabs(field, key)
        return jax.lax.map(lambda first: penalty(field, first), firsts).sum()

    def gradient(self, field: Field, key: Array) -> Field:
        """Its gradient, a pytree like ``field``: the sum of those of slabs that the cache holds."""
        penalty, firsts = self._slabs(field, key)
        slope = lambda first: eqx.filter_grad(penalty)(field, first)
        add = lambda total, first: (jax.tree.map(jnp.add, total, slope(first)), None)
        return jax.lax.scan(add, slope(firsts[0]), firsts[1:])[0]

    def _slabs(self, field: Field, key: Array) -> tuple[Callable[[Field, Array], Array], Array]:
        """The penalty of a field on the slab that begins at a layer of the grid, and all these."""
        d = config_of(field).in_size
        sides = (self.side,) * (d - 1)
        depth = points_per_chunk(field) // self.side ** (d - 1) - 1
        depth = max(1, min(self.side - 1, depth))
        shift = jax.random.uniform(key, (d, 1))
        # A slab ends with the layer at which the next begins.
        lattice = np.indices((depth + 1, *sides), np.float32).reshape(d, -1)

        def penalty(field: Field, first: Array) -> Array:
            points = jnp.asarray(lattice).at[0].add(first) + shift
            grid = field(points / self.side).reshape(-1, depth + 1, *sides)
            here = grid[:, *(slice(-1) for _ in range(d))]
            ahead = (
                grid[:, *(slice(1, None) if axis == ahead else slice(-1) for axis in range(d))]
                for ahead in range(d)
            )
            squared = sum(jnp.sum((self.side * (there - here)) ** 2, axis=0) for there in ahead)
            slope = (jnp.sqrt(squared + _FLAT**2) - _FLAT).reshape(depth, -1).sum(axis=1)
            within = first + jnp.arange(depth) < self.side - 1
            total = jnp.where(within, slope, 0).sum() / (self.side - 1) ** d
            return jnp.asarray(self.weight) * total

        return penalty, jnp.arange(0, self.side - 1, depth)
