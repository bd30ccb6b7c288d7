"""Write your own forward map: a frozen dataclass with one method, nothing to register.

A camera's pixel does not see a point but the mean over its area. Through a map that says so, a
12 x 12 photo is fitted by a network, which is then read out at 48 x 48. Prints the PSNR of the
finer picture, with that map and with the identity (pixels taken for points); the map is worth 1 dB.

    python examples/03_your_own_forward_map.py        # about 5 s on 2 cores
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from skimage.data import astronaut
from skimage.transform import resize

from theta0.fields import SirenConfig, evaluate
from theta0.fit import InnerConfig, fit
from theta0.forward import Points
from theta0.metrics import psnr
from theta0.tasks import Observation, pixel_coordinates

COARSE, FINE = 12, 48


@dataclass(frozen=True)
class Pixels:
    """Means over squares of side ``1 / pixels`` around p, from ``across x across`` samples."""

    pixels: int
    across: int = 4

    @property
    def samples(self) -> int:
        return self.across**2

    def __call__(self, field, p, key=None):
        offsets = (pixel_coordinates(self.across, self.across) - 0.5) / self.pixels
        points = (p[:, None] + offsets).reshape(-1, p.shape[-1])
        return evaluate(field, points).reshape(len(p), self.samples, -1).mean(axis=1)


def main() -> None:
    fine = np.asarray(resize(astronaut()[:256, 96:352], (FINE, FINE), anti_aliasing=True))
    blocks = fine.reshape(COARSE, FINE // COARSE, COARSE, FINE // COARSE, 3)
    coarse = blocks.mean(axis=(1, 3)).astype(np.float32)
    seen = Observation(jnp.asarray(pixel_coordinates(COARSE, COARSE)), coarse.reshape(-1, 3))
    loop = InnerConfig(optimizer="adam", lr=1e-3, steps=200).build()
    field = SirenConfig(width=64, layers=4, w0=30.0).build(jax.random.PRNGKey(0))

    for name, forward in {"areas": Pixels(COARSE), "points": Points()}.items():
        fitted = fit(forward, field, seen, loop, jax.random.PRNGKey(1)).field
        picture = np.asarray(evaluate(fitted, jnp.asarray(pixel_coordinates(FINE, FINE))))
        print(f"pixels as {name:6s}: {psnr(picture.reshape(fine.shape), fine):.2f} dB")


if __name__ == "__main__":
    main()
