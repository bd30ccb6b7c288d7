"""Line integrals: how a CT scanner sees a slice (parallel or any other straight beam)."""

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theta0.fields import Field
from theta0.registry import FORWARD_MAPS

from ._base import RayMap
from ._samples import fractions


class Segments(eqx.Module):
    """Straight segments through the signal, in its own coordinates."""

    start: Float[Array | np.ndarray, "n d"]
    end: Float[Array | np.ndarray, "n d"]


@FORWARD_MAPS.register("lines")
@dataclass(frozen=True)
class Lines(RayMap):
    """The integral of the field along segments, by the midpoint rule or stratified samples.

    ``reduce="sum"`` gives the line integral itself (value x length); ``"mean"`` divides it by the
    length of the segment, as the paper's CT experiment does.
    """

    reduce: Literal["mean", "sum"] = "mean"
    """mean value on the segment, or integral along it"""
    stratified: bool = True
    """jitter the samples within their bins when a key is given (training); else midpoints"""

    def __call__(self, field: Field, p: Segments, key: Array | None = None) -> Float[Array, "n c"]:
        """Integrals along the segments."""
        first, last = jnp.asarray(p.start), jnp.asarray(p.end)
        n, d = first.shape
        t = fractions(n, self.samples, key if self.stratified else None).astype(first.dtype)
        # Coordinates lead and samples trail, the layout in which fields are fastest.
        start, step = first.T[:, :, None], (last - first).T[:, :, None]
        points = (start + t * step).reshape(d, n * self.samples)
        mean = field(points).reshape(-1, n, self.samples).mean(axis=2).T
        if self.reduce == "mean":
            return mean
        length = jnp.sqrt(jnp.sum((last - first) ** 2, axis=1, keepdims=True))
        return mean * length
