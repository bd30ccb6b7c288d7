"""Random distant illumination: a sky, a ground and one to three area lights.

The lights are discs on the sky, like softboxes at infinity: each has the same direction for the
whole object, and none comes between the object and a camera.
"""

import numpy as np
from jaxtyping import Float

HEIGHT, WIDTH = 32, 64


def random_environment(rng: np.random.Generator) -> Float[np.ndarray, "height width 3"]:
    """Draw the radiance from each direction; see `directions`.

    A white surface has a brightness of about 0.95 to 1.2 where it faces the brightest side, and is
    nowhere black: a third to two thirds of the light comes from the sky and the ground.

    Returns:
        Radiance, linear RGB.
    """
    toward = directions()
    sky, ground = (_tint(rng, 0.1) * strength for strength in (1.0, rng.uniform(0.35, 0.7)))
    above = 1 / (1 + np.exp(-4 * toward[..., 2:]))  # a soft horizon
    ambient = ground + (sky - ground) * above
    ambient /= _brightest(ambient)
    lamps = np.zeros_like(ambient)
    for _ in range(rng.integers(1, 4)):
        radius_rad = np.deg2rad(rng.uniform(12, 35))
        lamp = _disc(toward, _upwards(rng), radius_rad) / np.sin(radius_rad) ** 2
        lamps += lamp * _tint(rng, 0.15) * rng.uniform(0.4, 1)
    share = rng.uniform(1 / 3, 2 / 3)
    light = share * ambient + (1 - share) * lamps / _brightest(lamps)
    return light / _brightest(light) * rng.uniform(0.95, 1.2)


def directions() -> Float[np.ndarray, "height width 3"]:
    """Unit vectors of an equirectangular map, z up.

    Row 0 is at the zenith. Column 0 starts at +y, and columns continue towards +x.
    """
    polar = np.pi * (np.arange(HEIGHT) + 0.5) / HEIGHT
    around = 2 * np.pi * (np.arange(WIDTH) + 0.5) / WIDTH
    polar, around = np.meshgrid(polar, around, indexing="ij")
    flat = np.sin(polar)
    return np.stack([flat * np.sin(around), flat * np.cos(around), np.cos(polar)], axis=-1)


def shading(
    light: Float[np.ndarray, "height width 3"], normals: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 3"]:
    """Radiance of unoccluded white Lambertian surfaces: 1/pi of the irradiance.

    Args:
        light: Radiance from `directions`.
        normals: Unit vectors.
    """
    toward = directions()
    polar_width = np.pi / HEIGHT * 2 * np.pi / WIDTH
    solid_angle = polar_width * np.hypot(toward[..., 0], toward[..., 1])
    facing = np.maximum(normals @ toward.reshape(-1, 3).T, 0)
    return facing @ (solid_angle[..., None] * light).reshape(-1, 3) / np.pi


def _brightest(light: Float[np.ndarray, "height width 3"]) -> float:
    """The largest radiance of a white Lambertian surface, over 6 x 8 normals."""
    return float(shading(light, directions()[2::5, ::8].reshape(-1, 3)).max())


def _tint(rng: np.random.Generator, spread: float) -> Float[np.ndarray, " 3"]:
    return rng.uniform(1 - spread, 1, size=3)


def _upwards(rng: np.random.Generator) -> Float[np.ndarray, " 3"]:
    """A direction 10 to 80 degrees above the horizon, uniformly on that part of the sphere."""
    z, around = rng.uniform(np.sin(np.deg2rad(10)), np.sin(np.deg2rad(80))), rng.uniform(0, 6.2832)
    flat = np.sqrt(1 - z * z)
    return np.array([flat * np.cos(around), flat * np.sin(around), z])


def _disc(
    toward: Float[np.ndarray, "height width 3"],
    centre: Float[np.ndarray, " 3"],
    radius_rad: float,
) -> Float[np.ndarray, "height width 3"]:
    """A white disc of light, with a soft rim that is wider than a pixel of the map."""
    angle = np.arccos(np.clip(toward @ centre, -1, 1))
    inside = np.clip((radius_rad - angle) / np.deg2rad(6) + 0.5, 0, 1)
    return np.repeat(inside[..., None], 3, axis=-1)
