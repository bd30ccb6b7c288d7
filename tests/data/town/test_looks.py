"""Looks: light, and pictures of it, by the equations of the module."""

import numpy as np
import pytest

from theta0.data._colours import linear_from_srgb
from theta0.data.town._looks import random_look

LOOKS = [random_look(np.random.default_rng(number)) for number in range(300)]


def test_surfaces_receive_the_light_of_the_equation():
    look = next(look for look in LOOKS if look.weather == "blue")
    normals = np.array([[0, 0, 1.0], [0, 0, -1], [0, -1, 0], look.towards_sun])
    dark = np.zeros(4, bool)
    shade = look.on(normals, dark, np.array([1, 1, 0.5, 0]))
    np.testing.assert_allclose(  # pyright: ignore[reportCallIssue]
        shade, [look.above, look.below, (look.above + look.below) / 4, [0, 0, 0]]
    )
    sunny = look.on(normals, ~dark, np.zeros(4))
    facing = np.maximum([look.towards_sun[2], -look.towards_sun[2], -look.towards_sun[1], 1], 0)
    np.testing.assert_allclose(sunny, facing[:, None] * look.sun, atol=1e-15)


def test_a_picture_of_light_is_invertible_until_it_is_clipped():
    light = np.random.default_rng(0).uniform(0, 1.5, (500, 3))
    for look in LOOKS[:20]:
        picture = look.develop(light)
        assert picture.min() >= 0 and picture.max() <= 1
        back = linear_from_srgb(picture ** (1 / look.contrast)) / look.gain
        np.testing.assert_allclose(back, np.minimum(light, 1 / look.gain), rtol=1e-9)


def test_looks_are_of_all_weathers_and_the_sun_is_mostly_above_the_horizon():
    shares = {
        weather: np.mean([look.weather == weather for look in LOOKS])
        for weather in ("blue", "overcast", "sunset", "dusk")
    }
    # Deviations of shares of 300 are below 0.03; three of them.
    expected = {"blue": 0.5, "overcast": 0.22, "sunset": 0.16, "dusk": 0.12}
    assert shares == pytest.approx(expected, abs=0.09)
    for look in LOOKS:
        assert np.linalg.norm(look.towards_sun) == pytest.approx(1)
        assert look.sun.any() == (look.weather in ("blue", "sunset"))
        assert (look.towards_sun[2] > 0) == (look.weather != "dusk")
        assert (look.above > 0).all() and (look.below > 0).all()
        assert 2**-0.9 < look.gain.mean() < 2**0.9  # exposure alone: the balance has mean 1


def test_the_sky_runs_from_the_horizon_to_the_zenith_and_knows_no_length():
    look = next(look for look in LOOKS if look.weather == "dusk")  # no glow of the sun
    level = np.array([[1.0, 0, 0], [0, 5, 0], [0, 1, -3]])
    np.testing.assert_allclose(look.sky(level), np.tile(look.horizon, (3, 1)))
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((200, 3))
    np.testing.assert_allclose(look.sky(7 * directions), look.sky(directions), rtol=1e-9)
    # Light of clouds is 0.75 of that of the sky as a whole: in a picture it lies between the two.
    clear, white = look.sky(np.array([[0, 0, 1.0]]))[0], 0.75 * look.above
    assert (clear >= np.minimum(look.zenith, white) - 1e-12).all()
    assert (clear <= np.maximum(look.zenith, white) + 1e-12).all()


def test_towards_the_sun_the_sky_glows():
    for look in LOOKS[:40]:
        if look.sun.any():
            around = look.towards_sun * [1, -1, 1]  # as high, elsewhere
            if around @ look.towards_sun < 0.5:
                bright, other = look.sky(np.stack([look.towards_sun, around]))
                assert bright[0] > other[0]


def test_a_look_is_a_function_of_its_random_numbers():
    again = random_look(np.random.default_rng(7))
    np.testing.assert_array_equal(again.gain, LOOKS[7].gain)
    np.testing.assert_array_equal(again.sky(np.eye(3)), LOOKS[7].sky(np.eye(3)))
    assert len({look.seed for look in LOOKS}) == 300
