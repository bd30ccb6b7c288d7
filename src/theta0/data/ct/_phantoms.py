"""Randomized Shepp-Logan head phantoms: ten ellipses with line integrals in closed form.

A phantom is a density on the unit square. With half axes `D_k` and rotation `R_k` of ellipse k,

    f(x) = sum_k intensity_k [ |D_k^-1 R_k^T (x - centre_k)| <= 1 ]

The contrast is Toft's, so values are in [0, 1].

Positions are (row, column): pixel (i, j) of an image of `size` pixels has its centre at
((i + 0.5) / size, (j + 0.5) / size), so rows grow downwards and columns to the right.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

# Shepp & Logan 1974 with the intensities of Toft 1996, in the usual frame (x right, y up, [-1, 1]):
# intensity, half axis along x, half axis along y, x, y, angle in degrees (anticlockwise).
_TABLE = np.array(
    [
        [+1.0, 0.6900, 0.9200, +0.00, +0.0000, 0.0],  # skull
        [-0.8, 0.6624, 0.8740, +0.00, -0.0184, 0.0],  # brain
        [-0.2, 0.1100, 0.3100, +0.22, +0.0000, -18.0],  # right ventricle
        [-0.2, 0.1600, 0.4100, -0.22, +0.0000, +18.0],  # left ventricle
        [+0.1, 0.2100, 0.2500, +0.00, +0.3500, 0.0],
        [+0.1, 0.0460, 0.0460, +0.00, +0.1000, 0.0],
        [+0.1, 0.0460, 0.0460, +0.00, -0.1000, 0.0],
        [+0.1, 0.0460, 0.0230, -0.08, -0.6050, 0.0],
        [+0.1, 0.0230, 0.0230, +0.00, -0.6060, 0.0],
        [+0.1, 0.0230, 0.0460, +0.06, -0.6050, 0.0],
    ]
)
_SKULL, _BRAIN, _VENTRICLES, _LESIONS = 0, 1, slice(2, 4), slice(4, 10)

# Largest shift of a centre inside the head (unit square) and largest rotation, per ellipse.
_SHIFT = np.array([0.0, 0.004, 0.02, 0.02, 0.03, 0.04, 0.04, 0.04, 0.04, 0.04])
_TURN_RAD = np.deg2rad([0.0, 2.0, 12.0, 12.0, 30.0, 90.0, 90.0, 90.0, 90.0, 90.0])


@dataclass(frozen=True, eq=False)
class Phantom:
    """Ellipses of constant density, added up.

    Attributes:
        centre: (row, column) in the unit square.
        axes: Half axes, in units of the square's side.
        angle_rad: Direction of the first axis, (cos, sin) in (row, column).
        intensity: Density each ellipse adds.
    """

    centre: Float[np.ndarray, "ellipses 2"]
    axes: Float[np.ndarray, "ellipses 2"]
    angle_rad: Float[np.ndarray, " ellipses"]
    intensity: Float[np.ndarray, " ellipses"]

    def density(self, points: Float[np.ndarray, "*points 2"]) -> Float[np.ndarray, " *points"]:
        """Evaluate the density at (row, column) points."""
        total = np.zeros(points.shape[:-1])
        frames = _frames(self.axes, self.angle_rad)
        for frame, centre, intensity in zip(frames, self.centre, self.intensity, strict=True):
            total += intensity * (np.square((points - centre) @ frame).sum(-1) <= 1)
        return total

    def rasterize(self, size: int, supersample: int = 1) -> Float[np.ndarray, "size size"]:
        """Sample the density at pixel centres.

        Values are not clipped, so the image and `line_integrals` describe the same density.

        Args:
            size: Pixels per side.
            supersample: Samples per side of each pixel, which are averaged.

        Returns:
            float32 image.

        Raises:
            InputError: `size` is below 2, `supersample` below 1, or both too large for memory.
        """
        if size < 2 or supersample < 1:
            raise InputError(
                f"phantom: size={size} must be at least 2, supersample={supersample} at least 1"
            )
        # Two coordinates of eight bytes, and as much again while an ellipse is drawn.
        needed = 4 * 8 * (size * supersample) ** 2
        check_memory("a phantom", needed, MAX_BYTES, "choose a smaller size")
        ticks = (np.arange(size * supersample) + 0.5) / (size * supersample)
        fine = self.density(np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1))
        blocks = fine.reshape(size, supersample, size, supersample)
        return blocks.mean(axis=(1, 3)).astype(np.float32)

    def line_integrals(
        self, start: Float[np.ndarray, "rays 2"], end: Float[np.ndarray, "rays 2"]
    ) -> Float[np.ndarray, " rays"]:
        """Integrate the density along line segments, exactly.

        In coordinates in which an ellipse is the unit disc, the segment is `p + t v`, t in [0, 1].
        It is inside between the roots `t = (-p.v +- sqrt(v.v - (p x v)^2)) / v.v`, if they are
        real.

        Args:
            start: (row, column) of one end.
            end: (row, column) of the other end.

        Returns:
            float64 integrals, density times length in units of the square's side.
        """
        frames = _frames(self.axes, self.angle_rad)
        direction = np.asarray(end, np.float64) - np.asarray(start, np.float64)
        p = np.einsum("rkd,kde->rke", np.asarray(start, np.float64)[:, None] - self.centre, frames)
        v = np.einsum("rd,kde->rke", direction, frames)
        speed_squared = np.square(v).sum(-1)
        # v.v - (p x v)^2 rather than (p.v)^2 - v.v (p.p - 1): no cancellation far from the ellipse.
        cross = p[..., 0] * v[..., 1] - p[..., 1] * v[..., 0]
        root = np.sqrt(np.maximum(speed_squared - np.square(cross), 0.0))
        divisor = np.where(speed_squared > 0, speed_squared, 1.0)
        middle = -(p * v).sum(-1)
        enter = np.clip((middle - root) / divisor, 0.0, 1.0)
        leave = np.clip((middle + root) / divisor, 0.0, 1.0)
        length = np.linalg.norm(direction, axis=-1)
        return ((leave - enter) * length[:, None]) @ self.intensity


def shepp_logan() -> Phantom:
    """Return the Shepp-Logan phantom, with Toft's contrast."""
    intensity, along_x, along_y, x, y, degrees = _TABLE.T
    return Phantom(
        centre=0.5 + np.stack([-y, x], axis=-1) / 2,
        axes=np.stack([along_y, along_x], axis=-1) / 2,
        angle_rad=np.deg2rad(degrees),
        intensity=intensity,
    )


def phantom(seed: int, index: int) -> Phantom:
    """Return phantom number `index` of the sequence `seed`; a pure function of both.

    Raises:
        InputError: A number is negative.
    """
    if seed < 0 or index < 0:
        raise InputError(f"phantom: seed={seed} and index={index} must not be negative")
    return random_phantom(np.random.default_rng(np.random.SeedSequence([seed, index])))


def random_phantom(rng: np.random.Generator) -> Phantom:
    """Draw a phantom: `shepp_logan` with random centres, axes, angles and intensities.

    The density is in [0, 1] by construction, without clipping: the brain is shrunk into the skull
    and the other ellipses into the brain, the ventricles are kept apart, and the intensities are
    drawn so that overlapping ellipses sum to at least 0 and at most 1. The head stays inside the
    disc inscribed in the square.
    """
    base = shepp_logan()
    count = len(base.intensity)
    stretch = rng.uniform(0.78, 1.0, size=2)
    shift = rng.uniform(-1, 1, size=(count, 2)) * _SHIFT[:, None]
    axes = base.axes * stretch * rng.uniform(0.7, 1.3, size=(count, 2))
    axes[_SKULL] = base.axes[_SKULL] * stretch
    axes[_BRAIN] = base.axes[_BRAIN] * stretch * rng.uniform(0.93, 1.03, size=2)
    angle_rad = base.angle_rad + rng.uniform(-1, 1, size=count) * _TURN_RAD
    centre = (base.centre - 0.5) * stretch + shift

    axes[1:2] *= _shrink_into(
        centre[1:2], axes[1:2], angle_rad[1:2], centre[0], axes[0], angle_rad[0]
    )
    axes[2:] *= _shrink_into(centre[2:], axes[2:], angle_rad[2:], centre[1], axes[1], angle_rad[1])
    axes[_VENTRICLES] *= _shrink_apart(
        centre[_VENTRICLES], axes[_VENTRICLES], angle_rad[_VENTRICLES]
    )

    turn_rad = rng.uniform(-np.pi / 9, np.pi / 9)
    return Phantom(
        centre=0.5 + rng.uniform(-0.02, 0.02, size=2) + centre @ _rotation(turn_rad).T,
        axes=axes,
        angle_rad=angle_rad + turn_rad,
        intensity=_random_intensity(rng, count),
    )


def _random_intensity(rng: np.random.Generator, count: int) -> Float[np.ndarray, " ellipses"]:
    """Draw intensities whose sums stay in [0, 1].

    The skull is at most 1, the brain with all six lesions at most 0.98, and the brain with one
    ventricle above 0.
    """
    intensity = np.empty(count)
    skull, brain = rng.uniform(0.75, 1.0), rng.uniform(0.12, 0.32)
    intensity[_SKULL] = skull
    intensity[_BRAIN] = brain - skull
    intensity[_VENTRICLES] = -brain * rng.uniform(0.5, 0.98, size=2)
    intensity[_LESIONS] = rng.uniform(0.04, 0.11, size=6)
    return intensity


def _rotation(angle_rad: Float[np.ndarray, "*n"] | float) -> Float[np.ndarray, "*n 2 2"]:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)


def _frames(
    axes: Float[np.ndarray, "*n 2"], angle_rad: Float[np.ndarray, " *n"]
) -> Float[np.ndarray, "*n 2 2"]:
    """Return W such that `(x - centre) @ W` maps each ellipse to the unit disc."""
    return _rotation(angle_rad) / axes[..., None, :]


def _shrink_into(
    centre: Float[np.ndarray, "n 2"],
    axes: Float[np.ndarray, "n 2"],
    angle_rad: Float[np.ndarray, " n"],
    outer_centre: Float[np.ndarray, " 2"],
    outer_axes: Float[np.ndarray, " 2"],
    outer_angle_rad: float,
    margin: float = 0.985,
) -> Float[np.ndarray, "n 1"]:
    """Return factors (at most 1) for the axes that make each ellipse fit into the outer one.

    In coordinates in which the outer ellipse is the unit disc, an inner one is `offset + A u`,
    |u| <= 1, and is inside if `|offset| + |A| <= 1` in the spectral norm.
    """
    frame = _frames(outer_axes, np.asarray(outer_angle_rad))
    offset = np.linalg.norm((centre - outer_centre) @ frame, axis=-1)
    spread = frame.T @ (_rotation(angle_rad) * axes[:, None, :])
    reach = np.linalg.norm(spread, ord=2, axis=(-2, -1))
    return np.minimum(1.0, (margin - offset) / reach)[:, None]


def _shrink_apart(
    centre: Float[np.ndarray, "2 2"],
    axes: Float[np.ndarray, "2 2"],
    angle_rad: Float[np.ndarray, " 2"],
    margin: float = 0.98,
) -> float:
    """Return a factor (at most 1) for the axes that separates the two ellipses by a line."""
    distance = float(np.linalg.norm(centre[1] - centre[0]))
    normal = (centre[1] - centre[0]) / distance
    half_widths = np.linalg.norm(normal @ (_rotation(angle_rad) * axes[:, None, :]), axis=-1)
    return min(1.0, margin * distance / float(half_widths.sum()))
