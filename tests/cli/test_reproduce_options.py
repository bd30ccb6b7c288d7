"""theta0 reproduce: the help says what options do, and what cannot be is refused."""

import ast
import inspect
import itertools
import re

import pytest

from theta0.cli._common import parse
from theta0.cli._targets import TARGETS
from theta0.cli._words import WORDS
from theta0.cli.reproduce import Reproduce
from theta0.inits import load, shipped
from theta0.inner import SGD, Adam, Objective
from theta0.paper import Comparison, Options, Run, RunCache
from theta0.presets import preset
from theta0.signals import ImageConfig

NAMES = re.compile("|".join(sorted(TARGETS, key=len, reverse=True)))


@pytest.fixture(scope="module")
def told():
    """What the help says of each option."""
    (options,) = ast.parse(inspect.getsource(Options)).body
    pairs = itertools.pairwise(options.body)
    return {one.target.id: after.value.value for one, after in pairs
            if isinstance(one, ast.AnnAssign) and isinstance(after, ast.Expr)}  # fmt: skip


def test_the_help_of_an_option_names_the_tables_that_have_it(told):
    own = {option for target in TARGETS.values() for option in target.options}
    for option in own:
        having = {name for name, target in TARGETS.items() if option in target.options}
        assert set(NAMES.findall(told[option])) == having, option


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "figure-training"])
def test_the_help_states_the_defaults(name, told, tmp_path, monkeypatch):
    class Asked(Exception):
        pass

    def ask(comparison, options, signals, tuning_signals, steps):
        raise Asked(options.signals or signals, options.tuning_signals or tuning_signals)

    monkeypatch.setattr(Comparison, "protocol", ask)
    monkeypatch.setattr(Comparison, "inits", lambda *given: {})
    target = TARGETS[name]
    which = "image-text" if target.data is ImageConfig else target.presets[0]
    init = load(shipped()["text"])  # nothing is fitted
    run = Run(which, tmp_path, preset(which, "smoke"), init, "digest")
    with pytest.raises(Asked) as asked:
        target.measure([run], Options(), RunCache(tmp_path), lambda what, done: None)
    for option, default in zip(("signals", "tuning_signals"), asked.value.args, strict=True):
        defaults = dict(re.findall(r"([a-z0-9-]+):\s(\d+)", told[option]))
        assert defaults[name] == str(default), option


def test_rules_and_objectives_are_words():
    words = ["--rules", "sgd:0.01", "adam:lr=1e-3", "--after-learned", "adam:1e-4",
             "--objectives", "tv=1e-5", "tv=1e-6,huber=0.1"]  # fmt: skip
    found = parse(Reproduce, ["table3", *words], "reproduce", registry=WORDS).options
    assert found == Options(
        rules=(SGD(0.01), Adam(1e-3)),
        after_learned=(Adam(1e-4),),
        objectives=(Objective(tv=1e-5), Objective(tv=1e-6, huber=0.1)),
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "name what to reproduce: theta0 reproduce table1"),
        (["tabel1"], "did you mean table1"),
        (["xyz"], "choose from table1, table2"),
        (["--scale", "smoke"], "NAME"),
        (["table2", "--steps", "1"], "table2 has no --steps"),
        (["table1", "--views", "4"], "table1 has no --views"),
        (["table3", "--views", "0"], "views .0,. must be"),
        (["figure-images", "--match-steps", "9"], "figure-images has no --match-steps; leave it"),
        (["table4", "--baseline-signals", "2"], "table4 has no --baseline-signals"),
        (
            ["table2", "--views", "4", "--objectives", "tv=1", "--steps", "1"],
            "no --steps, --views, --objectives; le",
        ),
        (["table1", "--rules", "adm:1e-3"], "did you mean adam"),
        (["table1", "--rules", "adam:fast"], "--rules: .*found 'fast'"),
        (["table3", "--objectives", "tv=much"], "tv=NUMBER"),
        (["table3", "--objectives", "tw=1"], "no term of an objective"),
        (["table1", "--scale", "smoke", "--data", "."], "leave --data out"),
        (["table1", "--signals", "0"], "signals is 0"),
        (["table1", "--signals", "2", "--match-signals", "3"], "--match-signals is 3"),
        (["figure-curves", "--steps", "2", "1"], "must rise"),
        (["table1", "--celeba", "nowhere"], "nowhere: no such file or folder"),
        (["table1", "--runs", "nowhere"], "neither a file, a run folder"),
        (["table1", "--runs", "nowhere", "--scale", "cpu"], "give one of them"),
    ],
)
def test_what_cannot_be_is_refused(refused, arguments, words):
    refused(words, "reproduce", *arguments)
