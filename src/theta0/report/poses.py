"""Camera poses of photographs: frustums over the points of the scene, from above and the side."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from theta0.data.cameras import Camera

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 110
_INK = "#202124"
_CAMERA = "#d93025"

# Title, and the world axes that point right and up.
_SIDES = (("from above", 0, 1), ("from the side", 1, 2))


def poses_picture(
    xyz: Float[np.ndarray, "points 3"],
    rgb: UInt8[np.ndarray, "points 3"],
    cameras: Sequence[Camera],
    title: str = "",
) -> bytes:
    """Draws points in their colours, camera frustums, and the unit sphere as a circle.

    Points far outside the cameras and the sphere are left out.

    Args:
        xyz: World coordinates, z up.
        rgb: Colours of the points.
        cameras: At least one.
        title: Of the figure.

    Returns:
        A PNG file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = [frustum(camera, _length(cameras)) for camera in cameras]
    low, high = _limits(lines)
    inside = ((xyz >= low) & (xyz <= high)).all(axis=1)
    figure = Figure(figsize=(12.0, 6.2), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for axes, (name, right, up) in zip(figure.subplots(1, 2), _SIDES, strict=True):
        points = xyz[inside][:, [right, up]].T
        axes.scatter(*points, c=rgb[inside] / 255, s=2, linewidths=0, rasterized=True)
        for line in lines:
            axes.plot(*line[:, [right, up]].T, color=_CAMERA, linewidth=0.8)
        _frame(axes, right, up)
        axes.set_xlim(low[right], high[right])
        axes.set_ylim(low[up], high[up])
        axes.set_title(name, fontsize=10, color=_INK)
    figure.suptitle(title, fontsize=11, color=_INK, parse_math=False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def frustum(camera: Camera, length: float) -> Float[np.ndarray, "corners 3"]:
    """Returns the edges of a camera's frustum, up to a depth of `length`, as one polyline.

    It starts at the corner of pixel (0, 0); the other corners of the image follow clockwise.
    """
    x = (np.array([0, 1, 1, 0]) * camera.width - camera.cx) / camera.fl_x
    y = (np.array([0, 0, 1, 1]) * camera.height - camera.cy) / camera.fl_y
    local = length * np.stack([x, -y, -np.ones(4)], axis=1)
    corners = camera.position + local @ camera.c2w[:, :3].T
    one, two, three, four = corners
    eye = camera.position
    return np.stack([one, two, three, four, one, eye, two, three, eye, four])


def _length(cameras: Sequence[Camera]) -> float:
    """A tenth of the cameras' median distance from the origin, the centre of the scene."""
    return 0.1 * float(np.median([np.linalg.norm(camera.position) for camera in cameras]))


def _limits(
    lines: Sequence[Float[np.ndarray, "corners 3"]],
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """The box around the unit sphere and all cameras, with a margin."""
    shown = np.concatenate([np.array([[-1.0] * 3, [1.0] * 3]), *lines])
    low, high = shown.min(axis=0), shown.max(axis=0)
    margin = 0.05 * (high - low).max()
    return low - margin, high + margin


def _frame(axes: "Axes", right: int, up: int) -> None:
    """Draws the unit sphere and styles the axes."""
    angle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color="#9aa0a6", linewidth=0.8, linestyle="--")
    axes.set_aspect("equal")
    axes.set_xlabel("xyz"[right])
    axes.set_ylabel("xyz"[up])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#e8eaed", linewidth=0.8)
    axes.set_axisbelow(True)
