"""Lens distortion, and how pictures are undistorted.

The model is Brown's, as in OpenCV and COLMAP. A point that a pinhole camera sees at
x = (u - cx) / fl_x, y = (v - cy) / fl_y, with r^2 = x^2 + y^2, appears through the lens at

    x (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2)
    y (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) + 2 p2 x y + p1 (r^2 + 2 y^2)

COLMAP's FULL_OPENCV uses all coefficients; in SIMPLE_RADIAL, RADIAL and OPENCV some are 0.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.polynomial import Polynomial

from theta0.data.cameras._cameras import Camera
from theta0.errors import InputError

_ROUNDING = 1e-6
"""Tolerance in pixels: a position this far beyond the outermost pixel centre counts as inside."""
_BLOCK_PIXELS = 1 << 20
_LARGEST_COEFFICIENT = 1e6


@dataclass(frozen=True)
class Distortion:
    """Coefficients of the module's model, all 0 for a pinhole; they do not depend on picture size.

    Raises:
        InputError: A coefficient is too large or not finite.
    """

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    k5: float = 0.0
    k6: float = 0.0

    def __post_init__(self):
        for name in COEFFICIENTS:
            if not abs(getattr(self, name)) < _LARGEST_COEFFICIENT:
                raise InputError(
                    f"lens: {name} is {getattr(self, name):g}; coefficients are at most about 1"
                )

    @classmethod
    def of(cls, lens: Mapping[str, float]) -> "Distortion":
        """The distortion among the numbers that describe a lens; other numbers are ignored."""
        return cls(*(lens.get(name, 0.0) for name in COEFFICIENTS))

    @property
    def is_zero(self) -> bool:
        """Whether there is no distortion."""
        return not any(astuple(self))


COEFFICIENTS = tuple(field.name for field in fields(Distortion))


def distort(
    points: Float[np.ndarray, "*points 2"], distortion: Distortion
) -> Float[np.ndarray, "*points 2"]:
    """Apply the distortion to image points of a pinhole camera of focal length 1."""
    x, y = np.moveaxis(points, -1, 0)
    square = x * x + y * y
    over, under = _radial(distortion)
    factor = over(square) / under(square)
    p1, p2 = distortion.p1, distortion.p2
    distorted_x = x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x)
    distorted_y = y * factor + 2 * p2 * x * y + p1 * (square + 2 * y * y)
    return np.stack([distorted_x, distorted_y], axis=-1)


def undistorted_camera(camera: Camera, distortion: Distortion) -> Camera:
    """The pinhole camera of an undistorted picture, with the same pose and focal lengths.

    Its picture is the largest rectangle around the centre of the distorted one, on the same pixel
    grid, in which every pixel can be interpolated; it is at most twice as wide and twice as high.

    Args:
        camera: Of the distorted picture.
        distortion: Of its lens.

    Raises:
        InputError: The coefficients are implausible: not even the centre can be undistorted.
    """
    left, top, width, height = _covered(camera, distortion)
    middle = {"cx": camera.cx - left, "cy": camera.cy - top}
    return replace(camera, width=width, height=height, **middle)


def undistort(
    pixels: UInt8[np.ndarray, "height width channels"], camera: Camera, distortion: Distortion
) -> UInt8[np.ndarray, "low narrow channels"]:
    """Undistort a picture, by bilinear interpolation; `undistorted_camera` is its new camera.

    Colours of RGBA pictures are weighted by alpha.

    Args:
        pixels: The distorted picture.
        camera: Of the distorted picture, and of the same size.
        distortion: Of the lens; without distortion, `pixels` themselves are returned.
    """
    if distortion.is_zero:
        return pixels
    left, top, width, height = _covered(camera, distortion)
    values = pixels.astype(np.float32)
    if pixels.shape[2] == 4:
        values[..., :3] *= values[..., 3:] / 255
    found = np.empty((height, width, pixels.shape[2]), np.uint8)
    step = max(1, _BLOCK_PIXELS // width)
    for first in range(0, height, step):
        rows = np.arange(first, min(first + step, height))
        source = _source(left + np.arange(width) + 0.5, top + rows + 0.5, camera, distortion)
        found[rows] = _interpolated(values, source)
    return found


def _interpolated(
    values: Float[np.ndarray, "height width channels"], source: Float[np.ndarray, "low narrow 2"]
) -> UInt8[np.ndarray, "low narrow channels"]:
    from scipy.ndimage import map_coordinates

    where = np.moveaxis(source, -1, 0)[::-1] - 0.5  # rows, then columns, counted from pixel centres
    channels = np.moveaxis(values, -1, 0)
    found = np.stack(
        [map_coordinates(channel, where, order=1, mode="nearest") for channel in channels], axis=-1
    )
    if len(channels) == 4:
        found[..., :3] /= np.maximum(found[..., 3:], 1e-3) / 255
    return np.rint(np.minimum(found, 255)).astype(np.uint8)


def _radial(distortion: Distortion) -> tuple[Polynomial, Polynomial]:
    """Numerator and denominator of the radial factor, in r^2."""
    d = distortion
    return Polynomial([1, d.k1, d.k2, d.k3]), Polynomial([1, d.k4, d.k5, d.k6])


def _largest_square(distortion: Distortion) -> float:
    """The r^2 up to which the distorted radius grows with r; beyond it the picture folds back.

    That is the first zero of the derivative of r over(r^2) / under(r^2), of `over` or of `under`.
    The tangential terms p1 and p2 are small and are neglected.
    """
    over, under = _radial(distortion)
    derivative = over * under + Polynomial([0, 2]) * (over.deriv() * under - over * under.deriv())
    roots = np.concatenate([x.trim().roots() for x in (over, under, derivative)])
    # A double root is computed with a small imaginary part.
    real = roots.real[(np.abs(roots.imag) < 1e-6 * np.abs(roots)) & (roots.real > 0)]
    return float(real.min(initial=np.inf))


def _source(
    x: Float[np.ndarray, " width"],
    y: Float[np.ndarray, " height"],
    camera: Camera,
    distortion: Distortion,
) -> Float[np.ndarray, "height width 2"]:
    """Positions in the distorted picture of the pixels at these columns and rows."""
    focal, middle = np.array([camera.fl_x, camera.fl_y]), np.array([camera.cx, camera.cy])
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    return distort((grid - middle) / focal, distortion) * focal + middle


def _covered(camera: Camera, distortion: Distortion) -> tuple[int, int, int, int]:
    """Left, top, width and height of the rectangle described in `undistorted_camera`."""
    size = camera.width, camera.height
    if distortion.is_zero:
        return 0, 0, *size
    return _largest_box(size, (camera.fl_x, camera.fl_y), (camera.cx, camera.cy), distortion)


@lru_cache(maxsize=64)  # the views of an object share a lens
def _largest_box(
    size: tuple[int, int],
    focal: tuple[float, float],
    middle: tuple[float, float],
    distortion: Distortion,
) -> tuple[int, int, int, int]:
    camera = Camera(*size, *focal, *middle, np.eye(3, 4))
    limit = _largest_square(distortion)

    def measured(
        right: Float[np.ndarray, " a"], down: Float[np.ndarray, " b"]
    ) -> Bool[np.ndarray, "b a"]:
        """Whether all four pixels at this distance from the centre can be interpolated."""
        good = np.ones((len(down), len(right)), bool)
        for side in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            x, y = size[0] / 2 + side[0] * right, size[1] / 2 + side[1] * down
            source = _source(x, y, camera, distortion)
            inside = (source >= 0.5 - _ROUNDING) & (source <= np.array(size) - 0.5 + _ROUNDING)
            square = np.square((x - camera.cx) / camera.fl_x)
            square = square + np.square((y - camera.cy) / camera.fl_y)[:, None]
            good &= inside.all(axis=-1) & (square < limit)
        return good

    # From the centre outwards; with an even number of pixels no pixel centre lies in the middle.
    right, down = (np.arange(n) + (0.5 if n % 2 == 0 else 0.0) for n in size)
    columns = int(np.logical_and.accumulate(measured(right, down[:1])[0]).sum())
    rows = int(np.logical_and.accumulate(measured(right[:1], down)[:, 0]).sum())
    if not columns or not rows:
        raise InputError(
            f"lens: {distortion} moves even the centre of the picture outside of it; correct the "
            "coefficients"
        )
    good = measured(right[:columns], down[:rows])
    whole = np.logical_and.accumulate(np.logical_and.accumulate(good, axis=0), axis=1)
    wide, high = (2 * np.arange(1, n + 1) - m % 2 for n, m in ((columns, size[0]), (rows, size[1])))
    area = np.where(whole, high[:, None] * wide, 0)
    row, column = np.unravel_index(area.argmax(), area.shape)
    width, height = int(wide[column]), int(high[row])
    return (size[0] - width) // 2, (size[1] - height) // 2, width, height
