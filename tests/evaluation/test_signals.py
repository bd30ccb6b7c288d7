"""Which signals choose settings, and which are judged."""

import pytest

from theta0.errors import InputError
from theta0.evaluation import (
    Protocol,
    as_far_as_there_are,
    evaluate,
    judged_tasks,
    require_signals,
)
from theta0.forward import Points
from theta0.inner import SGD

from .slopes import INITS, LEARNED, Slopes

pytestmark = pytest.mark.usefixtures("quick_compilation")


def test_training_signals_are_judged_in_place_of_test_signals_spread_over_them(monkeypatch):
    family = Slopes()
    protocol = Protocol((1,), (SGD(0.05),), tuning_signals=1, signals=2, training_signals=True)
    (row,) = evaluate(Points(), LEARNED, family, protocol)
    assert family.asked == [("validation", 0, None), ("train", 0, None), ("train", 1, None)]
    assert row["n"] == 2
    monkeypatch.setattr(family, "size", lambda split: 7)
    judged_tasks(family, protocol)
    assert [index for _, index, _ in family.asked[-2:]] == [0, 3]


@pytest.mark.parametrize("split, count", [("signals", 4), ("tuning_signals", 4)])
def test_more_signals_than_there_are_is_refused(split, count):
    protocol = Protocol(**{"tuning_signals": 1, "signals": 1, split: count})
    with pytest.raises(InputError, match="only 3"):
        evaluate(Points(), INITS, Slopes(), protocol)
    with pytest.raises(InputError, match=rf"only 3; give --{split.replace('_', '-')} 3"):
        require_signals(protocol, Slopes())


def test_a_protocol_is_shortened_to_the_signals_there_are():
    protocol = as_far_as_there_are(Protocol(tuning_signals=2, signals=16), Slopes())
    assert (protocol.tuning_signals, protocol.signals) == (2, 3)
    require_signals(protocol, Slopes())
