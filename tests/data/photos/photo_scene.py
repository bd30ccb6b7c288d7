"""A corner of three textured walls and photos of it, whose cameras are known."""

from pathlib import Path

import numpy as np
from PIL import Image

from theta0.data.cameras import Camera, look_at
from theta0.data.photos import Similarity

SIZE = (320, 240)  # width, height
FOCAL = 390.0
DISTORTION = -0.12  # COLMAP's SIMPLE_RADIAL: pinhole * (1 + k r^2)

# Each wall: the axis that it is across, where it stands on it, and its texture's seed.
WALLS = ((1, 1.0, 1), (0, -1.0, 2), (2, -0.8, 3))


def cameras(count: int = 6, elevation: float = 0.5) -> list[Camera]:
    """Held level, in an arc before the corner."""
    across = np.linspace(-0.4, 1.2, 6)[:count]
    eyes = [(x, -2.2 + 0.3 * x, elevation * (n % 2)) for n, x in enumerate(across)]
    width, height = SIZE
    return [
        Camera(
            width, height, FOCAL, FOCAL, width / 2, height / 2, look_at(eye, (-0.35, 0.5, -0.25))
        )
        for eye in eyes
    ]


def photo(camera: Camera, seed: int = 0, distortion: float = DISTORTION) -> np.ndarray:
    """What a camera sees at its pixels' centres."""
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    distorted = np.stack(
        [(columns - camera.cx) / camera.fl_x, (rows - camera.cy) / camera.fl_y], -1
    )
    x, y = np.moveaxis(undistorted(distorted, distortion), -1, 0)
    direction = np.stack([x, -y, -np.ones_like(x)], -1) @ camera.c2w[:, :3].T
    depth = np.stack(
        [(place - camera.position[axis]) / direction[..., axis] for axis, place, _ in WALLS]
    )
    depth = np.where(depth > 0, depth, np.inf)
    nearest, colours = depth.min(0), np.full((*x.shape, 3), 255.0)
    for wall, (axis, _, texture_seed) in zip(depth, WALLS, strict=True):
        hit = (wall == nearest) & np.isfinite(wall)
        point = camera.position + nearest[hit, None] * direction[hit]
        colours[hit] = _texture(np.delete(point, axis, 1), texture_seed + 10 * seed)
    return np.rint(colours).astype(np.uint8)


def undistorted(distorted: np.ndarray, distortion: float = DISTORTION) -> np.ndarray:
    """Pinhole coordinates of distorted ones, both in focal lengths, by fixed-point iteration."""
    result = distorted
    for _ in range(30):
        result = distorted / (1 + distortion * np.square(result).sum(-1, keepdims=True))
    return result


def _texture(uv: np.ndarray, seed: int) -> np.ndarray:
    """Smooth noise of several scales, 3 colours, 0 to 255."""
    rng = np.random.default_rng(seed)
    total = np.zeros((len(uv), 3))
    for cell, weight in ((0.4, 0.5), (0.12, 0.8), (0.05, 1.0)):
        grid = rng.standard_normal((128, 128, 3))
        place = uv / cell + 64
        low = np.floor(place).astype(int)
        t = place - low
        t = t * t * (3 - 2 * t)
        for di in (0, 1):
            for dj in (0, 1):
                share = np.abs(1 - di - t[:, :1]) * np.abs(1 - dj - t[:, 1:])
                total += weight * share * grid[(low[:, 0] + di) % 128, (low[:, 1] + dj) % 128]
    return np.clip(127.5 + 60 * total, 0, 255)


def aligned(found, truth) -> Similarity:
    """The similarity that takes poses nearest to others: their axes first, then their places."""
    u, _, vt = np.linalg.svd(np.einsum("nij,nkj->ik", truth[..., :3], found[..., :3]))
    rotation = u * [1, 1, np.linalg.det(u @ vt)] @ vt
    old, new = found[..., 3] @ rotation.T, truth[..., 3]
    spread = old - old.mean(0)
    scale = float((spread * (new - new.mean(0))).sum() / np.square(spread).sum())
    return Similarity(scale, rotation, new.mean(0) - scale * old.mean(0))


def degrees_apart(one, two) -> float:
    """Angle of the rotation between two poses."""
    cosine = (np.trace(one[:, :3] @ two[:, :3].T) - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def write_pngs(folder: Path, pictures) -> Path:
    """Write pictures as 0.png, 1.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
