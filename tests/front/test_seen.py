"""Test signals of ``theta0.evaluate`` were never learned from."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import theta0
from theta0.front._seen import record, require_unseen, shares_of

pytestmark = pytest.mark.usefixtures("quick_compilation")

PICTURES = np.random.default_rng(0).random((10, 12, 12, 3))
KIND, FIELD = theta0.ImageConfig(size=12), theta0.Siren(width=8, layers=2)


def learned(signals=PICTURES, **more):
    meta = theta0.MAML(steps=1, rule=theta0.SGD(0.01))
    return theta0.learn(signals, meta, kind=KIND, field=FIELD, steps=1, **more)


def judged(init, signals=PICTURES, **more):
    settings = {"inits": (), "rules": "sgd:0.01", "steps": 1, "test_signals": 99} | more
    return theta0.evaluate(init, signals, **settings).rows


@pytest.fixture(scope="module")
def own():
    return learned()


@pytest.mark.slow
@pytest.mark.parametrize("given", [{}, {"shares": theta0.Shares(validation=0.3, test=0.4)}])
def test_those_are_judged_that_were_kept_for_testing(given, monkeypatch):
    """What training draws, and what an evaluation fits, have no picture in common."""
    drawn, family = set(), type(KIND.from_arrays(PICTURES))
    load = lambda self, index: drawn.add(index) or PICTURES[index].astype(np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(type(KIND.from_arrays(PICTURES)._pictures), "load", load)
        init = learned(**given, outer=theta0.OuterConfig(steps=1, tasks=3))
        seen, drawn = drawn, set()
        patch.setattr(family, "mean_signal", lambda self: pytest.fail("asked for"))
        judged(init, tuning_signals=1)
    shares = given.get("shares", theta0.Shares())
    test = shares.of(10).test
    assert set(test) <= drawn and not set(test) & seen


def test_the_same_arrays_by_other_shares_are_refused(own):
    assert shares_of(own) == theta0.Shares()
    with pytest.raises(theta0.InputError, match=r"of the 5 test signals were learned from"):
        judged(own, shares=theta0.Shares(validation=0.25, test=0.5))


def test_arrays_that_hold_what_was_learned_from_are_refused(own):
    learned_from = PICTURES[list(theta0.Shares().of(10).train)]
    # In any order, of another library, as a list, and in single precision.
    for given in (learned_from, learned_from[::-1], list(learned_from), jnp.asarray(learned_from)):
        with pytest.raises(theta0.InputError, match="learned from"):
            judged(own, given)
    judged(own, np.random.default_rng(1).random((6, 12, 12, 3)))


def test_it_is_known_of_what_is_saved_and_of_a_run(own, tmp_path):
    own.save(tmp_path / "own.safetensors")
    learned(folder=tmp_path / "run")
    for place in (tmp_path / "own.safetensors", tmp_path / "run"):
        with pytest.raises(theta0.InputError, match="learned from"):
            judged(theta0.load(place), PICTURES[::-1])


def test_signals_of_any_form_are_told_apart():
    pixels = (255 * PICTURES).astype(np.uint8)
    forms = [list(pixels), [Image.fromarray(one) for one in pixels], pixels]
    found = [record(form, theta0.Shares())["learned_from"] for form in forms]
    assert found[0] == found[1] == found[2] and len(found[0]) == 8
    assert "learned_from" not in record("a/folder", theta0.Shares())


def test_a_family_and_new_signals_pass(own):
    require_unseen(own, PICTURES[:3] / 2, theta0.Shares())
    judged(own, KIND.from_arrays(PICTURES), tuning_signals=1)


def test_an_initialization_may_be_named(own, tmp_path):
    own.save(tmp_path / "own.safetensors")
    (named,), (given,) = judged(tmp_path / "own.safetensors"), judged(own)
    assert named["psnr_mean"] == given["psnr_mean"]
    with pytest.raises(theta0.InputError, match="neither a file, a run folder"):
        judged("no-such-initialization")


def test_every_file_of_a_run_says_what_was_learned_from(tmp_path):
    own = learned(folder=tmp_path)
    for name in ("init", "last"):
        facts = theta0.load(tmp_path / f"{name}.safetensors").description.provenance
        for fact in ("shares", "learned_from"):
            assert facts[fact] == own.description.provenance[fact]


def test_the_digests_are_plain_json(own):
    facts = own.description.provenance
    assert json.loads(json.dumps(facts)) == facts
    broken = dataclasses.replace(
        own, description=dataclasses.replace(own.description, provenance={"shares": {"a": 1}})
    )
    with pytest.raises(theta0.InputError, match="shares of the initialization"):
        shares_of(broken)
