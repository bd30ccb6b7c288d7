"""The mean of networks that each see the square turned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import PositionalConfig, SirenConfig, Turned, TurnedConfig, evaluate, turned

SIREN = SirenConfig(width=6, layers=3, w0=10.0)


def test_a_turn_goes_about_the_centre_from_rows_towards_columns(x64):
    points = np.array([[0.5, 0.5], [1.0, 0.5], [0.5, 1.0], [0.5 + 0.25 * 3**0.5, 0.75]])
    expected = np.array([[0.5, 0.5], [0.5, 1.0], [0.0, 0.5], [0.25, 0.5 + 0.25 * 3**0.5]])
    np.testing.assert_allclose(turned(points, 90.0), expected, atol=1e-15)
    there_and_back = turned(turned(points, 33.0), -33.0)
    np.testing.assert_allclose(there_and_back, points, atol=1e-15)
    assert turned(points.astype(np.float32), 33.0).dtype == jnp.float32


def test_the_value_is_the_mean_of_the_members_where_they_see_the_point(x64, key):
    members = tuple(SIREN.build(one) for one in jax.random.split(key, 3))
    field = Turned(members, TurnedConfig(SIREN, (0.0, 20.0, -50.0)))
    points = np.random.default_rng(0).random((9, 2))
    seen = [turned(points, degrees) for degrees in (0.0, 20.0, -50.0)]
    expected = np.mean([evaluate(one, at) for one, at in zip(members, seen, strict=True)], axis=0)
    np.testing.assert_allclose(evaluate(field, points), expected, rtol=1e-12)
    np.testing.assert_allclose(field(points[4]), expected[4], rtol=1e-12)


def test_a_fresh_one_is_one_network_at_every_turn(key):
    field = TurnedConfig(SIREN, (0.0, 10.0)).build(key)
    assert field.members[0] is field.members[1] and field.config.out_size == SIREN.out_size


@pytest.mark.parametrize(
    "config, turns, said",
    [
        (SIREN, (), "turns_deg"),
        (SIREN, (0.0, float("nan")), "turns_deg"),
        (SIREN, (1.0,) * 101, "turns_deg"),
        (PositionalConfig(), (0.0, 5.0), "plane"),
    ],
)
def test_what_cannot_be_turned_is_refused(config, turns, said):
    with pytest.raises(InputError, match=said):
        TurnedConfig(config, turns)
