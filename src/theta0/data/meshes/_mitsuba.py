"""Renders meshes by path tracing, with Mitsuba 3 (https://mitsuba.readthedocs.io).

The variant scalar_rgb needs neither LLVM nor a GPU, and uses all cores.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.data._files import reason
from theta0.data.cameras import Camera, rays
from theta0.data.meshes._mesh import Mesh, Part
from theta0.errors import InputError, MissingExtra

_BOUNCES = 4
"""Longest path, in segments: direct light, and light reflected by up to two other surfaces."""

_NEAR = 0.01
"""Distance of the near plane, at which Mitsuba's rays and distances start."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A rendered view.

    Attributes:
        light: Linear RGB of the object within each pixel; 0 in the background.
        alpha: Fraction of each pixel that is covered by the object.
        depth: Along the viewing axis at pixel centres; inf in the background.
    """

    light: Float[np.ndarray, "height width 3"]
    alpha: Float[np.ndarray, "height width"]
    depth: Float[np.ndarray, "height width"]


def mitsuba() -> Any:
    """Import Mitsuba, and set its variant.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import mitsuba
    except ImportError as error:
        raise MissingExtra("rendering needs mitsuba: pip install 'theta0[render]'") from error
    mitsuba.set_variant("scalar_rgb")
    mitsuba.set_log_level(mitsuba.LogLevel.Error)  # it would write to stdout
    return mitsuba


class Scene:
    """A mesh illuminated by an environment map."""

    def __init__(self, mesh: Mesh, light: Float[np.ndarray, "height width 3"]):
        """Build the scene.

        Args:
            mesh: Rendered as diffuse and two-sided.
            light: Radiance from `_environments.directions`.

        Raises:
            InputError: Mitsuba refuses the mesh.
        """
        self._mitsuba = mi = mitsuba()
        environment = {
            "type": "envmap",
            "bitmap": mi.Bitmap(light.astype(np.float32)),
            # Mitsuba's maps have y up.
            "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], 90),
        }
        try:
            shapes = {f"part{index}": _shape(mi, part) for index, part in enumerate(mesh.parts)}
            self._scene = mi.load_dict({"type": "scene", **shapes, "environment": environment})
        except RuntimeError as error:
            raise InputError(f"cannot be rendered ({reason(error)}); export it again") from error
        self._path = mi.load_dict({"type": "path", "max_depth": _BOUNCES, "hide_emitters": True})
        # A separate pass is faster than an `aov` integrator around the other one.
        self._depth = mi.load_dict({"type": "depth"})

    def picture(self, camera: Camera, samples: int, seed: int) -> Picture:
        """Render a view.

        Args:
            camera: With square pixels and the principal point in the centre.
            samples: Paths per pixel, a square number.
            seed: Of the random numbers.
        """
        sampler = {"type": "multijitter", "sample_count": samples}
        light, alpha = self._render(self._path, camera, sampler, seed)
        centres = {"type": "stratified", "sample_count": 1, "jitter": False}
        distance, hit = self._render(self._depth, camera, centres, seed)
        stretch = np.linalg.norm(rays(camera).direction, axis=1).reshape(alpha.shape)
        depth = distance[..., 0] / stretch + _NEAR
        return Picture(light, alpha, np.where(hit > 0, depth, np.inf))

    def _render(
        self, integrator: Any, camera: Camera, sampler: dict[str, Any], seed: int
    ) -> tuple[Float[np.ndarray, "height width 3"], Float[np.ndarray, "height width"]]:
        """Mean over the samples that hit the object, and their fraction."""
        sensor = _sensor(self._mitsuba, camera, sampler)
        film = self._mitsuba.render(self._scene, sensor=sensor, integrator=integrator, seed=seed)
        pixels = np.array(film, np.float64)
        alpha = np.clip(pixels[..., 3], 0, 1)
        return pixels[..., :3] / np.where(alpha > 0, alpha, 1)[..., None], alpha


def _sensor(mi: Any, camera: Camera, sampler: dict[str, Any]) -> Any:
    if (
        camera.fl_x != camera.fl_y
        or (camera.cx, camera.cy) != (camera.width / 2, camera.height / 2)
    ):  # fmt: skip
        raise InputError("rendered views need square pixels and the principal point in the centre")
    pose = np.vstack([camera.c2w, [0, 0, 0, 1]]) @ np.diag([-1.0, 1, -1, 1])  # x left, z forward
    return mi.load_dict(
        {
            "type": "perspective",
            "fov": camera.fov_x_deg,
            "fov_axis": "x",
            "near_clip": _NEAR,
            "to_world": mi.ScalarTransform4f(pose),
            "sampler": sampler,
            "film": {
                "type": "hdrfilm",
                "width": camera.width,
                "height": camera.height,
                "pixel_format": "rgba",
                "rfilter": {"type": "box"},  # makes alpha the covered fraction of the pixel
            },
        }
    )


def _shape(mi: Any, part: Part) -> Any:
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(
        {"type": "twosided", "side": {"type": "diffuse", "reflectance": _reflectance(mi, part)}}
    )
    shape = mi.Mesh(
        "part", len(part.vertices), len(part.faces), has_vertex_normals=False,
        has_vertex_texcoords=part.uv is not None, props=properties,
    )  # fmt: skip
    if part.vertex_colours is not None:
        colours = part.vertex_colours * part.colour
        shape.add_attribute("vertex_colour", 3, colours.astype(np.float32).ravel())
    values = mi.traverse(shape)
    values["vertex_positions"] = part.vertices.astype(np.float32).ravel()
    values["faces"] = part.faces.astype(np.uint32).ravel()
    if part.uv is not None:
        values["vertex_texcoords"] = part.uv.astype(np.float32).ravel()
    values.update()
    return shape


def _reflectance(mi: Any, part: Part) -> dict[str, Any]:
    if part.vertex_colours is not None:
        return {"type": "mesh_attribute", "name": "vertex_colour"}
    if part.texture is None:
        return {"type": "rgb", "value": [float(value) for value in np.clip(part.colour, 0, 1)]}
    # Rows of Mitsuba's bitmaps start at v = 0.
    texture = np.clip(part.texture * part.colour, 0, 1)[::-1].astype(np.float32)
    return {
        "type": "bitmap",
        "bitmap": mi.Bitmap(np.ascontiguousarray(texture)),
        "raw": True,
        "wrap_mode": part.sampling.wrap,
        "filter_type": "nearest" if part.sampling.nearest else "bilinear",
    }
