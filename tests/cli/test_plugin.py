"""theta0 --plugin: a network, an update rule and a meta-learner of the user's own."""

import shlex
import subprocess
import sys

import numpy as np
import pytest

from theta0.inits import load
from theta0.presets import read_experiment
from theta0.registry import all_registries

PLUGIN = '''"""A small network, descent by signs, and a meta-learner that goes half as far."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp

import theta0
from theta0.fields import Linear, trained
from theta0.inner import adapt
from theta0.meta import Learned


@theta0.register("field", "tiny")
@dataclass(frozen=True)
class Tiny(theta0.NetworkConfig):
    """One layer of hyperbolic tangents."""

    in_size: int = 2
    out_size: int = 3
    width: int = 4
    """hidden units"""
    scale: float = 9.0
    """of the coordinates"""

    def build(self, key):
        a, b = jax.random.split(key)
        first = Linear(jax.random.normal(a, (self.width, self.in_size)), jnp.zeros(self.width))
        last = Linear(jax.random.normal(b, (self.out_size, self.width)), jnp.zeros(self.out_size))
        return TinyField(first, last, self)


class TinyField(theta0.Field):
    first: Linear
    last: Linear
    config: Tiny = eqx.field(static=True)

    def __call__(self, x):
        return jax.nn.sigmoid(self.last(jnp.tanh(self.first(self.config.scale * x))))


@theta0.register("rule", "sign-descent")
@dataclass(frozen=True)
class SignDescent(theta0.RuleConfig):
    """Steps of one size along the sign of the gradient."""

    size: float = 0.01
    """of every change of a weight"""

    def build(self, field):
        return Signs(self.size)


class Signs(theta0.UpdateRule):
    size: float = eqx.field(static=True)

    def init(self, field):
        return None

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        change = jax.tree.map(lambda g: -self.size * jnp.sign(g), trained(gradient))
        return eqx.apply_updates(field, change), state, loss


@theta0.register("meta", "mymeta")
@dataclass(frozen=True)
class HalfWay(theta0.MetaGradient):
    """Towards the adapted weights, by a share of the way."""

    share: float = 0.5
    """of the way"""

    def task_gradient(self, forward, learned, task, key, state=None, query_forward=None):
        field, rule = learned
        adapted, losses = adapt(forward, field, rule, task.support, self.loop, key)
        part = lambda a, b: self.share * (a - b) if eqx.is_inexact_array(a) else a
        return losses[-1], Learned(jax.tree.map(part, field, adapted), rule)
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "p.py"
    path.write_text(PLUGIN)
    return path


@pytest.fixture(scope="module", autouse=True)
def _own_registries():
    """What a plug-in registers is forgotten at the end of the module."""
    with pytest.MonkeyPatch.context() as patch:
        for registry in all_registries():
            patch.setattr(registry, "_classes", dict(registry._classes))
        yield


WORDS = (
    "train", "ct-phantoms", "--scale", "smoke", "--field", "tiny", "--meta", "mymeta",
    "--meta.rule", "sign-descent:0.01", "--outer.steps", 3,
)  # fmt: skip


@pytest.fixture(scope="module")
def own_run(plugin, tmp_path_factory):
    """A run of the plug-in's network, rule and meta-learner."""
    from theta0.cli import run

    out = tmp_path_factory.mktemp("own") / "run"
    words = ["--plugin", plugin, *WORDS, "--field.scale", 7, "--meta.share", 0.25, "--out", out]
    assert run([str(word) for word in words]) == 0
    return out


@pytest.mark.slow
def test_what_is_registered_can_be_trained_and_saved(own_run, ct_run):
    experiment, preset = read_experiment(own_run), read_experiment(ct_run)
    # What the network shares with the preset's keeps its value; the rest is its own.
    assert vars(experiment.field) == {"in_size": 2, "out_size": 1, "width": 8, "scale": 7.0}
    assert (preset.field.width, preset.field.out_size) == (8, 1)
    assert (experiment.meta.steps, experiment.meta.batch) == (preset.meta.steps, preset.meta.batch)
    assert experiment.meta.share == 0.25
    assert vars(experiment.meta.rule) == {"size": 0.01}
    description = load(own_run / "init.safetensors").description
    assert description.field == experiment.field
    assert description.provenance["meta"] == "mymeta"


@pytest.mark.slow
def test_every_command_takes_the_initialization(theta0, plugin, own_run, slice_file, tmp_path):
    mine = ("--plugin", plugin)
    fit = ("fit", own_run, slice_file, "--steps", 2)
    done = theta0(*mine, *fit, "--out", tmp_path / "fit", "--json")
    assert done.code == 0, done.err
    last = done.json["steps"][-1]
    assert (last["rule"], last["settings"], last["steps"]) == ("sign-descent", "sign-descent", 2)
    assert load(tmp_path / "fit" / "fitted.safetensors").description.inner.rule.size == 0.01
    # A rule by name: Signs move every weight by the same amount.
    other = theta0(*mine, *fit, "--rule", "sign-descent:0.5", "--out", tmp_path / "b", "--json")
    assert other.json["steps"][0]["settings"] == "sign-descent:size=0.5"
    before, after = load(own_run / "init.safetensors"), load(tmp_path / "b/fitted.safetensors")
    moved = np.abs(np.asarray(after.field.first.weight - before.field.first.weight))
    assert set(np.round(moved / 0.5, 4).ravel()) <= {0.0, 1.0, 2.0}
    evaluation = theta0(
        *mine, "eval", own_run, "--steps", 0, 1, "--rules", "sign-descent:0.1", "sgd:0.1",
        "--signals", 1, "--tuning-signals", 1, "--inits", "learned", "standard", "--out",
        tmp_path / "eval", "--json",
    )  # fmt: skip
    assert evaluation.code == 0, evaluation.err
    rules = {row["rule"] for row in evaluation.json["results"]}
    assert rules == {"sign-descent", "sgd"}
    info = theta0(*mine, "info", own_run, "--json")
    assert info.code == 0, info.err
    # 2 x 8 + 8 and 8 x 1 + 1.
    assert info.json["weights"] == 33 and info.json["field"]["kind"] == "tiny"
    assert info.json["inner"]["rule"] == {"kind": "sign-descent", "size": 0.01}


@pytest.mark.slow
def test_a_run_is_resumed_with_its_plugin(theta0, plugin, own_run):
    done = theta0("--plugin", plugin, "train", "ct-phantoms", "--resume", "--out", own_run)
    assert done.code == 0, done.err
    assert f"theta0 --plugin {shlex.quote(str(plugin))} eval" in done.err


def test_help_lists_what_is_registered(theta0, plugin):
    done = theta0("--plugin", plugin, "train", "images", "--field", "tiny", "--help")
    assert done.code == 0 and "positional, siren, tiny" in done.out
    assert "sgd, sign-descent, step-sizes" in done.out and "metasgd, mymeta, reptile" in done.out
    # The settings of the network that is named, those of the preset's network that it has not.
    assert "--field.scale" in done.out and "--field.w0" not in done.out
    assert theta0("--plugin", plugin, "--help").code == 0


def test_info_lists_what_is_registered(theta0, plugin):
    done = theta0("--plugin", plugin, "info", "--json")
    assert done.code == 0
    assert set(done.json) == {"field", "forward", "rule", "meta", "signals"}
    assert done.json["field"]["tiny"] == "One layer of hyperbolic tangents."
    assert done.json["rule"]["sign-descent"] == "Steps of one size along the sign of the gradient."
    assert done.json["meta"]["mymeta"] == "Towards the adapted weights, by a share of the way."
    assert {"siren", "fourier", "positional"} <= set(done.json["field"])
    assert "  mymeta   Towards the adapted weights, by a share of the way.\n" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "{run}", "{slice}"),
        ("info", "{run}"),
        ("eval", "{run}"),
        ("train", "ct-phantoms", "--resume", "--out", "{run}"),
    ],
    ids=lambda words: words[0],
)
def test_without_the_plugin_one_line_says_how_to_register(
    refused, own_run, slice_file, words, monkeypatch
):
    for registry in all_registries():
        built_in = {
            name: settings
            for name, settings in registry._classes.items()
            if settings.__module__.startswith("theta0.")
        }
        monkeypatch.setattr(registry, "_classes", built_in)
    words = [word.format(run=own_run, slice=slice_file) for word in words]
    how = r"no field is registered as 'tiny'.*register them first: theta0 --plugin FILE\.py"
    refused(how, *words)


@pytest.mark.slow
def test_a_process_without_the_plugin_ends_with_bad_input(own_run, slice_file):
    """As a user sees it: the registries of this process know too much."""
    command = [sys.executable, "-m", "theta0", "fit", str(own_run), str(slice_file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "no field is registered as 'tiny'" in done.stderr and "--plugin" in done.stderr


@pytest.mark.parametrize(
    "text, words",
    [
        ("def f(:", "SyntaxError"),
        ("x = 1\ny = z", "line 2: NameError: name 'z' is not defined"),
        ("import sys\nsys.exit('no')", "line 2: SystemExit: no"),
        ("import nothing_like_it", "line 1: ModuleNotFoundError.*nothing_like_it"),
        (
            "import theta0\n@theta0.register('field', 'siren')\nclass A(theta0.Siren): pass",
            "line 2: InputError: the field 'siren' is theta0.fields.*already",
        ),
        (
            "import theta0\n@theta0.register('rule', 'plain')\nclass A(theta0.RuleConfig): pass",
            "A cannot be registered as an update rule: decorate it with @dataclass",
        ),
        (
            "import theta0\n@theta0.register('rule', 'plain')\nclass A(theta0.UpdateRule): pass",
            "A cannot be registered as an update rule: derive it from RuleConfig",
        ),
        ("import theta0\ntheta0.register('network', 'x')", "choose from field, forward, rule"),
        ("import theta0\ntheta0.register('field', 'My Net')", "lower-case letters, digits"),
    ],
)
def test_a_plugin_that_fails_is_refused_by_name(refused, tmp_path, text, words):
    path = tmp_path / "broken.py"
    path.write_text(text)
    refused(f"--plugin {path}: .*{words}", "--plugin", path, "inits")


def test_a_plugin_in_the_wrong_place_is_refused(refused, theta0, plugin, tmp_path):
    refused("nowhere.py: no such Python file", "--plugin", "nowhere.py", "inits")
    refused("no such Python file", "--plugin", tmp_path, "inits")
    refused("goes before the command", "info", "--plugin", plugin)
    assert theta0("--plugin", plugin).code == 2
    assert theta0(f"--plugin={plugin}", "inits").code == 0
