"""An option given twice is refused, unless it takes any number of values: these are joined."""

import pytest

from theta0.cli._repeated import joined, lists
from theta0.cli.data import Data
from theta0.cli.eval import Eval
from theta0.cli.fit import FitArguments
from theta0.cli.train import Train
from theta0.errors import InputError
from theta0.presets import preset

LISTS = {"--steps", "--rules"}


@pytest.mark.parametrize(
    "words, same",
    [
        ("", ""),
        ("a --lr 0.1 --flip b", "a --lr 0.1 --flip b"),
        ("--steps 1 2 --lr -1 --steps=5", "--steps 1 2 5 --lr -1"),
        ("--steps=1 --steps 2 3", "--steps 1 2 3"),
        ("--lr 1 --rules a --steps 1 --rules b", "--lr 1 --rules a b --steps 1"),
        ("--data mine --data.size 3", "--data mine --data.size 3"),
    ],
)
def test_values_are_joined(words, same):
    assert joined(words.split(), lambda: LISTS) == same.split()


@pytest.mark.parametrize(
    "words, name",
    [
        ("--scale a --scale b", "--scale"),
        ("--scale=a --scale b", "--scale"),
        ("--scale a --scale=a", "--scale"),
        ("--training-views 1 --training_views 2", "--training-views"),
        ("--flip --flip", "--flip"),
        ("--data.mirror --data.no-mirror", "--data.mirror"),
        ("--no-chord --chord", "--chord"),
        ("--lr 1 --lr 2 --lr 3 --steps 1 --steps 2", "--lr"),
    ],
)
def test_others_are_refused(words, name):
    with pytest.raises(InputError, match=rf"^{name}: is given [23] times"):
        joined(words.split(), lambda: LISTS)


def test_words_that_are_no_options_may_repeat():
    words = ["-1", "-1", "--", "--", "a", "a", "-h", "-h"]
    assert joined(words, lambda: LISTS) == words


@pytest.mark.parametrize(
    "argv, name",
    [
        (["train", "ct-phantoms", "--scale", "smoke", "--scale=smoke"], "--scale"),
        (["train", "ct-phantoms", "--data.training-views", 1, "--data.training_views", 1],
         "--data.training-views"),
        (["train", "ct-phantoms", "--resume", "--resume"], "--resume"),
        (["fit", "a", "b", "--region", 0, 0, 1, 1, "--region", 0, 0, 1, 1], "--region"),
        (["inits", "--json"], None),
    ],
)  # fmt: skip
def test_commands_refuse_them(refused, theta0, argv, name):
    if name is None:  # what all commands take may stand twice
        assert theta0(*argv, "--json").code == 0
    else:
        refused(f"^theta0: error: {name}: is given 2 times; give it once", *argv)


@pytest.mark.slow
def test_a_command_takes_its_lists_in_parts(theta0, ct_run, tmp_path):
    words = ["--inits", "learned", "--signals", 1, "--tuning-signals", 1, "--out", tmp_path / "out"]
    done = theta0("eval", ct_run, "--steps", 0, *words, "--steps=1", "--json")
    assert done.code == 0, done.err
    assert {row["steps"] for row in done.json["results"]} == {0, 1}


@pytest.mark.parametrize(
    "kind, default, options",
    [
        (Eval, None, {"steps", "rules", "after-learned", "objectives", "inits"}),
        (FitArguments, None, {"inits"}),
        (Data, None, set()),
        (Train, Train(preset("ct-phantoms", "cpu")), {
            "data.also-views", "meta.also-after", "field.layer-w0", "protocol.steps",
            "protocol.rules", "protocol.after-learned",
            "protocol.samples", "protocol.w0", "protocol.objectives", "protocol.more-steps",
        }),
    ],
)  # fmt: skip
def test_the_options_that_take_any_number_of_values(kind, default, options):
    assert set(lists(kind, default)) == {f"--{option}" for option in options}
