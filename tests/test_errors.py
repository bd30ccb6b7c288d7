"""Checks of what a user gives: one line that names what is wrong or missing."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

import theta0
from theta0.errors import InputError, require_defined, require_positive, undefined


@dataclass(frozen=True)
class Unfinished(theta0.ForwardMap):
    """A forward map that says nothing."""


@dataclass(frozen=True)
class Finished(Unfinished):
    """One that says what is asked for."""

    samples: int = 1

    def __call__(self, field, p, key=None):
        return p


def test_what_a_part_lacks_is_named():
    assert undefined(Unfinished()) == ["__call__()", "samples"]
    assert undefined(Finished()) == []
    with pytest.raises(InputError, match=r"Unfinished has no __call__\(\), samples, which every F"):
        require_defined(Unfinished())


@pytest.mark.parametrize("value", ["a", [1], (), -1, float("nan")])
def test_what_is_no_number_above_zero_is_refused_as_a_setting(value):
    with pytest.raises(InputError, match=r"lr is .*; give a number above 0"):
        require_positive(SimpleNamespace(lr=value), "lr")
