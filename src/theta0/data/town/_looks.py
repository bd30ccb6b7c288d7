"""The look of a photograph: the illumination of the scene, and the response of the camera.

A Lambertian surface of albedo `a` and normal `n` reflects, per channel,

    a (lit max(n . s, 0) sun + open (1 + n_z) / 2 above + open (1 - n_z) / 2 below)

with `s` towards the sun, `lit` 1 in the sun and 0 in the shade, and `open` the unoccluded fraction
of the surroundings. The picture of light `r` is `srgb(clip(gain r, 0, 1)) ^ contrast`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from theta0.data._colours import srgb_from_linear
from theta0.data._value_noise import value_noise
from theta0.data.cameras import Number, Vector

Colour = Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Look:
    """Light, sky, exposure, white balance and contrast; see the module.

    Attributes:
        weather: 'blue', 'overcast', 'sunset' or 'dusk'.
        towards_sun: Unit vector.
        sun: Light of the sun on a surface that faces it; 0 if the sun is not visible.
        above: Light of the whole sky on a surface that faces up.
        below: Light of the ground on a surface that faces down.
        zenith: Light of the sky at the zenith.
        horizon: Light of the sky at the horizon.
        clouds: Fraction of the sky covered by clouds, in [0, 1].
        seed: Of the shapes of the clouds.
        gain: Exposure times white balance, per channel.
        contrast: Exponent that is applied to the colours.
    """

    weather: str
    towards_sun: Float[np.ndarray, "3"]
    sun: Colour
    above: Colour
    below: Colour
    zenith: Colour
    horizon: Colour
    clouds: float
    seed: int
    gain: Colour
    contrast: float

    def on(
        self,
        normals: Float[np.ndarray, "n 3"],
        lit: Bool[np.ndarray, " n"],
        openness: Float[np.ndarray, " n"],
    ) -> Float[np.ndarray, "n 3"]:
        """Light that is reflected by surfaces of albedo 1."""
        facing = np.maximum(normals @ self.towards_sun, 0) * lit
        up = (1 + normals[:, 2:]) / 2
        around = up * self.above + (1 - up) * self.below
        return facing[:, None] * self.sun + openness[:, None] * around

    def sky(self, directions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Light of the sky in directions of any length, also below the horizon."""
        unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        up = np.clip(unit[:, 2:], 0, 1)
        light = self.horizon + (self.zenith - self.horizon) * np.sqrt(up)
        glow = np.maximum(unit @ self.towards_sun, 0)[:, None] ** 24
        # Clouds lie in a plane, so they appear smaller and flatter towards the horizon.
        plane = np.concatenate([unit[:, :2] / (up + 0.15), np.zeros_like(up)], axis=1)
        shape = value_noise(1.6 * plane, self.seed, octaves=4)[:, None]
        cover = np.clip((shape - 0.75 + 0.5 * self.clouds) / 0.2, 0, 1) * np.clip(8 * up, 0, 1)
        white = 0.75 * self.above + 0.35 * self.sun
        return light + 0.6 * glow * self.sun + 0.8 * cover * (white - light)

    def develop(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """The picture of light: colours in [0, 1]."""
        return srgb_from_linear(self.gain * light) ** self.contrast


@dataclass(frozen=True)
class _Weather:
    share: float  # of all photographs
    sun: Vector
    elevation_deg: tuple[Number, Number]
    zenith: Vector
    horizon: Vector
    ambient: float  # light on surfaces that face up, relative to the mean of zenith and horizon
    clouds: tuple[Number, Number]


_NONE = (0, 0, 0)
_WEATHERS = {
    "blue": _Weather(
        0.5, (1, 0.93, 0.8), (18, 65), (0.1, 0.25, 0.62), (0.5, 0.66, 0.85), 0.75, (0, 0.8)
    ),
    "overcast": _Weather(
        0.22, _NONE, (30, 60), (0.48, 0.51, 0.56), (0.6, 0.62, 0.64), 1.6, (0.3, 0.9)
    ),
    "sunset": _Weather(
        0.16, (1, 0.52, 0.2), (3, 14), (0.16, 0.24, 0.5), (0.95, 0.55, 0.3), 0.75, (0.2, 0.9)
    ),
    "dusk": _Weather(
        0.12, _NONE, (-8, -3), (0.07, 0.11, 0.27), (0.46, 0.36, 0.38), 2.2, (0.1, 0.6)
    ),
}


def random_look(rng: np.random.Generator) -> Look:
    """Draw a look: weather, position of the sun, exposure and white balance."""
    names = tuple(_WEATHERS)
    name = names[rng.choice(len(names), p=[_WEATHERS[name].share for name in names])]
    weather = _WEATHERS[name]
    azimuth = np.deg2rad(rng.uniform(-120, 120))  # from -y, which the landmark faces, towards +x
    height = np.deg2rad(rng.uniform(*weather.elevation_deg))
    level = np.cos(height)
    towards = np.array([level * np.sin(azimuth), -level * np.cos(azimuth), np.sin(height)])
    sun, zenith, horizon = (
        np.array(colour, float) * rng.uniform(0.85, 1.15) * rng.uniform(0.96, 1.04, 3)
        for colour in (weather.sun, weather.zenith, weather.horizon)
    )
    mean = (zenith + horizon) / 2
    above = weather.ambient * (mean + mean.mean()) / 2  # clouds and haze desaturate it
    # The ground reflects a third of the light.
    below = 0.33 * (above + sun * max(towards[2], 0)) * [1.0, 0.95, 0.88]
    warm, green = rng.normal(0, [0.08, 0.02])
    balance = np.exp([warm, green, -warm])
    exposure = 2 ** float(np.clip(rng.normal(0, 0.35), -0.8, 0.8))
    return Look(
        weather=name,
        towards_sun=towards,
        sun=sun,
        above=above,
        below=below,
        zenith=zenith,
        horizon=horizon,
        clouds=rng.uniform(*weather.clouds),
        seed=int(rng.integers(2**31)),
        gain=exposure * balance / balance.mean(),
        contrast=rng.uniform(0.85, 1.25),
    )
