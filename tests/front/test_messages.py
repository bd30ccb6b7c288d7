"""Errors of the front door name what Python has, not options of the command line."""

import numpy as np
import pytest

import theta0
from theta0.front._messages import in_python

MESSAGES = {
    "a step size (--lr) ten times smaller, or --rule adam": (
        'a step size (lr) ten times smaller, or rule="adam"'
    ),
    "squares with a --data.size that divides": "squares with a kind.size that divides",
    "fewer (--data.source.test and --data.source.validation)": "fewer (shares)",
    "keep some: --data.source.validation": "keep some: shares",
    "--outer.lr (now 1), --meta.rule, or --outer.clip 1.0": (
        "outer.lr (now 1), meta.rule, or outer.clip 1.0"
    ),
    "trust it as it is (--trust of theta0 fit, or trust=True)": "trust it as it is (trust=True)",
    "no path to read the pictures from: give --data PATH": (
        "no path to read the pictures from: give one"
    ),
    "values from -1 to --, a-b --- c": "values from -1 to --, a-b --- c",
}


@pytest.mark.parametrize("told", MESSAGES)
def test_options_become_settings(told):
    for kind in (theta0.InputError, theta0.DivergedError):
        with pytest.raises(kind) as caught, in_python():
            raise kind(told)
        assert str(caught.value) == MESSAGES[told]


def test_what_the_library_raises_says_so_in_python():
    with pytest.raises(theta0.InputError, match=r"from: give one$"):
        theta0.learn(theta0.ViewConfig().with_path(""))
    with pytest.raises(theta0.InputError, match=r"as it is .trust=True.$"):
        theta0.Views(np.ones((1, 8, 8, 3)), c2w=np.eye(4)[None], fov_deg=0.7)
