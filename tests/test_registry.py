"""What is registered can be saved, loaded and named."""

from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theta0
from theta0.config import VERSION, from_plain, from_words, to_plain, to_words
from theta0.errors import InputError
from theta0.fields import Field, Linear, NetworkConfig, trained
from theta0.forward import ForwardMap, Points
from theta0.inits import Description, Initialization, load
from theta0.inner import SGD, InnerConfig, RuleConfig, UpdateRule
from theta0.meta import MAML, MetaGradient, OuterConfig
from theta0.presets import Experiment, experiment_of
from theta0.registry import (
    FIELDS,
    FORWARD_MAPS,
    META_LEARNERS,
    RULES,
    all_registries,
    register,
)
from theta0.signals import ImageConfig

pytestmark = pytest.mark.usefixtures("quick_compilation", "registries_as_before")


@dataclass(frozen=True)
class OneLayer(NetworkConfig):
    """A linear network."""

    in_size: int = 2
    out_size: int = 1
    spread: float = 1.0

    def build(self, key):
        weight = self.spread * jax.random.normal(key, (self.out_size, self.in_size))
        return OneLayerField(Linear(weight, jnp.zeros(self.out_size)), self)


class OneLayerField(Field):
    layer: Linear
    config: OneLayer = eqx.field(static=True)

    def __call__(self, x):
        return self.layer(x)


@dataclass(frozen=True)
class Doubled(ForwardMap):
    """Twice the value at each point."""

    samples: int = 1
    factor: float = 2.0

    def __call__(self, field, p, key=None):
        return self.factor * Points()(field, p)


@dataclass(frozen=True)
class Scaled(RuleConfig):
    """Gradient descent with one learned step size for all weights."""

    size: float = 0.01
    """before learning"""
    decay: float = 1.0

    def build(self, field):
        return ScaledRule(jnp.asarray(self.size), self.decay)


class ScaledRule(UpdateRule):
    size: jax.Array
    decay: float = eqx.field(static=True)

    def init(self, field):
        return jnp.ones(())

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        moves = jax.tree.map(lambda g: -state * self.size * g, trained(gradient))
        return eqx.apply_updates(field, moves), self.decay * state, loss


@dataclass(frozen=True)
class Halved(MAML):
    """MAML that goes half as far."""

    share: float = 0.5

    def conclude(self, learned, loss, direction, state):
        return jax.tree.map(lambda leaf: self.share * leaf, direction), state


PARTS = [
    (FIELDS, "field", "one-layer", OneLayer, OneLayer(spread=0.5)),
    (FORWARD_MAPS, "forward", "doubled", Doubled, Doubled(factor=3.0)),
    (RULES, "rule", "scaled", Scaled, Scaled(0.1)),
    (META_LEARNERS, "meta", "halved", Halved, Halved(share=0.25, rule=SGD(0.1))),
]


@pytest.fixture
def registered():
    for _, key, name, kind, _ in PARTS:
        theta0.register(key, name)(kind)


@pytest.mark.parametrize("registry, key, name, kind, settings", PARTS, ids=lambda part: None)
def test_settings_of_ones_own_are_plain_values_and_words(
    registered, registry, key, name, kind, settings
):
    plain = to_plain(settings, registry.base)
    assert plain["kind"] == name and plain["version"] == VERSION
    assert from_plain(plain, registry.base, "here") == settings
    assert from_words(to_words(settings, registry), registry) == settings
    assert name in registry.names() and registry[name] is kind


def test_a_value_without_a_key_is_the_first_setting(registered):
    assert from_words("scaled:0.1", RULES) == Scaled(0.1)
    assert from_words("scaled:0.1,decay=0.9", RULES) == Scaled(0.1, 0.9)
    assert from_words("one-layer:3,spread=0.1", FIELDS) == OneLayer(3, spread=0.1)


def initialization():
    description = Description(
        "mine", "none", OneLayer(spread=0.5), Doubled(), InnerConfig(Scaled(0.1), 3),
        ImageConfig(size=8), provenance={"meta": "halved"},
    )  # fmt: skip
    field = description.field.build(jax.random.PRNGKey(0))
    rule = replace(description.inner.rule.build(field), size=jnp.asarray(0.7))
    return Initialization(field, rule, description)


def test_parts_of_ones_own_are_saved_and_loaded(registered, tmp_path):
    before = initialization()
    before.save(tmp_path / "mine.safetensors")
    after: Any = load(tmp_path / "mine.safetensors")
    assert after.description == before.description
    assert eqx.tree_equal(after.learned, before.learned) and after.rule.size == np.float32(0.7)
    found = experiment_of(after)
    assert isinstance(found.meta, Halved) and found.meta.rule == Scaled(0.1)


def test_an_experiment_with_parts_of_ones_own_is_saved_and_loaded(registered):
    experiment = Experiment(
        preset="mine", scale="cpu", data=ImageConfig(), field=OneLayer(), forward=Doubled(),
        meta=Halved(rule=Scaled()), outer=OuterConfig(),
    )  # fmt: skip
    assert from_plain(to_plain(experiment), Experiment, "config.json") == experiment


def test_what_is_not_registered_cannot_be_saved_and_the_message_says_how(tmp_path):
    with pytest.raises(InputError, match=r"OneLayer is not registered.*@theta0.register\('field'"):
        initialization().save(tmp_path / "mine.safetensors")
    assert not (tmp_path / "mine.safetensors").exists()
    for _, key, _, kind, settings in PARTS:
        registry = next(one for one in all_registries() if one.key == key)
        words = rf"{kind.__name__} is not registered.*theta0.register\('{key}', NAME\)"
        with pytest.raises(InputError, match=words):
            to_words(settings, registry)


def test_a_file_that_names_what_is_not_registered_says_how_to_register_it(tmp_path, registered):
    path = tmp_path / "mine.safetensors"
    initialization().save(path)
    for registry in (FIELDS, RULES, FORWARD_MAPS):
        kept = dict(registry._classes)
        (own,) = {"one-layer", "scaled", "doubled"} & set(kept)
        del registry._classes[own]
        with pytest.raises(InputError) as caught:
            load(path)
        message = str(caught.value)
        assert f"no {registry.kind} is registered as {own!r}" in message
        for told in (f"@theta0.register({registry.key!r}", "--plugin FILE.py", registry.group):
            assert told in message
        registry._classes.update(kept)
    assert load(path).description == initialization().description


def test_a_name_that_nobody_has_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no update rule is registered as 'adan'.*adam"):
        RULES["adan"]
    with pytest.raises(InputError, match=r"cannot register a 'network'; choose from field, "):
        register("network", "mine")


def test_a_name_that_is_taken_is_refused():
    theta0.register("rule", "scaled")(Scaled)
    theta0.register("rule", "scaled")(Scaled)  # a module that is run again

    @dataclass(frozen=True)
    class Other(Scaled):
        pass

    with pytest.raises(InputError, match=r"'scaled' is .*Scaled already; register under another"):
        theta0.register("rule", "scaled")(Other)
    with pytest.raises(InputError, match=r"'sgd' is theta0.inner._sgd.SGD already"):
        theta0.register("rule", "sgd")(Scaled)
    assert RULES["sgd"] is SGD and RULES["scaled"] is Scaled


@pytest.mark.parametrize("name", ["", "Mine", "my rule", "my_rule", "-mine", "mine:0.1", "ä"])
def test_a_name_that_words_could_not_hold_is_refused(name):
    with pytest.raises(InputError, match="lower-case letters, digits and hyphens"):
        theta0.register("rule", name)


def test_what_is_no_settings_class_of_its_kind_is_refused():
    with pytest.raises(InputError, match="derive it from RuleConfig"):
        theta0.register("rule", "mine")(OneLayer)

    class Loose(RuleConfig):
        lr: float = 0.1

    with pytest.raises(InputError, match=r"@dataclass\(frozen=True\), below @theta0.register"):
        theta0.register("rule", "mine")(Loose)


def test_every_registry_has_a_base_class():
    bases = {registry.key: registry.base for registry in all_registries()}
    assert bases["rule"] is RuleConfig and bases["meta"] is MetaGradient
    assert all(base is not None for base in bases.values())
