"""Procedural classes: streams, splits and limits that they share."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data.images import SDF, Text
from theta0.data.images import _procedural as procedural
from theta0.errors import InputError

SOURCES = [Text(5, 3, 2), SDF(5, 3, 2)]
KINDS = pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__)


@KINDS
def test_numbers_are_split_in_order(source):
    pictures = source.read(8)
    assert pictures.split.train == (0, 1, 2, 3, 4)
    assert pictures.split.validation == (5, 6, 7)
    assert pictures.split.test == (8, 9)
    kind = type(source).__name__.lower()
    assert pictures.names == tuple(f"{kind}-{number:05d}" for number in range(10))


@KINDS
def test_a_picture_depends_on_seed_and_number_alone(source):
    pictures = source.read(24)
    once = [pictures.load(number) for number in range(10)]
    for number in (7, 0, 7):  # in any order, and again
        np.testing.assert_array_equal(pictures.load(number), once[number])
    more = replace(source, samples=9, test=30).read(24)
    np.testing.assert_array_equal(more.load(3), once[3])
    other = replace(source, seed=1).read(24)
    different = [*once, *(other.load(number) for number in range(10))]
    assert len({picture.tobytes() for picture in different}) == 20


def test_classes_draw_from_streams_of_their_own():
    settings = procedural.Numbered(2, 0, 0)
    draw = lambda rng: rng.random((2, 2, 1))
    one, two = (procedural.drawn(settings, kind, 2, draw) for kind in ("text", "sdf"))
    assert not np.array_equal(one.load(0), two.load(0))
    assert not np.array_equal(one.load(0), one.load(1))


@KINDS
@pytest.mark.parametrize("number", [-1, 10])
def test_numbers_beyond_the_last_are_refused(source, number):
    with pytest.raises(InputError, match=f"picture number {number}: give 0 to 9"):
        source.read(8).load(number)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 0}, "samples is 0; give a number above 0"),
        ({"validation": -1}, "validation is -1; give 0 or more"),
        ({"test": -2}, "test is -2"),
        ({"seed": -3}, "seed is -3"),
    ],
)
@pytest.mark.parametrize("kind", [Text, SDF])
def test_impossible_settings_are_refused(kind, settings, message):
    with pytest.raises(InputError, match=message):
        kind(**settings)


@KINDS
def test_impossible_sizes_are_refused_before_memory_is_taken(source):
    with pytest.raises(InputError, match="size=1 pixels must be at least 2"):
        source.read(1)
    with pytest.raises(InputError, match=r"size=100000: needs 596 GiB.*smaller size"):
        source.read(100_000)
    with pytest.raises(InputError, match=r"pictures: needs .* ask for fewer"):
        replace(source, samples=10**9).read(8)
