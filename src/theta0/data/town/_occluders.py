"""Transient occluders of a landmark: people and cars, made of a few solids each."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from theta0.data._solids import BOX, CYLINDER, ELLIPSOID, Solids
from theta0.data.cameras import Camera
from theta0.data.town._scene import METRE, Builder, Colour

_CAR_SHARE = 0.3  # of photographs
_PEOPLE = 6  # at most


def random_occluders(
    rng: np.random.Generator, camera: Camera, standing: Sequence[Solids]
) -> tuple[Solids, ...]:
    """Draw people and a car between the camera and a landmark, one group each; there may be none.

    Args:
        rng: The number of draws does not depend on their results.
        camera: The occluders are placed in its view.
        standing: Solids that the occluders must not intersect.
    """
    people, car = int(rng.binomial(_PEOPLE, 0.4)), rng.random() < _CAR_SHARE
    build = Builder()
    for number, seed in enumerate(rng.integers(2**63, size=_PEOPLE + 1)):
        own = np.random.default_rng(seed)
        if number == _PEOPLE and car:
            _add_one(build, own, camera, standing, _car, (10, 2.4), 2.6)
        elif number < people:
            _add_one(build, own, camera, standing, _person, (3.5, 0.8), 0.6)
    return build.solids()


def _add_one(build, rng, camera, standing, draw, nearest_m, reach_m) -> None:
    """Draw one occluder at a random free position in view; none if no position is found."""
    first, exponent = nearest_m
    eye, ahead = camera.position[:2] / METRE, -camera.c2w[:2, 2]
    ahead = ahead / np.linalg.norm(ahead)
    right = np.array([ahead[1], -ahead[0]])
    last = 0.85 * float(np.linalg.norm(eye))
    for _ in range(20):
        depth = first + (last - first) * rng.random() ** exponent
        aside = depth * rng.uniform(-0.95, 0.95) * camera.width / 2 / camera.fl_x
        spot = eye + depth * ahead + aside * right
        if _free(spot * METRE, standing, reach_m * METRE):
            build.group()
            draw(build, rng, float(spot[0]), float(spot[1]))
            return


def _free(spot: Float[np.ndarray, "2"], standing: Sequence[Solids], reach: float) -> bool:
    return all(
        (np.abs(spot - group.centre[:, :2]) > group.half[:, :2] + reach).any(axis=1).all()
        for group in standing
    )


def _person(build, rng, x: float, y: float) -> None:
    tall = rng.uniform(1.5, 1.9)
    shirt, trousers = _cloth(rng), _cloth(rng) * rng.uniform(0.3, 1)
    skin = np.array([0.62, 0.4, 0.28]) * rng.uniform(0.25, 1.1)
    hair = np.array([0.2, 0.13, 0.07]) * rng.uniform(0.15, 1.8)
    turned, rucksack = rng.random() < 0.3, rng.random() < 0.3

    def part(kind, aside, back, height, half, colour):
        sizes = np.array(half) * tall
        middle = np.array([aside * tall, back * tall])
        if turned:
            middle, sizes = middle[::-1], sizes[[1, 0, 2]]
        centre = np.array([x + middle[0], y + middle[1], height * tall])
        build.add(kind, centre - sizes, centre + sizes, colour)

    for side in (-1, 1):
        part(CYLINDER, 0.065 * side, 0, 0.245, (0.055, 0.06, 0.245), trousers)
        part(ELLIPSOID, 0.165 * side, 0, 0.63, (0.04, 0.05, 0.2), shirt)
    part(ELLIPSOID, 0, 0, 0.64, (0.14, 0.09, 0.22), shirt)
    part(ELLIPSOID, 0, 0, 0.915, (0.06, 0.07, 0.085), skin)
    part(ELLIPSOID, 0, 0.012, 0.935, (0.066, 0.07, 0.075), hair)
    if rucksack:
        part(BOX, 0, -0.11, 0.68, (0.09, 0.05, 0.13), _cloth(rng))


def _car(build, rng, x: float, y: float) -> None:
    paint, dark = _cloth(rng), np.array([0.03, 0.03, 0.035])
    long, wide, facing = rng.uniform(1.9, 2.3), 0.85, rng.choice([-1, 1])

    def part(kind, low, high, colour):
        a, b = sorted((low[0] * facing, high[0] * facing))
        build.add(kind, (x + a, y + low[1], low[2]), (x + b, y + high[1], high[2]), colour)

    part(BOX, (-long, -wide, 0.3), (long, wide, 0.85), paint)
    part(BOX, (-0.85 * long, -0.8, 0.85), (0.4 * long, 0.8, 1.25), dark)
    part(BOX, (-0.8 * long, -0.78, 1.25), (0.3 * long, 0.78, 1.4), paint)
    for end in (-0.62, 0.62):
        for side in (-1, 1):
            middle, reach = np.array([end * long, side * (wide - 0.06), 0.32]), [0.32, 0.12, 0.32]
            part(ELLIPSOID, middle - reach, middle + reach, dark)


def _cloth(rng) -> Colour:
    """A random colour, mostly of low saturation."""
    grey = rng.uniform(0.03, 0.75)
    return np.clip(grey * (1 + rng.uniform(0, 0.9) * rng.uniform(-1, 1, 3)), 0.02, 0.85)
