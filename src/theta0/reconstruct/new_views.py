"""New views of a fitted object, of any size; rays that miss its bounding sphere cost nothing."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.chunks import predict_in_blocks
from theta0.data.cameras import Camera
from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Rays, Volume
from theta0.tasks import SceneConfig, ViewConfig


@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees."""

    colour: Float[np.ndarray, "height width 3"]
    """in [0, 1], with the background behind it"""
    depth: Float[np.ndarray, "height width"]
    """mean distance along the viewing axis of what is seen, in world units; inf where nothing is"""
    opacity: Float[np.ndarray, "height width"]
    """share of the background that is hidden"""


@dataclass(frozen=True)
class _Everything:
    """Colour, depth and opacity of a ray, in one array."""

    volume: Volume

    @property
    def samples(self) -> int:
        return self.volume.samples

    def __call__(self, field: Field, p: Rays, key: Array | None = None) -> Float[Array, "n c"]:
        seen = self.volume.render(field, p, key)
        return jnp.column_stack([seen.colour, seen.depth, seen.opacity])


def render_view(volume: Volume, field: Field, data: SceneConfig, camera: Camera) -> View:
    """What a camera sees of a field.

    Args:
        volume: the renderer, its background included.
        field: position in the world to colours and density.
        data: where rays are sampled.
        camera: every size is rendered by the same program.

    Raises:
        InputError: with ``bounds=range`` the object's centre is out of this range.
    """
    distance = float(np.linalg.norm(camera.position))
    if isinstance(data, ViewConfig) and data.bounds == "range":
        if not data.near < distance < data.far:
            raise InputError(
                f"distance is {distance:g}, but rays of this field are sampled from {data.near:g} "
                f"to {data.far:g} of the camera; stay between"
            )
    rays = data.rays_of(camera)
    meets = np.flatnonzero(rays.meets)
    colour = np.full((len(rays.near), 3), volume.background == "white", np.float32)
    depth, opacity = (np.full(len(colour), value, np.float32) for value in (np.inf, 0))
    if len(meets):
        part = jax.tree.map(lambda leaf: leaf[meets], rays)
        found = predict_in_blocks(_Everything(volume), field, part)
        colour[meets], reached, opacity[meets] = found[:, :-2], found[:, -2], found[:, -1]
        # What passed through counted as `far`; what was stopped, was stopped here in the mean.
        stopped = np.maximum(opacity[meets], 1e-6)
        mean = (reached - (1 - opacity[meets]) * part.far) / stopped
        depth[meets] = np.where(opacity[meets] > 1e-3, mean, np.inf)
    shape = camera.height, camera.width
    return View(
        np.clip(colour, 0, 1).reshape(*shape, 3), depth.reshape(shape), opacity.reshape(shape)
    )


def between(first: Field, second: Field, share: float) -> Field:
    """Weights on the straight line from one field (0) to another of the same network (1)."""
    numbers, rest = eqx.partition(first, eqx.is_inexact_array)
    others, _ = eqx.partition(second, eqx.is_inexact_array)
    blended = jax.tree.map(lambda a, b: (1 - share) * a + share * b, numbers, others)
    return eqx.combine(blended, rest)
