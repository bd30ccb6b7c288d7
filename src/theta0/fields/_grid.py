"""Multi-resolution feature grid with a small ReLU network behind it.

Levels that fit are dense, as in plenoxels and DVGO; others share the rows of a table by a spatial
hash (Müller et al. 2022, "Instant neural graphics primitives", equation 4). A point costs a few
thousand operations, where the paper's networks need 400,000.
"""

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory
from theta0.registry import FIELDS

from ._base import Field, NetworkConfig, check_sizes, trained
from ._linear import Linear, dense_layers, normal_linear, relu_layers, shown

Interpolation = Literal["linear", "smoothstep", "quintic"]

_BLEND = {
    "linear": lambda t: t,
    "smoothstep": lambda t: t * t * (3 - 2 * t),
    "quintic": lambda t: t * t * t * (10 + t * (6 * t - 15)),
}
"""Weight of the next sample at a fraction t of the way to it; flat at both ends to order 0, 1, 2"""

_PRIMES = (1, 2654435761, 805459861)
"""Factors of the hash (Müller et al. 2022)"""


@FIELDS.register("grid")
@dataclass(frozen=True)
class Grid(NetworkConfig):
    """Multi-resolution feature grid and a small ReLU network; by default for pictures.

    The defaults have 135,278 weights, most of them in a level of 128 samples per side: more than a
    picture of that size has values. Such a field is quick to fit, and no compression of it; for
    that give levels below the size of the picture.
    """

    in_size: int = 2
    """coordinates of a point: 1, 2 or 3"""
    out_size: int = 3
    """channels of the signal"""
    levels: tuple[int, ...] = (4, 16, 128)
    """samples per side of each level, rising"""
    features: int = 8
    """features of a sample"""
    width: int = 32
    """units of a hidden layer"""
    layers: int = 3
    """layers of weights behind the features, the output layer counted"""
    interpolation: Interpolation = "linear"
    """between samples: linear; smoothstep, with continuous first derivatives along the coordinates;
    quintic, with continuous second ones"""
    table: int = 1 << 19
    """most rows of a level; levels with more samples share them by a hash"""
    low: float = 0.0
    """least coordinate; points beyond see the border"""
    high: float = 1.0
    """largest coordinate"""
    scale: float = 0.1
    """features of a fresh grid are uniform in plus or minus this"""
    output_offset: float = 0.5
    """added to the output, so that a fresh network shows mid-grey"""
    skip: bool = True
    """add a linear function of the features to the output, so that a fit need not turn the small
    network to reach what the features hold"""
    squash: bool = False
    """a logistic function of the output, of slope 1 at its middle 0.5, in place of the offset"""

    def __post_init__(self):
        check_sizes(self, "features", "table", "scale", inputs=self.inputs)
        if self.in_size > 3:
            raise InputError(f"in_size is {self.in_size}; a grid has 1, 2 or 3 coordinates")
        if not self.levels or min(self.levels) < 2 or list(self.levels) != sorted(set(self.levels)):
            raise InputError(f"levels is {self.levels}; give rising numbers of at least 2 samples")
        if not self.low < self.high:
            raise InputError(f"low is {self.low}; give less than high, {self.high}")
        needed = 4 * self.features * sum(map(self.rows, self.levels))
        remedy = "give smaller levels, fewer features, or a smaller table"
        check_memory(f"levels {self.levels}", needed, MAX_BYTES, remedy)

    @property
    def inputs(self) -> int:
        """Features of a point, on all levels."""
        return self.features * len(self.levels)

    def rows(self, side: int) -> int:
        """Rows of features of a level."""
        return min(side**self.in_size, self.table)

    def build(self, key) -> "GridField":
        """A fresh grid: features in U(-scale, scale), weights N(0, 2/in), biases 0."""
        grid_key, key = jax.random.split(key)
        grids = tuple(
            jax.random.uniform(
                level_key, (self.rows(side), self.features), minval=-self.scale, maxval=self.scale
            )
            for side, level_key in zip(
                self.levels, jax.random.split(grid_key, len(self.levels)), strict=True
            )
        )
        inputs = self.inputs
        skip_key, key = jax.random.split(key)
        layers = dense_layers(key, inputs, self.width, self.layers, self.out_size, normal_linear)
        skip = normal_linear(skip_key, inputs, self.out_size) if self.skip else None
        return GridField(grids, layers, skip, self)


class GridField(Field):
    """Features interpolated on every level, then ReLU layers; see :class:`Grid`."""

    grids: tuple[Float[Array, "_ features"], ...]
    layers: tuple[Linear, ...]
    skip: Linear | None
    config: Grid = eqx.field(static=True)

    def encode(self, x: Float[Array, "d *points"]) -> Float[Array, "levels_features *points"]:
        """Features of every level, coarse to fine."""
        unit = (x - self.config.low) / (self.config.high - self.config.low)
        levels = zip(self.grids, self.config.levels, strict=True)
        return jnp.concatenate([self._interpolated(grid, side, unit) for grid, side in levels])

    def _interpolated(
        self, grid: Float[Array, "rows features"], side: int, unit: Float[Array, "d *points"]
    ) -> Float[Array, "features *points"]:
        """Features of one level; samples lie in the middle of its cells, as pixels do."""
        at = jnp.clip(unit * side - 0.5, 0, side - 1)
        first = jnp.minimum(jnp.floor(at), side - 2)
        ahead = _BLEND[self.config.interpolation](at - first)
        cell = jax.lax.stop_gradient(first).astype(jnp.int32)
        total = jnp.zeros((grid.shape[1], *at.shape[1:]), grid.dtype)
        for corner in itertools.product((0, 1), repeat=len(at)):
            weight = jnp.ones_like(at[0])
            for axis, step in enumerate(corner):
                weight = weight * (ahead[axis] if step else 1 - ahead[axis])
            row = _row([cell[axis] + step for axis, step in enumerate(corner)], side, len(grid))
            total = total + weight * jnp.moveaxis(grid[row], -1, 0)
        return total

    def __call__(self, x):
        features = self.encode(x)
        out = relu_layers(self.layers, features)
        if self.skip is not None:
            out = out + self.skip(features)
        return shown(out, self.config.squash, self.config.output_offset)

    def for_size(self, size: int) -> "GridField":
        """With as many samples in the finest level, interpolated from those that it has.

        Step sizes learned per layer stay what they are: see :meth:`step_scales`.

        Raises:
            InputError: samples of the finest level share their rows.
        """
        finest = self.config.levels[-1]
        if size <= finest:
            return self
        if self.config.rows(finest) < finest**self.config.in_size:
            raise InputError(
                f"the samples of level {finest} share rows by a hash, which cannot be refined to "
                f"{size} per side; fit at the size it was learned for"
            )
        rows = max(self.config.table, size**self.config.in_size)
        config = replace(self.config, levels=(*self.config.levels[:-1], size), table=rows)
        old, new = ((*[side] * config.in_size, config.features) for side in (finest, size))
        refined = jax.image.resize(self.grids[-1].reshape(old), new, "linear")
        grids = (*self.grids[:-1], refined.reshape(-1, config.features))
        return GridField(grids, self.layers, self.skip, config)

    def step_scales(self) -> "GridField":
        """A feature of a level of ``n`` samples is seen by one point in ``n`` or so."""
        ones = jax.tree.map(lambda leaf: 1.0, trained(self))
        scales = tuple(float(side**self.config.in_size) for side in self.config.levels)
        return eqx.tree_at(lambda field: field.grids, ones, scales)


def _row(cell: list[Int[Array, "*points"]], side: int, rows: int) -> Int[Array, "*points"]:
    """The row in which a sample's features lie: its number, or a hash of it where rows are few."""
    if side ** len(cell) <= rows:
        row = cell[0]
        for along in cell[1:]:
            row = row * side + along
        return row
    mixed = jnp.zeros_like(cell[0], jnp.uint32)
    for along, prime in zip(cell, _PRIMES, strict=False):
        mixed = mixed ^ (along.astype(jnp.uint32) * jnp.uint32(prime))
    return (mixed % jnp.uint32(rows)).astype(jnp.int32)
