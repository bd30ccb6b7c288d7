"""Variants of an object or of its views: stretched, mirrored and recoloured at random."""

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
    """What is done to an object.

    Attributes:
        stretch: Factor along each axis. A negative one of x swaps left and right; what faces
            forwards goes on doing so.
        recolour: Applied to colours as pictures store them.
    """

    stretch: Float[np.ndarray, " 3"]
    recolour: Float[np.ndarray, "3 3"]

    def of(self, mesh: Mesh) -> Mesh:
        """The variant of an object, in the unit sphere again."""
        textures: dict[int, np.ndarray] = {}
        parts = [self._recoloured(part, textures) for part in mesh.parts]
        return replace(mesh, parts=tuple(parts)).moved(np.diag(self.stretch))

    def rays(self, lines: Rays) -> Rays:
        """Where the variant is seen as the object is along these rays.

        Along them ``t`` stays: directions are stretched too. The longest axis keeps its length, so
        that what was in a sphere around the origin remains there.
        """
        stretch = self.stretch / np.abs(self.stretch).max()
        return Rays(lines.origin * stretch, lines.direction * stretch)

    def views(self, views: Views) -> Views:
        """Views recoloured where they show the object; :meth:`rays` say what they see."""
        images = unit(views.images)
        mixed = self._mixed(images[..., :3])
        return replace(views, images=np.concatenate([mixed, images[..., 3:]], axis=-1))

    def _recoloured(self, part: Part, textures: dict[int, np.ndarray]) -> Part:
        if part.texture is not None:
            key = id(part.texture)  # many parts may show one picture
            if key not in textures:
                textures[key] = self._recolour(part.texture)
            return replace(part, texture=textures[key])
        if part.vertex_colours is not None:
            return replace(part, vertex_colours=self._recolour(part.vertex_colours))
        return replace(part, colour=self._recolour(part.colour))

    def _mixed(self, stored: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Colours as pictures store them, in [0, 1], recoloured."""
        return np.clip(stored @ self.recolour.T.astype(stored.dtype), 0, 1)

    def _recolour(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        return linear_from_srgb(self._mixed(srgb_from_linear(light))).astype(light.dtype)


def random_variant(rng: np.random.Generator) -> Variant:
    """Draw a variant.

    Axes are stretched by 0.8 to 1.25, and half of the variants are mirrored. Hues turn by up to 60
    degrees, saturation changes by a factor of 0.6 to 1.4, brightness by one of 0.85 to 1.35; a tint
    of up to 20 % changes grey things too.
    """
    stretch = np.exp(rng.uniform(np.log(0.8), np.log(1.25), size=3))
    stretch[0] *= rng.choice([-1, 1])
    hue_rad = rng.uniform(-np.pi / 3, np.pi / 3)
    tint = np.diag(rng.uniform(0.8, 1, size=3)) * rng.uniform(0.85, 1.35)
    return Variant(stretch, tint @ hue_and_saturation(hue_rad, rng.uniform(0.6, 1.4)))


def hue_and_saturation(hue_rad: float, saturation: float) -> Float[np.ndarray, "3 3"]:
    """A matrix that turns colours around the axis of greys and scales their distance to it.

    >>> hue_and_saturation(2 * np.pi / 3, 1).round(6) @ [1, 0, 0]  # red becomes green
    array([0., 1., 0.])
    """
    x, y, z = _GREY_AXIS
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    grey = np.outer(_GREY_AXIS, _GREY_AXIS)
    turn = np.cos(hue_rad) * (np.eye(3) - grey) + np.sin(hue_rad) * cross
    return grey + saturation * turn
