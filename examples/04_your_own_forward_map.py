"""Add a forward map: a camera whose pixel sees the mean over its area, not a point.

An initialization is learned for shapes through pixels of 1/16 of the side, so that the network is
right between them; saved, loaded, fitted, judged.

    python examples/04_your_own_forward_map.py        # about a minute on 2 cores
"""

import math
from dataclasses import dataclass

from _show import picture_of, show

import theta0
from theta0.data.images import SDF
from theta0.fields import evaluate
from theta0.signals import pixel_coordinates


@theta0.register("forward", "pixel-areas")
@dataclass(frozen=True)
class PixelAreas(theta0.ForwardMap):
    """Means over squares of side ``1 / pixels`` around p, from samples on a grid."""

    pixels: int
    samples: int = 9
    """evaluations of the field for one pixel, a square number"""

    def __call__(self, field, p, key=None):
        across = math.isqrt(self.samples)
        offsets = (pixel_coordinates(across, across) - 0.5) / self.pixels
        points = (p[:, None] + offsets).reshape(-1, p.shape[-1])
        return evaluate(field, points).reshape(len(p), self.samples, -1).mean(axis=1)


def main() -> None:
    shapes = theta0.ImageConfig(SDF(200, 4, 8), size=16)
    meta = theta0.MetaSGD(steps=2, rule=theta0.StepSizes(0.01, "layer"))
    init = theta0.learn(
        shapes,
        meta,
        field=theta0.Siren(width=48, layers=4, w0=30.0),
        forward=PixelAreas(16),
        outer=theta0.OuterConfig(lr=5e-4, rule_lr=1e-3, steps=300, clip=1.0),
    )
    show(__file__, init, shapes, picture_of(shapes))


if __name__ == "__main__":
    main()
