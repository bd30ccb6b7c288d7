"""What is tried with an initialization, and that a row says all that is needed to fit it again."""

import jax
import optax
import pytest

from theta0.errors import InputError
from theta0.evaluation import Candidate, Init, Protocol
from theta0.evaluation._candidates import additions, candidates
from theta0.fields import FlipAverage, FlipAverageField, config_of
from theta0.inner import SGD, Adam, InnerConfig, InnerLoop, Objective, Sequence, StepSizes, Then
from theta0.meta import Learned

from .slopes import CONFIG, FIELD

STEP_SIZES = StepSizes(0.02, "weight", 3)
OWN = Init.learned(Learned(FIELD, STEP_SIZES.build(FIELD)), InnerConfig(STEP_SIZES, 3))

CANDIDATES = {
    "own": Candidate(None),
    "adam": Candidate(Adam(3e-4)),
    "own, then adam": Candidate(Adam(3e-4), after_own=True),
    "step sizes": Candidate(StepSizes(0.02, "weight", 3)),
    "then": Candidate(Then(StepSizes(0.02, steps=1), 4, Adam(1e-3))),
    "w0": Candidate(SGD(0.1), w0=25.0),
    "objective": Candidate(SGD(0.1), objective=Objective(tv=1e-4, huber=0.1)),
    "samples, flipped": Candidate(SGD(0.1), samples=64, flip=True),
}


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_row_says_what_was_fitted(name):
    candidate = CANDIDATES[name]
    assert Candidate.of_row({"steps": 5, "psnr_mean": 20.0, **candidate.described()}) == candidate


def test_rows_name_the_kind_of_rule_and_its_settings():
    described = {name: candidate.described() for name, candidate in CANDIDATES.items()}
    assert described["own"] == {"rule": "learned"}
    assert described["adam"] == {"rule": "adam", "lr": 3e-4}
    assert described["own, then adam"] == {"rule": "learned+adam", "lr": 3e-4}
    assert described["step sizes"]["settings"] == "step-sizes:lr=0.02,per=weight,steps=3"
    assert described["objective"] == {"rule": "sgd", "lr": 0.1, "tv": 1e-4, "huber": 0.1}


def test_a_rule_that_is_not_registered_is_not_found_again():
    with pytest.raises(InputError, match="no update rule is registered as 'magic'"):
        Candidate.of_row({"rule": "magic"})


def test_an_initialization_has_a_rule_of_its_own_if_that_has_learned_anything():
    assert OWN.rule is not None and OWN.rule_steps == 3
    plain = Init.learned(Learned(FIELD, SGD(0.1).build(FIELD)), InnerConfig(SGD(0.1), 2))
    assert plain.rule is None


def test_the_rule_of_a_candidate():
    assert CANDIDATES["own"].rule_for(OWN) is OWN.rule
    assert CANDIDATES["adam"].rule_for(OWN) == Adam(3e-4)
    both = CANDIDATES["own, then adam"].rule_for(OWN)
    assert isinstance(both, Sequence) and both.first is OWN.rule and both.steps == 3
    with pytest.raises(InputError, match="has no learned rule"):
        CANDIDATES["own"].rule_for(Init(FIELD))


def test_what_is_tried_is_grouped_by_the_kind_of_rule():
    protocol = Protocol(
        rules=(SGD(0.1), Adam(1e-3), SGD(0.01)), after_learned=(Adam(1e-4), Adam(1e-3)), w0=(4.0,)
    )
    names = lambda groups: [[one.rule_name for one in group] for group in groups]
    of_own = candidates(protocol, "learned", OWN)
    assert names(of_own) == [["learned"], ["learned+adam"] * 2, ["sgd"] * 2, ["adam"]]
    assert names(candidates(protocol, "mean", Init(FIELD))) == [["sgd"] * 2, ["adam"]]
    # w0 is Standard's alone, and there with every rule.
    of_standard = candidates(protocol, "standard", Init(FIELD))
    assert [one.w0 for group in of_standard for one in group] == [4.0] * 3
    # Rules of one's own, which need not be registered, take the place of the protocol's.
    ((only,),) = candidates(protocol, "mean", Init(FIELD), [optax.sgd(0.1)])
    assert isinstance(only.rule, optax.GradientTransformation)


def test_rules_that_are_not_registered_have_rows_of_their_own():
    names = lambda rules: [
        group[0].rule_name for group in candidates(Protocol(), "mean", Init(FIELD), rules)
    ]
    two = [optax.sgd(0.1), optax.adam(1e-3)]
    kind = type(two[0]).__name__
    assert names(two) == [f"{kind}-1", f"{kind}-2"]
    assert names([*two[:1], SGD(0.1)]) == [kind, "sgd"]
    assert names(dict(zip(["descent", "adam 1e-3"], two, strict=True))) == ["descent", "adam 1e-3"]


def test_another_w0_changes_where_a_fit_begins():
    begun = CANDIDATES["w0"].begin(Init(FIELD))
    expected = CONFIG.build(jax.random.PRNGKey(0)).with_w0(25.0)
    assert config_of(begun.field) == expected.config
    assert CANDIDATES["adam"].begin(OWN) is OWN


def test_total_variation_is_taken_on_the_points_of_the_signal():
    loop = CANDIDATES["objective"].loop(Protocol(batch=7), 9, 48)
    assert loop == InnerLoop(9, 7, Objective(tv=1e-4, huber=0.1, tv_side=48))
    own = Candidate(SGD(0.1), objective=Objective(tv=1e-4, tv_side=5))
    assert own.loop(Protocol(), 9, 48).objective.tv_side == 5


def test_objectives_are_added_by_their_terms_and_flipping_last():
    both = Objective(tv=1e-4, proximal=0.1)
    protocol = Protocol(objectives=(Objective(tv=1e-5), both, Objective(tv=1e-3)), flip=True)
    found = dict(additions(protocol))
    assert list(found) == ["tv", "tv+proximal", "flip"]
    assert [change["objective"].tv for change in found["tv"]] == [1e-5, 1e-3]
    assert found["flip"] == [{"flip": True}]


def test_two_copies_of_a_network_go_on_as_two():
    both = FlipAverageField(FIELD, FIELD, FlipAverage(config_of(FIELD)))
    for init in (OWN._replace(field=both), Init(both)):
        groups = candidates(Protocol(), "learned", init)
        assert all(one.flip for group in groups for one in group)
