"""A sine network for what is smooth, and a feature grid for what is sharp: their sum."""

from dataclasses import dataclass, field, replace

import equinox as eqx
import jax

from theta0.errors import InputError
from theta0.registry import FIELDS

from ._base import Field, NetworkConfig
from ._grid import Grid, GridField
from ._siren import Siren, SirenField


@FIELDS.register("hybrid")
@dataclass(frozen=True)
class Hybrid(NetworkConfig):
    """The sum of a small SIREN and a feature grid.

    Every weight of the sine network acts everywhere, so it can hold what signals of a class have in
    common where nothing was measured; the features of the grid act locally, and are quick to fit.
    """

    in_size: int = 2
    """coordinates of a point"""
    out_size: int = 3
    """channels of the signal"""
    smooth: Siren = field(default_factory=lambda: Siren(width=64, layers=4, w0=30.0))
    """the sine network; coordinates and channels are those given here"""
    sharp: Grid = field(default_factory=lambda: Grid(output_offset=0.0))
    """the grid, whose output is added to it; coordinates and channels likewise"""

    def __post_init__(self):
        for name in ("smooth", "sharp"):
            part = replace(getattr(self, name), in_size=self.in_size, out_size=self.out_size)
            object.__setattr__(self, name, part)
            if part.squash:
                raise InputError(
                    f"{name}.squash is true, but a hybrid adds what its parts show; leave it out"
                )

    def build(self, key) -> "HybridField":
        """Both parts fresh."""
        smooth_key, sharp_key = jax.random.split(key)
        return HybridField(self.smooth.build(smooth_key), self.sharp.build(sharp_key), self)


class HybridField(Field):
    """Sum of two fields; see :class:`Hybrid`."""

    smooth: SirenField
    sharp: GridField
    config: Hybrid = eqx.field(static=True)

    def __call__(self, x):
        return self.smooth(x) + self.sharp(x)

    def for_size(self, size: int) -> "HybridField":
        """With the grid as :meth:`GridField.for_size` says."""
        sharp = self.sharp.for_size(size)
        return HybridField(self.smooth, sharp, replace(self.config, sharp=sharp.config))
