"""A fit that falls otherwise than those of its class is noted."""

import warnings
from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.errors import InputWarning
from theta0.evaluation import Candidate
from theta0.fields import Siren
from theta0.forward import Points
from theta0.inits import Description, UsualLosses
from theta0.inner import SGD, Adam, Fit, InnerConfig, InnerLoop, Objective
from theta0.reconstruct import SignalFit, note_if_unlike
from theta0.signals import ImageConfig

USUAL = UsualLosses(64, (0.1, 0.02, 0.01), (0.2, 0.05, 0.02))
DESCRIPTION = Description(
    "hills", "images", Siren(), Points(), InnerConfig(SGD(0.1), 2), ImageConfig(), losses=USUAL
)

LOOP = InnerLoop(2)


def fitted(losses, rule=None):
    field = Siren(width=4, layers=2).build(jax.random.PRNGKey(0))
    return SignalFit("learned", Candidate(rule), Fit(field, np.array(losses), {}, 0.1), [], [])


def noted(done, description=DESCRIPTION, loop=LOOP) -> bool:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        note_if_unlike(done, description, loop)
    return bool(found)


def test_the_note_says_after_how_many_steps_and_by_how_much():
    words = "loss after 2 steps is 15 times the largest of 64 pictures that hills was validated on"
    with pytest.warns(InputWarning, match=words):
        note_if_unlike(fitted([0.3, 0.3, 0.3, 0.01]), DESCRIPTION, InnerLoop(4))


@pytest.mark.parametrize(
    "losses, expected",
    [
        ([0.2, 0.05, 0.03, 9.0], False),  # what comes after was not learned for
        ([0.2, 0.05, 0.05], True),
        ([0.3, 0.3], True),  # fewer steps than learned for
        ([0.3], False),
        ([], False),
    ],
)
def test_the_last_step_that_was_learned_for_decides(losses, expected):
    assert noted(fitted(losses)) == expected


def test_other_rules_and_objectives_are_not_compared():
    bad = [1.0, 1.0, 1.0]
    assert noted(fitted(bad, SGD(0.1)))
    assert noted(SignalFit("learned", Candidate(Adam(1e-3), True), fitted(bad).result, [], []))
    assert not noted(fitted(bad, Adam(1e-3)))
    assert not noted(fitted(bad), loop=InnerLoop(2, objective=Objective(tv=1e-3)))
    assert not noted(fitted(bad), replace(DESCRIPTION, losses=None))
