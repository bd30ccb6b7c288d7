"""Parts from installed packages and from files; nothing is imported because a file names it."""

import importlib.metadata
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theta0
from theta0.config import VERSION, from_plain, from_words, to_words
from theta0.errors import InputError
from theta0.forward import Points
from theta0.inits import Description, Initialization, load
from theta0.inner import SGD, InnerConfig
from theta0.registry import FIELDS, RULES, all_registries, load_plugin
from theta0.signals import ImageConfig
from theta0.store import Stored, write

pytestmark = pytest.mark.usefixtures("quick_compilation", "registries_as_before")


MODULE = """
from dataclasses import dataclass
from theta0.inner import RuleConfig

@dataclass(frozen=True)
class Packaged(RuleConfig):
    lr: float = 0.5

    def build(self, field):
        raise NotImplementedError
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that names a rule, and one that cannot be loaded, as entry points."""
    (tmp_path / "some_package.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    point = lambda name, value: importlib.metadata.EntryPoint(name, value, "theta0.rules")
    points = [point("packaged", "some_package:Packaged"), point("broken", "no_such_package:Rule")]
    found = lambda group: points if group == "theta0.rules" else []
    monkeypatch.setattr(importlib.metadata, "entry_points", found)
    for registry in all_registries():
        monkeypatch.setattr(registry, "_entry_points", None)
    yield
    sys.modules.pop("some_package", None)


def test_entry_points_of_installed_packages_are_found(package):
    assert "packaged" in RULES.names() and "packaged" not in FIELDS.names()
    # Loaded when it is asked for, not before.
    assert "some_package" not in sys.modules
    settings = from_words("packaged:0.25", RULES)
    assert type(settings) is sys.modules["some_package"].Packaged and settings.lr == 0.25
    assert to_words(settings, RULES) == "packaged:lr=0.25"
    plain = {"version": VERSION, "rule": {"kind": "packaged", "lr": 0.25}}
    assert from_plain(plain, InnerConfig, "here") == InnerConfig(settings)


def test_a_package_that_cannot_be_loaded_is_in_the_way_of_its_own_names_alone(package):
    with pytest.raises(InputError, match=r"'broken' cannot be loaded from no_such_package:Rule"):
        RULES["broken"]
    assert to_words(SGD(), RULES) == "sgd" and RULES["packaged"]().lr == 0.5


@pytest.mark.parametrize(
    "kind", ["some_package:Packaged", "some_package.Packaged", "some_package", "os.system", "os"]
)
def test_nothing_is_imported_because_a_file_names_it(package, tmp_path, kind):
    description = Description(
        "mine", "images", theta0.Siren(width=4, layers=2), Points(), InnerConfig(), ImageConfig()
    )
    field = description.field.build(jax.random.PRNGKey(0))
    path = tmp_path / "mine.safetensors"
    Initialization(field, SGD().build(field), description).save(path)
    stored = Stored(path)
    for part in ("field", "forward", "data"):
        facts = {**stored.facts, "description": {**stored.facts["description"]}}
        facts["description"][part] = {"kind": kind}
        write(path, {name: jnp.asarray(leaf) for name, leaf in stored.arrays.items()}, facts)
        before = set(sys.modules)
        with pytest.raises(InputError, match="is registered as"):
            load(path)
        assert "some_package" not in sys.modules and set(sys.modules) == before


PLUGIN = """
from dataclasses import dataclass
import theta0
from helper_of_plugin import SIZE

@theta0.register("rule", "plugged-in")
@dataclass(frozen=True)
class PluggedIn(theta0.RuleConfig):
    lr: float = SIZE

    def build(self, field):
        return theta0.SGD(self.lr).build(field)
"""


def test_a_file_of_ones_own_registers_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "helper_of_plugin.py").write_text("SIZE = 0.125")
    load_plugin(tmp_path / "plugin.py")
    settings = from_words("plugged-in", RULES)
    assert settings.lr == 0.125
    field = theta0.Siren(width=4, layers=2).build(jax.random.PRNGKey(0))
    np.testing.assert_array_equal(settings.build(field).lr(), 0.125)
    # Loaded again, as in another call of the same process, it is itself, not a second of its name.
    load_plugin(tmp_path / "plugin.py")
    sys.modules.pop("helper_of_plugin")


@pytest.mark.parametrize(
    "text, words",
    [
        ("1 / 0", "line 1: ZeroDivisionError"), ("def", "SyntaxError"),
        ("\nimport no_such_module", "line 2: ModuleNotFoundError.*no_such_module"),
        ("import theta0\ntheta0.register('rule', 'sgd')(int)", "line 2: InputError"),
    ],
)  # fmt: skip
def test_a_file_that_fails_says_where(tmp_path, monkeypatch, text, words):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "plugin.py").write_text(text)
    with pytest.raises(InputError, match=rf"--plugin .*plugin.py: {words}") as caught:
        load_plugin(tmp_path / "plugin.py")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.py", "folder", "plugin.txt"])
def test_a_plugin_that_is_no_python_file_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "plugin.txt").write_text("x = 1")
    with pytest.raises(InputError, match="no such Python file"):
        load_plugin(tmp_path / name)
