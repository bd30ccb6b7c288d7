"""Render a field of colour and density, here one given by a formula: a ball of coloured glass.

Any `Field` can be rendered, trained or not. Writes a PNG (by default `build/ball.png`, or the
path given) and prints the opacity of the ray through the centre beside its closed form,
``1 - exp(-density x diameter)``.

    python examples/02_render_a_volume.py [OUT.png]        # about 3 s on 2 cores
"""

import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from PIL import Image

from theta0.fields import Field
from theta0.forward import Rays, Volume

SIZE = 129


class Ball(Field):
    """Constant density inside a ball around the origin, colour by position."""

    radius: float = 0.5
    density: float = 3.0

    def __call__(self, x):
        inside = jnp.sum(x**2, axis=0, keepdims=True) < self.radius**2
        return jnp.concatenate([0.5 + 0.8 * x, jnp.where(inside, self.density, 0.0)])


def main() -> None:
    # A pinhole at z = 2, looking along -z at the picture plane z = 1, 0.8 units wide.
    across = np.linspace(-0.4, 0.4, SIZE)
    x, y = np.meshgrid(across, -across)
    direction = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3).astype(np.float32)
    n = len(direction)
    origin = np.broadcast_to(np.array([0, 0, 2], np.float32), (n, 3))
    rays = Rays(*map(jnp.asarray, (origin, direction, np.full(n, 1.0), np.full(n, 3.0))))

    ball = Ball()
    rendering = Volume(samples=128).render(ball, rays)
    picture = np.asarray(rendering.colour).reshape(SIZE, SIZE, 3)
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "build/ball.png")
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((255 * picture.clip(0, 1)).round().astype(np.uint8)).save(out)

    exact = 1 - np.exp(-ball.density * 2 * ball.radius)
    print(f"opacity at the centre: {rendering.opacity[n // 2]:.4f}, exactly {exact:.4f}")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
