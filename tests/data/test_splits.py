"""Splits: complete, disjoint, with whole groups, and independent of the order of names."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theta0.data import split
from theta0.errors import InputError

PEOPLE = [f"{person:03d}_{picture:02d}.jpg" for person in range(1, 41) for picture in (3, 8)]
PERSON = r"^(\d+)_"

names_of_people = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 30)), min_size=1, max_size=60, unique=True
).map(lambda pairs: [f"{person}_{picture}.png" for person, picture in pairs])


def person(name: str) -> str:
    return name.split("_")[0]


def members(names, indices):
    return [names[index] for index in indices]


@settings(deadline=None)
@given(names_of_people, st.integers(0, 8), st.integers(0, 8), st.randoms(use_true_random=False))
def test_split_is_a_partition_into_whole_groups_in_any_order(names, validation, test, random):
    largest = max(sum(person(n) == p for n in names) for p in map(person, names))
    try:
        result = split(names, validation, test, PERSON)
    except InputError:
        # Each set takes less than one group more than it must: only then may nothing be left.
        assert validation + test + 2 * (largest - 1) >= len(names)
        return
    parts = (result.train, result.validation, result.test)
    assert sorted(index for part in parts for index in part) == list(range(len(names)))
    people = [{person(name) for name in members(names, part)} for part in parts]
    assert sum(len(group) for group in people) == len({person(name) for name in names})
    assert result.train
    for part, wanted in ((result.validation, validation), (result.test, test)):
        assert len(part) >= wanted
        # Not one group too many: without the largest the number asked for is not reached.
        sizes = [sum(person(n) == p for n in names) for p in {person(names[i]) for i in part}]
        assert not part or len(part) - max(sizes) < wanted

    shuffled = random.sample(names, len(names))
    again = split(shuffled, validation, test, PERSON)
    for part, other in zip(parts, (again.train, again.validation, again.test), strict=True):
        assert members(names, part) == members(shuffled, other)


def test_order_is_that_of_the_digests():
    names = ["b", "a", "d", "c", "e"]
    by_digest = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    result = split(names, validation=2, test=1)
    assert members(names, result.test) == by_digest[:1]
    assert members(names, result.validation) == sorted(by_digest[1:3])


def test_a_known_split_stays_as_it_is():
    """Published results depend on it: this must never change."""
    result = split(PEOPLE, validation=4, test=6, group=PERSON)
    assert sorted({person(name) for name in members(PEOPLE, result.test)}) == ["010", "023", "031"]
    assert sorted({person(name) for name in members(PEOPLE, result.validation)}) == ["015", "026"]


def test_adding_names_moves_none_between_training_and_test():
    before = split(PEOPLE, 0, 0.1, PERSON)
    more = [*PEOPLE, "900_03.jpg", "900_08.jpg"]
    after = split(more, 0, len(before.test), PERSON)
    moved = set(members(PEOPLE, before.test)) - set(members(more, after.test))
    assert len(moved) <= 2  # one person at most makes room for the new one


@pytest.mark.parametrize(("fraction", "count"), [(0.07, 7), (0.1, 10), (0.101, 11), (0.0, 0)])
def test_fractions_are_of_the_signals_rounded_up(fraction, count):
    names = [str(number) for number in range(100)]
    assert len(split(names, fraction, 0).validation) == count
    assert len(split(names, 0, fraction).test) == count


def test_equal_names_stay_together_so_groups_can_be_split_directly():
    patients = ("p1", "p2", "p1", "p3", "p2", "p1")
    result = split(patients, 1, 1)
    parts = [{patients[i] for i in p} for p in (result.train, result.validation, result.test)]
    assert sorted(name for part in parts for name in part) == ["p1", "p2", "p3"]


def test_whole_match_is_the_group_without_parentheses():
    assert split(PEOPLE, 4, 6, r"^\d+") == split(PEOPLE, 4, 6, PERSON)


def test_names_that_are_not_utf8_are_split_too():
    names = [b"caf\xe9.png".decode("utf-8", "surrogateescape"), "b.png", "c.png"]
    assert len(split(names, 1, 1).train) == 1


def test_nothing_left_for_training_is_an_error_that_counts():
    with pytest.raises(InputError, match=r"80 signals in 40 groups.*test=40.*validation=40"):
        split(PEOPLE, 40, 40, PERSON)
    with pytest.raises(InputError, match="0 signals"):
        split([], 0, 0)


@pytest.mark.parametrize("value", [-1, 1.0, 1.5, -0.1, float("nan"), True])
def test_unusable_counts_are_named(value):
    with pytest.raises(InputError, match="validation="):
        split(PEOPLE, value, 1)


@pytest.mark.parametrize(
    ("group", "message"),
    [("(", "not a regular expression"), ("^x", "does not match"), (r"^\d+(z)?", "does not match")],
)
def test_unusable_expressions_are_named(group, message):
    with pytest.raises(InputError, match=message):
        split(PEOPLE, 1, 1, group)
