"""Photographs of one landmark by many tourists: a collection that needs no data.

The landmark is a function of the seed, and photograph number n of (seed, n): its viewpoint, its
look (illumination, sky, exposure, white balance) and its transient occluders. Unlike a real
collection, a `Town` can render any viewpoint in the look of any photograph, with or without
occluders.

The landmark and the ground in front of it lie between `near` and `far` of a photograph. Occluders
may be nearer, and the ground and the sky behind the landmark are farther away: a field that is only
sampled between these bounds cannot represent them at their true depths.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8

from theta0.data import Split
from theta0.data._colours import srgb_from_linear
from theta0.data._numbered import numbered
from theta0.data._solids import Solids, blocked, joined, nearest, normals
from theta0.data.cameras import Camera, Rays, look_at, rays
from theta0.data.photos import Photo
from theta0.data.town._landmark import landmark
from theta0.data.town._looks import Look, random_look
from theta0.data.town._occluders import random_occluders
from theta0.data.town._scene import GROUND, METRE, Scene
from theta0.errors import InputError, require_positive
from theta0.memory import MAX_BYTES, check_memory

_STREAM = int.from_bytes(b"town")
_RAYS = 1 << 15  # at a time, so that intermediate results fit into the cache
_PROBE = 64  # rays per side for near, far and points, independent of the picture size
_MARGIN = 0.03  # of near and far, for surfaces between these rays


@dataclass(frozen=True)
class TouristTown:
    """Photographs of a procedural landmark, rendered when they are loaded."""

    photos: int = 500
    """photographs for training"""
    validation: int = 5
    """photographs for validation, numbered after those for training"""
    test: int = 20
    """photographs for testing, numbered last"""
    size: int = 64
    """side of the pictures, in pixels"""
    seed: int = 0
    """a different seed gives a different landmark, and different photographs"""
    supersample: int = 2
    """rays per side of each pixel, which are averaged"""
    occluders: bool = True
    """transient occluders: people and cars in front of the landmark"""

    def __post_init__(self):
        require_positive(self, "photos", "size", "supersample")
        for name in ("validation", "test", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)}; give 0 or more")
        # The light of all pixels and the picture, and the rays of one row.
        needed = 60 * self.size**2 + 500 * self.size * self.supersample**2
        check_memory(
            f"tourist town: size={self.size}",
            needed,
            MAX_BYTES,
            "choose a smaller size or supersample",
        )

    def read(self) -> "Town":
        """The collection; its photographs are rendered when they are loaded."""
        counts = self.photos, self.validation, self.test
        names, split = numbered("tourist town", "photographs", "photo", *counts)
        return Town(names, (), split, self, landmark(self.seed))


@dataclass(frozen=True, eq=False)
class Town:
    """Numbered photographs of a landmark, rendered on demand; see `Photos`."""

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    settings: TouristTown
    scene: Scene

    def load(self, index: int) -> Photo:
        """Photograph number `index`.

        Raises:
            InputError: There is no such number.
        """
        return self.render(index, occluders=self.settings.occluders)

    def render(self, index: int, look: int | None = None, occluders: bool = True) -> Photo:
        """Render the viewpoint of a photograph in the look of another.

        Args:
            index: The photograph that gives the viewpoint and the occluders.
            look: The photograph that gives the look; None for its own.
            occluders: Render the transient occluders. The occlusion mask includes their shadows.

        Raises:
            InputError: There is no such number.
        """
        camera, light = self.camera(index), self.look(index if look is None else look)
        transient = ()
        if occluders:
            transient = random_occluders(self._rng(index, 2), camera, self.scene.groups[1:])
        bands = [
            _picture(self.scene, transient, light, band, self.settings.supersample)
            for band in _bands(camera, self.settings.supersample)
        ]
        image, occluded = (np.concatenate(parts) for parts in zip(*bands, strict=True))
        near, far = _depth_range(self.scene, self._probe(index))
        return Photo(image, camera, self.names[index], near, far, occluded)

    def camera(self, index: int) -> Camera:
        """The camera of photograph number `index`."""
        return _random_camera(self._rng(index, 0), self.settings.size)

    def look(self, index: int) -> Look:
        """The look of photograph number `index`."""
        return random_look(self._rng(index, 1))

    def depth(self, index: int) -> Float[np.ndarray, "size size"]:
        """Depths of the scene at pixel centres, without occluders; inf in the sky."""
        bands = _bands(self.camera(index), 1)
        return np.concatenate(
            [nearest(self.scene.groups, rays(band))[0].reshape(band.height, -1) for band in bands]
        )

    def points(
        self, count: int = 4000
    ) -> tuple[Float[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]:
        """Sample up to `count` points of the landmark that are visible in training photographs.

        Returns:
            Positions, and colours under white light.
        """
        number = min(len(self.split.train), 40)
        found = [
            self._points(index, -(-count // number))
            for index in np.linspace(0, len(self.split.train) - 1, number).astype(int).tolist()
        ]
        xyz, rgb = (np.concatenate(parts)[:count] for parts in zip(*found, strict=True))
        return xyz, rgb

    def _points(
        self, index: int, count: int
    ) -> tuple[Float[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]:
        lines = rays(self._probe(index))
        rng = self._rng(index, 3)
        rows = rng.integers(len(lines.origin), size=8 * count)
        lines = Rays(*(vectors[rows] for vectors in lines))
        t, which = nearest(self.scene.groups, lines)
        rows = np.flatnonzero(which > 0)[:count]  # 0 is the ground
        xyz = lines.origin[rows] + t[rows, None] * lines.direction[rows]
        outwards = normals(joined(self.scene.groups), xyz, which[rows])
        albedo = self.scene.albedo(xyz, outwards, which[rows])
        return xyz, np.rint(255 * srgb_from_linear(albedo)).astype(np.uint8)

    def _probe(self, index: int) -> Camera:
        return _random_camera(self._rng(index, 0), _PROBE)

    def _rng(self, index: int, part: int) -> np.random.Generator:
        if not 0 <= index < len(self.names):
            raise InputError(f"photograph number {index}: give 0 to {len(self.names) - 1}")
        return np.random.default_rng((self.settings.seed, _STREAM, index, part))


def _random_camera(rng: np.random.Generator, size: int) -> Camera:
    """Draw a camera in front of the landmark, which roughly fills the picture."""
    fov_deg = rng.uniform(30, 60)
    azimuth = np.deg2rad(60 * rng.uniform(-1, 1))
    distance = max(10 * rng.uniform(1.0, 1.5) / np.tan(np.deg2rad(fov_deg / 2)), 22)
    height = rng.normal(1.6, 0.1)
    eye = np.array([distance * np.sin(azimuth), -distance * np.cos(azimuth), height])
    target = rng.normal([0, 0, 6.5], [1.5, 1.0, 1.0])
    roll = np.deg2rad(rng.normal(0, 1.2))
    up = (np.sin(roll) * np.cos(azimuth), np.sin(roll) * np.sin(azimuth), np.cos(roll))
    base = np.array([0, 0, GROUND])
    pose = look_at(eye * METRE + base, target * METRE + base, up)
    return Camera.from_fov(pose, size, size, fov_deg)


def _bands(camera: Camera, supersample: int) -> Iterator[Camera]:
    """Cameras of bands of rows of the picture, from the top."""
    rows = max(_RAYS // (camera.width * supersample**2), 1)
    for top in range(0, camera.height, rows):
        height = min(rows, camera.height - top)
        yield replace(camera, height=height, cy=camera.cy - top)


def _depth_range(scene: Scene, camera: Camera) -> tuple[float, float]:
    """From the nearest point of the scene, including the ground, to the back of the landmark."""
    lines = rays(camera)
    near = nearest(scene.groups, lines)[0].min()
    depth, _ = nearest(scene.groups[1:], lines)
    return float(near * (1 - _MARGIN)), float(depth[depth < np.inf].max() * (1 + _MARGIN))


def _picture(
    scene: Scene, transient: tuple[Solids, ...], look: Look, camera: Camera, supersample: int
) -> tuple[UInt8[np.ndarray, "height width 3"], Bool[np.ndarray, "height width"]]:
    """A picture, and the mask of pixels that the transient solids change."""
    lens = ("width", "height", "fl_x", "fl_y", "cx", "cy")
    lines = rays(replace(camera, **{name: getattr(camera, name) * supersample for name in lens}))
    light, occluded = _light(scene, transient, look, lines)
    blocks = (camera.height, supersample, camera.width, supersample)
    light = np.einsum("hawbc->hwc", light.reshape(*blocks, 3)) / supersample**2
    return (
        np.rint(255 * look.develop(light)).astype(np.uint8),
        np.logical_or.reduce(occluded.reshape(blocks), axis=(1, 3)),
    )


def _light(
    scene: Scene, transient: tuple[Solids, ...], look: Look, lines: Rays
) -> tuple[Float[np.ndarray, "n 3"], Bool[np.ndarray, " n"]]:
    """Light along rays, and whether the transient solids change it."""
    t, which = nearest(scene.groups + transient, lines)
    static = len(scene.covers)
    occluded, light = which >= static, np.empty((len(t), 3))
    light[which < 0] = look.sky(lines.direction[which < 0])
    hit = np.flatnonzero(which >= 0)
    points, which = lines.origin[hit] + t[hit, None] * lines.direction[hit], which[hit]
    solids = joined(scene.groups + transient)
    outwards = normals(solids, points, which)
    lit = np.zeros(len(hit), bool)
    if look.sun.any():
        facing = np.flatnonzero(outwards @ look.towards_sun > 0)
        # Start slightly above the surface, to avoid self-shadowing.
        start = points[facing] + 1e-6 * outwards[facing]
        beams = Rays(start, np.tile(look.towards_sun, (len(facing), 1)))
        sunny = ~blocked(scene.groups, beams)
        shade = sunny & blocked(transient, beams)
        occluded[hit[facing]] |= shade
        lit[facing] = sunny & ~shade
    albedo, openness = solids.colour[which], np.ones(len(hit))
    rows = np.flatnonzero(which < static)
    albedo[rows] = scene.albedo(points[rows], outwards[rows], which[rows])
    openness[rows] = scene.openness(points[rows])
    light[hit] = albedo * look.on(outwards, lit, openness)
    return light, occluded
