"""Lenses that bend straight lines, and the pictures pinholes would have taken in their place.

The model is Brown's, as OpenCV and COLMAP write it. What a pinhole sees at x = (u - cx) / fl_x and
y = (v - cy) / fl_y, with r^2 = x^2 + y^2, such a lens shows at

    x (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2)
    y (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) + 2 p2 x y + p1 (r^2 + 2 y^2)

COLMAP's FULL_OPENCV has all coefficients; SIMPLE_RADIAL, RADIAL and OPENCV leave some at 0.
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
"""Pixels by which a position may miss the outermost pixel centre and still count as measured."""
_BLOCK_PIXELS = 1 << 20
_LARGEST_COEFFICIENT = 1e6


@dataclass(frozen=True)
class Distortion:
    """Coefficients of the module's model; all 0 for a pinhole. They hold for any picture size.

    Raises:
        InputError: One is no lens's.
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
        """Of the numbers by which a file describes a lens, whatever else is among them."""
        return cls(*(lens.get(name, 0.0) for name in COEFFICIENTS))

    @property
    def bends(self) -> bool:
        """Whether this is no pinhole."""
        return any(astuple(self))


COEFFICIENTS = tuple(field.name for field in fields(Distortion))


def bend(
    points: Float[np.ndarray, "*points 2"], distortion: Distortion
) -> Float[np.ndarray, "*points 2"]:
    """Where a lens shows what a pinhole of focal length 1 sees at `points`."""
    x, y = np.moveaxis(points, -1, 0)
    square = x * x + y * y
    over, under = _radial(distortion)
    factor = over(square) / under(square)
    p1, p2 = distortion.p1, distortion.p2
    bent_x = x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x)
    bent_y = y * factor + 2 * p2 * x * y + p1 * (square + 2 * y * y)
    return np.stack([bent_x, bent_y], axis=-1)


def pinhole(camera: Camera, distortion: Distortion) -> Camera:
    """The camera of a picture after `straightened`: of the same pose and focal lengths.

    Its picture is the largest rectangle around the middle of the bent one, on the same grid of
    pixels, all of whose pixels lie between pixels that were measured; at most twice as wide and
    twice as high.

    Args:
        camera: Of the picture as it was taken.
        distortion: Of its lens.

    Raises:
        InputError: The coefficients are no lens's: not even the middle can be undone.
    """
    left, top, width, height = _measured(camera, distortion)
    middle = {"cx": camera.cx - left, "cy": camera.cy - top}
    return replace(camera, width=width, height=height, **middle)


def straightened(
    pixels: UInt8[np.ndarray, "height width channels"], camera: Camera, distortion: Distortion
) -> UInt8[np.ndarray, "low narrow channels"]:
    """A picture as `pinhole(camera, distortion)` takes it, interpolated between four pixels.

    The colours of RGBA count by their alpha: what is invisible has no say.

    Args:
        pixels: As they were taken.
        camera: Of the picture as it was taken, and of its size.
        distortion: Of its lens; `pixels` themselves are returned if it does not bend.
    """
    if not distortion.bends:
        return pixels
    left, top, width, height = _measured(camera, distortion)
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
    """The r^2 up to which a longer r is shown further out; beyond it the picture folds back.

    That is where the derivative of r over(r^2) / under(r^2), or one of the two, first is 0. The
    tangential terms p1 and p2 are small, and left out.
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
    """Where in the bent picture the pixels at these columns and rows of a straight one are."""
    focal, middle = np.array([camera.fl_x, camera.fl_y]), np.array([camera.cx, camera.cy])
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    return bend((grid - middle) / focal, distortion) * focal + middle


def _measured(camera: Camera, distortion: Distortion) -> tuple[int, int, int, int]:
    """Left, top, width and height of the rectangle that `pinhole` describes."""
    size = camera.width, camera.height
    if not distortion.bends:
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
        """Whether the four pixels this far from the middle, on either side, all are."""
        good = np.ones((len(down), len(right)), bool)
        for side in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            x, y = size[0] / 2 + side[0] * right, size[1] / 2 + side[1] * down
            source = _source(x, y, camera, distortion)
            inside = (source >= 0.5 - _ROUNDING) & (source <= np.array(size) - 0.5 + _ROUNDING)
            square = np.square((x - camera.cx) / camera.fl_x)
            square = square + np.square((y - camera.cy) / camera.fl_y)[:, None]
            good &= inside.all(axis=-1) & (square < limit)
        return good

    # From the middle outwards; of an even number of pixels none has its centre in the middle.
    right, down = (np.arange(n) + (0.5 if n % 2 == 0 else 0.0) for n in size)
    columns = int(np.logical_and.accumulate(measured(right, down[:1])[0]).sum())
    rows = int(np.logical_and.accumulate(measured(right[:1], down)[:, 0]).sum())
    if not columns or not rows:
        raise InputError(
            f"lens: {distortion} shows even the picture's middle outside of it; correct the "
            "coefficients"
        )
    good = measured(right[:columns], down[:rows])
    whole = np.logical_and.accumulate(np.logical_and.accumulate(good, axis=0), axis=1)
    wide, high = (2 * np.arange(1, n + 1) - m % 2 for n, m in ((columns, size[0]), (rows, size[1])))
    area = np.where(whole, high[:, None] * wide, 0)
    row, column = np.unravel_index(area.argmax(), area.shape)
    width, height = int(wide[column]), int(high[row])
    return (size[0] - width) // 2, (size[1] - height) // 2, width, height
