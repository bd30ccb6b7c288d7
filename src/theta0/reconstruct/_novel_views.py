"""Novel views of a fitted object or scene, of any size."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.data.cameras import Camera
from theta0.fields import Field
from theta0.forward import ForwardMap, Rays, Volume, predict_in_blocks
from theta0.memory import MAX_BYTES, check_memory
from theta0.signals import SceneConfig


@dataclass(frozen=True, eq=False)
class View:
    """A rendered view."""

    colour: Float[np.ndarray, "height width 3"]
    """in [0, 1], composited over the background"""
    depth: Float[np.ndarray, "height width"]
    """expected depth along the viewing axis, in world units; inf where nothing is seen"""
    opacity: Float[np.ndarray, "height width"]
    """in [0, 1]"""


@dataclass(frozen=True)
class _AllOutputs(ForwardMap):
    """Volume rendering that returns colour, depth and opacity of each ray in one array."""

    volume: Volume

    @property
    def samples(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.volume.samples

    def __call__(self, field: Field, p: Rays, key: Array | None = None) -> Float[Array, "n c"]:
        rendered = self.volume.render(field, p, key)
        return jnp.column_stack([rendered.colour, rendered.depth, rendered.opacity])


_BYTES_A_PIXEL = 300
"""Its ray in double precision, where it meets the scene, both again in single, and its values."""


def render_view(volume: Volume, field: Field, data: SceneConfig, camera: Camera) -> View:
    """Render a field as seen by a camera.

    Rays that miss the bounding sphere are not marched. All image sizes share one compiled program.

    Args:
        volume: the renderer, including its background.
        field: position in the world to colours and density.
        data: where rays are sampled.
        camera: pose, image size and intrinsics.

    Raises:
        InputError: the scene cannot be rendered from there.
    """
    data.check_camera(camera)
    needed, size = _BYTES_A_PIXEL * camera.width * camera.height, max(camera.width, camera.height)
    check_memory(f"size is {size}", needed, MAX_BYTES, "choose a smaller one")
    rays = data.rays_of(camera)
    hits = np.flatnonzero(rays.meets)
    colour = np.full((len(rays.near), 3), volume.background == "white", np.float32)
    depth, opacity = (np.full(len(colour), value, np.float32) for value in (np.inf, 0))
    if len(hits):
        part = jax.tree.map(lambda leaf: leaf[hits], rays)
        found = predict_in_blocks(_AllOutputs(volume), field, part)
        colour[hits], mixed, opacity[hits] = found[:, :-2], found[:, -2], found[:, -1]
        # Rendered depth counts transmitted light as `far`; only absorbed light is to count.
        absorbed = np.maximum(opacity[hits], 1e-6)
        mean = (mixed - (1 - opacity[hits]) * part.far) / absorbed
        depth[hits] = np.where(opacity[hits] > 1e-3, mean, np.inf)
    shape = camera.height, camera.width
    return View(
        np.clip(colour, 0, 1).reshape(*shape, 3), depth.reshape(shape), opacity.reshape(shape)
    )


def interpolate(first: Field, second: Field, fraction: float) -> Field:
    """Interpolate linearly between the weights of two fields: the first at 0, the second at 1."""
    numbers, rest = eqx.partition(first, eqx.is_inexact_array)
    others, _ = eqx.partition(second, eqx.is_inexact_array)
    blended = jax.tree.map(lambda a, b: (1 - fraction) * a + fraction * b, numbers, others)
    return eqx.combine(blended, rest)
