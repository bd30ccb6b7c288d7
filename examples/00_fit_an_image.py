"""Fit a sine network to one photo, from random weights.

Shows what a fit is made of: a forward map (here the identity: an image is observed at its pixels),
a field, an update rule, what was observed, and an inner loop. Prints the PSNR after 0, 20, 100 and
300 Adam steps.

    python examples/00_fit_an_image.py        # about 4 s on 2 cores; ends above 40 dB
"""

import jax
import jax.numpy as jnp
import numpy as np
from skimage.data import astronaut
from skimage.transform import resize

from theta0.fields import Siren, evaluate
from theta0.forward import Observation, Points
from theta0.inner import Adam, InnerLoop, fit
from theta0.metrics import psnr
from theta0.signals import pixel_coordinates

SIZE = 48


def main() -> None:
    photo = np.asarray(resize(astronaut(), (SIZE, SIZE), anti_aliasing=True), np.float32)
    points = jnp.asarray(pixel_coordinates(SIZE, SIZE))  # (row, column) of pixel centres, in [0, 1)
    pixels = Observation(points, photo.reshape(-1, 3))  # where something was measured, and what

    field = Siren(width=128, layers=4, w0=30.0).build(jax.random.PRNGKey(0))
    loop, key = InnerLoop(steps=300), jax.random.PRNGKey(1)
    fitted = fit(Points(), field, Adam(1e-3), pixels, loop, key, snapshots=(0, 20, 100, 300))

    for steps, snapshot in fitted.snapshots.items():
        picture = np.asarray(evaluate(snapshot, points)).reshape(photo.shape)
        print(f"after {steps:3d} steps: {psnr(picture, photo):.2f} dB")


if __name__ == "__main__":
    main()
