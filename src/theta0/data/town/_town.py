"""Photographs of one landmark by many tourists: a collection that needs no data.

Photograph number n is a function of (seed, n): where it was taken from, its look (the light, the
sky, the exposure, the white balance) and who walked through it; the landmark is one of the seed. As
no real collection can, a `Town` shows any viewpoint in the look of any other photograph, with or
without the passers-by.

What a photograph shows of the landmark and of the ground before it lies between its `near` and
`far`, without the passers-by. Outside are people who stand nearer, and the ground and the sky
behind the landmark: a field that is asked between these bounds only can paint them on what it has
there, for each viewpoint anew, but cannot put them where they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8

from theta0.data import MAX_BYTES, Split, check_memory
from theta0.data._colours import srgb_from_linear
from theta0.data._numbered import numbered
from theta0.data._solids import Solids, blocked, joined, nearest, normals
from theta0.data.cameras import Camera, Rays, look_at, rays
from theta0.data.photos import Photo
from theta0.data.town._landmark import landmark
from theta0.data.town._looks import Look, random_look
from theta0.data.town._passers_by import passers_by
from theta0.data.town._place import GROUND, METRE, Place
from theta0.errors import InputError, require_positive

_STREAM = int.from_bytes(b"town")
_RAYS = 1 << 15  # at a time: what is known of them stays in the cache
_PROBE = 64  # rays a side that find near, far and points, whatever the pictures' size
_MARGIN = 0.03  # of near and far, for what lies between these rays


@dataclass(frozen=True)
class TouristTown:
    """Photographs of a procedural landmark, taken when they are loaded."""

    photos: int = 500
    """photographs for training"""
    validation: int = 5
    """photographs for validation, numbered after those for training"""
    test: int = 20
    """photographs for testing, numbered last"""
    size: int = 64
    """side of the pictures, in pixels"""
    seed: int = 0
    """another seed gives another landmark, and other photographs of it"""
    supersample: int = 2
    """rays a side of each pixel, whose mean is its light"""
    occluders: bool = True
    """people and cars before the landmark"""

    def __post_init__(self):
        require_positive(self, "photos", "size", "supersample")
        for name in ("validation", "test", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)}; give 0 or more")
        # Light of the pixels and the picture, and the rays of one row.
        needed = 60 * self.size**2 + 500 * self.size * self.supersample**2
        check_memory(
            f"tourist town: size={self.size}",
            needed,
            MAX_BYTES,
            "choose a smaller size or supersample",
        )

    def read(self) -> "Town":
        """The collection; no photograph is taken yet."""
        counts = self.photos, self.validation, self.test
        names, split = numbered("tourist town", "photographs", "photo", *counts)
        return Town(names, (), split, self, landmark(self.seed))


@dataclass(frozen=True, eq=False)
class Town:
    """Numbered photographs of a landmark, each taken when it is loaded; see `Photos`."""

    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    split: Split
    settings: TouristTown
    place: Place

    def load(self, index: int) -> Photo:
        """Photograph number `index`.

        Raises:
            InputError: There is no such number.
        """
        return self.render(index, occluders=self.settings.occluders)

    def render(self, index: int, look: int | None = None, occluders: bool = True) -> Photo:
        """The viewpoint of a photograph in the look of another, exactly.

        Args:
            index: Whose viewpoint, and whose passers-by.
            look: Whose light, sky, exposure and white balance; None for its own.
            occluders: With the passers-by. Hidden is what they cover or cast their shadow on.

        Raises:
            InputError: There is no such number.
        """
        camera, light = self.camera(index), self.look(index if look is None else look)
        crowd = ()
        if occluders:
            crowd = passers_by(self._rng(index, 2), camera, self.place.groups[1:])
        bands = [
            _picture(self.place, crowd, light, band, self.settings.supersample)
            for band in _bands(camera, self.settings.supersample)
        ]
        image, hidden = (np.concatenate(parts) for parts in zip(*bands, strict=True))
        near, far = _depth_range(self.place, self._probe(index))
        return Photo(image, camera, self.names[index], near, far, hidden)

    def camera(self, index: int) -> Camera:
        """Where photograph number `index` is taken from."""
        return _random_camera(self._rng(index, 0), self.settings.size)

    def look(self, index: int) -> Look:
        """The light of photograph number `index`."""
        return random_look(self._rng(index, 1))

    def depth(self, index: int) -> Float[np.ndarray, "size size"]:
        """Depths of the place at pixel centres, without passers-by; inf where the sky is."""
        bands = _bands(self.camera(index), 1)
        return np.concatenate(
            [nearest(self.place.groups, rays(band))[0].reshape(band.height, -1) for band in bands]
        )

    def points(
        self, count: int = 4000
    ) -> tuple[Float[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]:
        """Up to so many points of the landmark that training photographs show.

        Returns:
            Positions, and colours in white light.
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
        t, which = nearest(self.place.groups, lines)
        rows = np.flatnonzero(which > 0)[:count]  # 0 is the ground
        xyz = lines.origin[rows] + t[rows, None] * lines.direction[rows]
        outwards = normals(joined(self.place.groups), xyz, which[rows])
        albedo = self.place.albedo(xyz, outwards, which[rows])
        return xyz, np.rint(255 * srgb_from_linear(albedo)).astype(np.uint8)

    def _probe(self, index: int) -> Camera:
        return _random_camera(self._rng(index, 0), _PROBE)

    def _rng(self, index: int, part: int) -> np.random.Generator:
        if not 0 <= index < len(self.names):
            raise InputError(f"photograph number {index}: give 0 to {len(self.names) - 1}")
        return np.random.default_rng((self.settings.seed, _STREAM, index, part))


def _random_camera(rng: np.random.Generator, size: int) -> Camera:
    """Draw a tourist: in front of the landmark, which fills about the picture."""
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
    """The camera of each few rows of the picture, from the top."""
    rows = max(_RAYS // (camera.width * supersample**2), 1)
    for top in range(0, camera.height, rows):
        height = min(rows, camera.height - top)
        yield replace(camera, height=height, cy=camera.cy - top)


def _depth_range(place: Place, camera: Camera) -> tuple[float, float]:
    """From what is nearest of the place, its ground included, to the end of the landmark."""
    lines = rays(camera)
    near = nearest(place.groups, lines)[0].min()
    depth, _ = nearest(place.groups[1:], lines)
    return float(near * (1 - _MARGIN)), float(depth[depth < np.inf].max() * (1 + _MARGIN))


def _picture(
    place: Place, crowd: tuple[Solids, ...], look: Look, camera: Camera, supersample: int
) -> tuple[UInt8[np.ndarray, "height width 3"], Bool[np.ndarray, "height width"]]:
    """A picture, and where the crowd changes it."""
    lens = ("width", "height", "fl_x", "fl_y", "cx", "cy")
    lines = rays(replace(camera, **{name: getattr(camera, name) * supersample for name in lens}))
    light, hidden = _light(place, crowd, look, lines)
    blocks = (camera.height, supersample, camera.width, supersample)
    light = np.einsum("hawbc->hwc", light.reshape(*blocks, 3)) / supersample**2
    return (
        np.rint(255 * look.develop(light)).astype(np.uint8),
        np.logical_or.reduce(hidden.reshape(blocks), axis=(1, 3)),
    )


def _light(
    place: Place, crowd: tuple[Solids, ...], look: Look, lines: Rays
) -> tuple[Float[np.ndarray, "n 3"], Bool[np.ndarray, " n"]]:
    """Light that comes along rays, and whether the crowd changes it."""
    t, which = nearest(place.groups + crowd, lines)
    still = len(place.covers)
    hidden, light = which >= still, np.empty((len(t), 3))
    light[which < 0] = look.sky(lines.direction[which < 0])
    hit = np.flatnonzero(which >= 0)
    points, which = lines.origin[hit] + t[hit, None] * lines.direction[hit], which[hit]
    solids = joined(place.groups + crowd)
    outwards = normals(solids, points, which)
    lit = np.zeros(len(hit), bool)
    if look.sun.any():
        facing = np.flatnonzero(outwards @ look.towards_sun > 0)
        # From a little above the surface, so that nothing shades itself.
        start = points[facing] + 1e-6 * outwards[facing]
        beams = Rays(start, np.tile(look.towards_sun, (len(facing), 1)))
        sunny = ~blocked(place.groups, beams)
        shade = sunny & blocked(crowd, beams)
        hidden[hit[facing]] |= shade
        lit[facing] = sunny & ~shade
    albedo, openness = solids.colour[which], np.ones(len(hit))
    rows = np.flatnonzero(which < still)
    albedo[rows] = place.albedo(points[rows], outwards[rows], which[rows])
    openness[rows] = place.openness(points[rows])
    light[hit] = albedo * look.on(outwards, lit, openness)
    return light, hidden
