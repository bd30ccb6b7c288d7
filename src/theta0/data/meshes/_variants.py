"""Random variants of an object or of its views: stretched, mirrored and recoloured."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from theta0.data._colours import linear_from_srgb, srgb_from_linear
from theta0.data._view_pixels import unit
from theta0.data.cameras import Rays
from theta0.data.meshes._mesh import Mesh, Part
from theta0.data.views import Views

_GREY_AXIS = np.full(3, 1 / np.sqrt(3))


@dataclass(frozen=True, eq=False)
class Variant:
    """An augmentation of an object.

    Attributes:
        stretch: Factor along each axis. A negative factor of x swaps left and right, and keeps the
            front in front.
        recolour: Matrix that is applied to sRGB colours.
    """

    stretch: Float[np.ndarray, " 3"]
    recolour: Float[np.ndarray, "3 3"]

    def of(self, mesh: Mesh) -> Mesh:
        """The variant of an object, normalized to the unit sphere."""
        textures: dict[int, np.ndarray] = {}
        parts = [self._recoloured(part, textures) for part in mesh.parts]
        return replace(mesh, parts=tuple(parts)).moved(np.diag(self.stretch))

    def rays(self, lines: Rays) -> Rays:
        """The rays along which the variant looks like the object does along the given rays.

        Directions are stretched too, so ``t`` is unchanged. The longest axis keeps its length, so
        objects inside a sphere around the origin remain inside.
        """
        stretch = self.stretch / np.abs(self.stretch).max()
        return Rays(lines.origin * stretch, lines.direction * stretch)

    def views(self, views: Views) -> Views:
        """Recolour the object in views; see :meth:`rays` for the geometry."""
        images = unit(views.images)
        mixed = self._mixed(images[..., :3])
        return replace(views, images=np.concatenate([mixed, images[..., 3:]], axis=-1))

    def _recoloured(self, part: Part, textures: dict[int, np.ndarray]) -> Part:
        if part.texture is not None:
            key = id(part.texture)  # parts may share a texture
            if key not in textures:
                textures[key] = self._recolour(part.texture)
            return replace(part, texture=textures[key])
        if part.vertex_colours is not None:
            return replace(part, vertex_colours=self._recolour(part.vertex_colours))
        return replace(part, colour=self._recolour(part.colour))

    def _mixed(self, stored: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Recolour sRGB colours, clipped to [0, 1]."""
        return np.clip(stored @ self.recolour.T.astype(stored.dtype), 0, 1)

    def _recolour(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        return linear_from_srgb(self._mixed(srgb_from_linear(light))).astype(light.dtype)


def random_variant(rng: np.random.Generator) -> Variant:
    """Draw a variant.

    Axes are stretched by 0.8 to 1.25, and half of the variants are mirrored. Hues are rotated by up
    to 60 degrees, saturation is scaled by 0.6 to 1.4 and brightness by 0.85 to 1.35; a tint of up
    to 20 % also changes grey parts.
    """
    stretch = np.exp(rng.uniform(np.log(0.8), np.log(1.25), size=3))
    stretch[0] *= rng.choice([-1, 1])
    hue_rad = rng.uniform(-np.pi / 3, np.pi / 3)
    tint = np.diag(rng.uniform(0.8, 1, size=3)) * rng.uniform(0.85, 1.35)
    return Variant(stretch, tint @ hue_and_saturation(hue_rad, rng.uniform(0.6, 1.4)))


def hue_and_saturation(hue_rad: float, saturation: float) -> Float[np.ndarray, "3 3"]:
    """A matrix that rotates colours around the grey axis and scales their distance to it.

    >>> hue_and_saturation(2 * np.pi / 3, 1.0).round(6) @ [1, 0, 0]  # red becomes green
    array([0., 1., 0.])
    """
    x, y, z = _GREY_AXIS
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    grey = np.outer(_GREY_AXIS, _GREY_AXIS)
    turn = np.cos(hue_rad) * (np.eye(3) - grey) + np.sin(hue_rad) * cross
    return grey + saturation * turn
