"""Add a network: Gaussian activations (Ramasinghe & Lucey 2022), in two small classes.

Learns an initialization for signed distances of random shapes with it, saves and loads it, fits a
shape in Python and on the command line, and compares it with the four baseline initializations.

    python examples/03_your_own_network.py        # about a minute on 2 cores
"""

from dataclasses import dataclass
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
from _show import picture_of, show

import theta0
from theta0.data.images import SDF
from theta0.fields import Linear


@theta0.register("field", "gauss")
@dataclass(frozen=True)
class Gauss(theta0.NetworkConfig):
    """Hidden layers ``exp(-((W x + b) / spread)^2 / 2)``."""

    in_size: int = 2
    out_size: int = 3
    width: int = 64
    layers: int = 4
    spread: float = 0.5
    """of the Gaussians; smaller ones show finer detail"""

    def build(self, key):
        sizes = [self.in_size, *[self.width] * (self.layers - 1), self.out_size]
        keys = jax.random.split(key, self.layers)
        layers = [
            Linear(jax.random.normal(keys[i], (after, before)) / before**0.5, jnp.zeros(after))
            for i, (before, after) in enumerate(pairwise(sizes))
        ]
        return GaussField(tuple(layers), self)


class GaussField(theta0.Field):
    """See `Gauss`."""

    layers: tuple[Linear, ...]
    config: Gauss = eqx.field(static=True)

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = jnp.exp(-((layer(x) / self.config.spread) ** 2) / 2)
        return self.layers[-1](x)


def main() -> None:
    shapes = theta0.ImageConfig(SDF(200, 4, 8), size=32)
    meta = theta0.MetaSGD(steps=2, rule=theta0.StepSizes(0.01, "layer"))
    outer = theta0.OuterConfig(lr=1e-3, rule_lr=1e-3, steps=300, clip=1.0)
    init = theta0.learn(shapes, meta, field=Gauss(), outer=outer)
    show(__file__, init, shapes, picture_of(shapes))


if __name__ == "__main__":
    main()
