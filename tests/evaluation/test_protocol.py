"""Settings of a protocol that cannot be are refused before anything is fitted."""

import pytest

from theta0.errors import InputError
from theta0.evaluation import Protocol
from theta0.inner import Objective


@pytest.mark.parametrize(
    "change, words",
    [
        ({"steps": ()}, "above 0"), ({"steps": (0,)}, "above 0"), ({"steps": (-1, 2)}, "0 or more"),
        ({"steps": (2, 1)}, "must rise"), ({"steps": (1, 1)}, "must rise"),
        ({"rules": ()}, "at least one"), ({"objectives": (Objective(),)}, "adds no term"),
        ({"signals": 0}, "signals is 0"), ({"tuning_signals": -1}, "tuning_signals is -1"),
        ({"stopping_signals": 0}, "stopping_signals is 0"), ({"samples": (64, 0)}, "samples"),
        ({"views": 0}, "views is 0"), ({"batch": 0}, "batch is 0"), ({"w0": (-1.0,)}, "w0 has -1"),
        ({"w0": (float("inf"),)}, "w0 has inf"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1"),
        ({"validation_fraction": 0.0}, "validation_fraction is 0"),
        ({"more_steps": (100,)}, "from above 100"), ({"more_steps": (300, 200)}, "must rise"),
    ],
)  # fmt: skip
def test_protocols_that_cannot_be_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        Protocol(**change)


def test_tables_are_about_the_signals_that_are_judged():
    assert (Protocol().judged, Protocol(training_signals=True).judged) == ("test", "training")
