"""Volume rendering: how a camera sees a field of colour and density (Max 1995; NeRF, eq. 3)."""

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from theta0.fields import Field
from theta0.registry import FORWARD_MAPS

from ._base import RayMap
from ._samples import fractions


class Rays(eqx.Module):
    """Camera rays ``origin + t direction`` for t in [near, far]; t is in units of ``direction``."""

    origin: Float[Array | np.ndarray, "n 3"]
    direction: Float[Array | np.ndarray, "n 3"]
    near: Float[Array | np.ndarray, " n"]
    far: Float[Array | np.ndarray, " n"]

    @property
    def meets(self) -> Bool[Array | np.ndarray, " n"]:
        """Which rays meet anything: those with ``near < far``."""
        return self.near < self.far


class Rendering(eqx.Module):
    """What a ray meets."""

    colour: Float[Array, "n 3"]
    """colour with the background behind it"""
    depth: Float[Array, " n"]
    """expected t where the ray ends; what passes through counts as ``far``"""
    opacity: Float[Array, " n"]
    """probability that the ray is stopped, in [0, 1]"""
    density: Float[Array, "n samples"]
    """densities met, after their activation (all zero everywhere: a dead field)"""


@FORWARD_MAPS.register("volume")
@dataclass(frozen=True)
class Volume(RayMap):
    """Emission-absorption rendering with stratified samples.

    The field's last channel is the density before its activation, the others are colours.
    """

    stratified: bool = True
    """jitter the samples within their bins when a key is given (training); else midpoints"""
    density: Literal["relu", "softplus"] = "relu"
    """activation of the density; a ReLU can be dead from the start, softplus cannot"""
    background: Literal["white", "black", "none"] = "white"
    """what lies behind the last sample; ``none`` adds nothing"""
    last_interval: float = 1e-3
    """length given to the last sample: 1e-3 for objects, 1e10 for scenes without an end"""

    def render(self, field: Field, rays: Rays, key: Array | None = None) -> Rendering:
        """Colour, depth and opacity along the rays.

        Weights are ``T_i (1 - exp(-sigma_i delta_i))``, with ``T_i = exp(-sum_{j<i} sigma_j
        delta_j)``. The sums of ``sigma delta`` are capped at 1e10, where the exponential is long
        0, so that densities up to float32's largest stay finite. If no ray :attr:`Rays.meets`
        anything, the field is not asked.
        """
        meets = jnp.asarray(rays.meets)
        march = lambda: self._march(field, rays, meets, key)
        return jax.lax.cond(meets.any(), march, lambda: self._nothing(field, rays))

    def activated(self, raw: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Density per unit of length, of a field's last channel."""
        return jax.nn.relu(raw) if self.density == "relu" else jax.nn.softplus(raw)

    def _nothing(self, field: Field, rays: Rays) -> Rendering:
        """What rays see that meet nothing."""
        blank = eqx.filter_eval_shape(self._march, field, rays, jnp.asarray(rays.near) > 0, None)
        zero = lambda of: jnp.zeros(of.shape, of.dtype)
        backdrop = jnp.ones if self.background == "white" else jnp.zeros
        colour = backdrop(blank.colour.shape, blank.colour.dtype)
        far = jnp.asarray(rays.far)
        return Rendering(colour, far, zero(blank.opacity), zero(blank.density))

    def _march(
        self, field: Field, rays: Rays, meets: Bool[Array, " n"], key: Array | None
    ) -> Rendering:
        """Along rays of which some meet something."""
        origin, direction = jnp.asarray(rays.origin), jnp.asarray(rays.direction)
        near, far = jnp.asarray(rays.near), jnp.asarray(rays.far)
        n = origin.shape[0]
        t = fractions(n, self.samples, key if self.stratified else None).astype(near.dtype)
        t = near[:, None] + t * (far - near)[:, None]
        points = origin.T[:, :, None] + direction.T[:, :, None] * t
        values = field(points.reshape(3, n * self.samples)).reshape(-1, n, self.samples)
        sigma = self.activated(values[-1])

        last = jnp.where(meets, self.last_interval, 0).astype(t.dtype)[:, None]
        delta = jnp.concatenate([t[:, 1:] - t[:, :-1], last], axis=1)
        length = jnp.linalg.norm(direction, axis=1, keepdims=True)
        thickness = jnp.minimum(sigma * delta * length, 1e10)
        # An exclusive sum: subtracting `thickness` from its running sum would cancel at 1e10.
        before = jnp.cumsum(thickness[:, :-1], axis=1)
        before = jnp.concatenate([jnp.zeros_like(before[:, :1]), before], axis=1)
        weight = jnp.exp(-before) * -jnp.expm1(-thickness)
        opacity = weight.sum(axis=1)
        colour = jnp.sum(weight * values[:-1], axis=2).T
        if self.background == "white":
            colour = colour + (1 - opacity)[:, None]
        depth = jnp.sum(weight * t, axis=1) + (1 - opacity) * far
        return Rendering(colour, depth, opacity, sigma)

    def __call__(self, field: Field, p: Rays, key: Array | None = None) -> Float[Array, "n 3"]:
        """Colours along the rays."""
        return self.render(field, p, key).colour
