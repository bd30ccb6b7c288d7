"""What ``theta0.evaluate`` takes, and what it refuses."""

import jax
import numpy as np
import optax
import pytest

import theta0
from theta0.forward import Points
from theta0.inits import Description
from theta0.inner import InnerConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

FIELD = theta0.Siren(width=8, layers=2)
MANY = np.random.default_rng(0).random((6, 12, 12, 3))


def judged(signals=MANY, **more):
    """Rows of a network that has learned nothing."""
    field, inner = FIELD.build(jax.random.PRNGKey(0)), InnerConfig(theta0.SGD(1e-2))
    description = Description(
        "own", "own", FIELD, Points(), inner, theta0.ImageConfig(size=12)
    )  # fmt: skip
    init = theta0.LearnedInitialization(field, inner.rule_of(field), description)
    settings = {"steps": 1, "inits": (), "test_signals": 1, "tuning_signals": 1, **more}
    return theta0.evaluate(init, signals, **settings).rows


@pytest.mark.parametrize(
    "rules, name",
    [
        ("sgd:0.1", "sgd"), (["sgd:0.1"], "sgd"), (theta0.SGD(0.1), "sgd"),
        ({"mine": "sgd:0.1"}, "mine"), (optax.sgd(0.1), type(optax.sgd(0.1)).__name__),
    ],
)  # fmt: skip
def test_one_rule_in_any_form(rules, name):
    (row,) = judged(rules=rules)
    (same,) = judged(rules=[theta0.SGD(0.1)])
    assert (row["rule"], row["steps"]) == (name, 1)
    assert row["psnr"] == pytest.approx(same["psnr"], abs=1e-3)


def test_no_rule_is_not_every_rule():
    for none in ([], (), {}):
        with pytest.raises(theta0.InputError, match="rules: name at least one"):
            judged(rules=none)


def test_signals_of_other_channels_are_refused_before_anything_is_fitted():
    with pytest.raises(theta0.InputError, match="3 channels where the signals have 1; give signal"):
        judged(MANY[..., 0], inits=("mean", "matched"))
