"""Numbers of the front door: of other types they are refused in the caller's words."""

import numpy as np
import pytest

from theta0.errors import InputError
from theta0.front._checks import check_count, check_share, check_stop, check_whole


@pytest.mark.parametrize("value", [None, 0, 3, np.int64(4)])
def test_whole_numbers_and_nothing_pass(value):
    check_whole(steps=value)


@pytest.mark.parametrize("value", ["3", 2.5, True, np.float32(1), [1]])
def test_what_is_not_a_whole_number_is_named(value):
    with pytest.raises(InputError, match=r"steps is .*; give a whole number"):
        check_whole(batch=None, steps=value)


@pytest.mark.parametrize("value", ["3", 2.5, True, 0, -1])
def test_what_is_not_a_count_is_named_in_the_same_words(value):
    check_count(steps=1, batch=None)
    with pytest.raises(InputError, match=r"steps is .*; give a whole number, 1 or more"):
        check_count(batch=None, steps=value)


@pytest.mark.parametrize("value", ["10%", 0, 1.5, float("nan"), None, True])
def test_what_is_not_a_fraction_is_named(value):
    with pytest.raises(InputError, match=r"keep is .*; give a fraction"):
        check_share("keep", value)


def test_a_fit_ends_in_one_way():
    check_stop(None, None)
    check_stop(2, None)
    check_stop(None, 0.1)
    with pytest.raises(InputError, match="give one of the two"):
        check_stop(2, 0.1)
    for value in (0, -1, "2", float("nan")):
        with pytest.raises(InputError, match=r"seconds is .*; give a time above 0"):
            check_stop(value, None)
