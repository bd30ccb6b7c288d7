"""Settings as plain JSON and as words of the command line, and back."""

import json
from dataclasses import dataclass, field, fields
from typing import Literal, get_type_hints

import pytest

import theta0.evaluation
from theta0.config import VERSION, from_plain, from_words, to_plain, to_words
from theta0.data.images import Folder, Text
from theta0.errors import InputError
from theta0.fields import (
    Finer,
    FlipAverage,
    Fourier,
    Gaussian,
    Grid,
    Hybrid,
    Positional,
    Siren,
    Wire,
)
from theta0.forward import Lines, Points, Volume
from theta0.inner import SGD, Adam, Guarded, InnerConfig, MetaCurvature, Objective, StepSizes, Then
from theta0.meta import FOMAML, MAML, MetaSGD, Reptile
from theta0.registry import FIELDS, FORWARD_MAPS, META_LEARNERS, RULES, SIGNALS, all_registries
from theta0.signals import CTConfig, ImageConfig, Phantoms, PhotoConfig, SliceFile, ViewConfig

SETTINGS = {
    FIELDS: [
        Siren(), Siren(squash=True, w0=30.0), Fourier(bandwidth=5.0), Positional(),
        Siren(layers=4, layer_w0=(60.0, 20.0, 5.5)), Finer(), Finer(3, 1, first_bias=5.0),
        Wire(), Wire(omega0=4.0, sigma0=4.0), Gaussian(), Gaussian(sigma=0.1),
        Grid(), Grid(3, levels=(4, 9), interpolation="quintic"),
        Hybrid(), Hybrid(1, 2, smooth=Siren(width=8), sharp=Grid(levels=(4, 9))),
        FlipAverage(Siren(width=8, layers=3)),
    ],
    FORWARD_MAPS: [
        Points(), Lines(samples=8, reduce="sum", stratified=False),
        Volume(density="softplus", last_interval=1e10),
    ],
    RULES: [
        SGD(), Adam(3e-4), StepSizes(0.06, "weight", 8), StepSizes(steps=None),
        Then(StepSizes(0.06, "weight"), 5, Adam(1e-3)), Then(SGD(), 1, Then(SGD(), 2, Adam(1.0))),
        StepSizes(1e-3, logarithms=True, direction="adam"), Adam(1e-3, halved_after=50),
        Guarded(Adam(1e-3)), Guarded(Then(SGD(), 1, SGD())), MetaCurvature(0.1, 2, "in"),
    ],
    META_LEARNERS: [
        MAML(steps=3, rule=SGD(0.1)), FOMAML(batch=64), Reptile(),
        MetaSGD(objective=Objective(tv=1e-4)), MAML(5, also_after=(1, 2), log_loss=True),
    ],
    SIGNALS: [
        ImageConfig(Folder("my, pictures"), size=32), ImageConfig(Text(9, 2, 2), mirror=True),
        CTConfig(Phantoms(5), also_views=(1, 2)), CTConfig(SliceFile("scans.npz"), photons=1e5),
        ViewConfig(), PhotoConfig(),
    ],
}  # fmt: skip
CASES = [(registry, one) for registry, some in SETTINGS.items() for one in some]


def named(case):
    return type(case).__name__ if not isinstance(case, tuple) else None


@pytest.mark.parametrize("registry, settings", CASES, ids=named)
def test_words_name_settings_and_are_read_back(registry, settings):
    words = to_words(settings, registry)
    assert from_words(words, registry) == settings
    assert words.split(":")[0] == registry.name_of(type(settings))


@pytest.mark.parametrize("registry, settings", CASES, ids=named)
def test_plain_values_are_json_and_are_read_back(registry, settings):
    plain = json.loads(json.dumps(to_plain(settings, registry.base), allow_nan=False))
    assert plain["version"] == VERSION and plain["kind"] == registry.name_of(type(settings))
    assert from_plain(plain, registry.base, "here") == settings


def test_words_say_what_differs_from_the_defaults_and_no_more():
    assert to_words(SGD(), RULES) == "sgd"
    assert to_words(Adam(1e-3), RULES) == "adam:lr=0.001"
    assert to_words(Siren(squash=True), FIELDS) == "siren:squash=true"
    assert to_words(StepSizes(per="weight"), RULES) == "step-sizes:per=weight"
    then = Then(SGD(), 5, Adam(1e-3))
    finer = Then(StepSizes(0.1, "weight"), 5, SGD())
    assert to_words(finer, RULES).startswith("then:first=(step-sizes:lr=0.1,per=weight),steps=5")
    assert to_words(then, RULES) == "then:first=sgd,steps=5,second=adam:lr=0.001"


@pytest.mark.parametrize(
    "words, expected",
    [
        ("adam:1e-3", Adam(1e-3)), ("adam:lr=1e-3", Adam(1e-3)), ("sgd", SGD()),
        ("step-sizes:0.1,per=weight,steps=2", StepSizes(0.1, "weight", 2)),
        ("step-sizes:steps=null", StepSizes()),
        ("then:first=(sgd:0.1),steps=5,second=(adam:1e-3)", Then(SGD(0.1), 5, Adam(1e-3))),
        ("then:(sgd:0.1),steps=5,second=adam", Then(SGD(0.1), 5, Adam())),
    ],
)  # fmt: skip
def test_a_value_without_a_key_is_the_first_setting(words, expected):
    assert from_words(words, RULES) == expected


@pytest.mark.parametrize(
    "words, message",
    [
        ("adan:1e-3", "did you mean adam"), ("adam:fast", "expected float, found 'fast'"),
        ("adam:rate=1e-3", "rate"), ("adam:lr=-1", "lr is -1"),
        ("adam:1e-3,2", "lr is given twice"), ("step-sizes:per=pixel", "per"),
         ("", "no update rule is registered as ''"),
        ("then:first=(sgd:0.1),steps=5,second=(adan)", "did you mean adam"),
        ("then:first=(sgd:0.1),steps=5", "second"),
        ("then:first=(sgd", "a bracket is not closed"), ("then:first=sgd),steps=5", "not opened"),
        ("adam:1e-3,", "nothing before or after a comma"),
    ],
)  # fmt: skip
def test_words_that_name_nothing_are_refused(words, message):
    with pytest.raises(InputError, match=message):
        from_words(words, RULES)


@dataclass(frozen=True)
class Plain:
    name: str
    count: int = 3
    ratio: float = 0.5
    on: bool = False
    mode: Literal["one", "two"] = "one"
    several: tuple[int, ...] = ()
    inner: InnerConfig = field(default_factory=InnerConfig)


def test_a_whole_number_is_a_float_and_nothing_else_is_converted():
    plain = {"version": VERSION, "name": "x", "ratio": 1}
    found = from_plain(plain, Plain, "here")
    assert found == Plain("x", ratio=1.0) and type(found.ratio) is float
    for change in ({"count": "3"}, {"count": 3.0}, {"count": True}, {"on": 1}, {"ratio": "0.5"}):
        with pytest.raises(InputError, match=rf"here: expected .* \(at {next(iter(change))}\)"):
            from_plain({**plain, **change}, Plain, "here")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"surprise": 1}, "surprise"), ({"name": None}, "expected str, found None"),
        ({"mode": "three"}, "mode"), ({"several": [1, "2"]}, "expected int, found '2'"),
        ({"inner": {"rule": {"lr": 0.1}}}, "expected an update rule with its kind"),
        ({"inner": {"rule": "sgd"}}, "expected an update rule with its kind, found 'sgd'"),
        ({"version": VERSION - 1}, f"reads version {VERSION}"), ({"version": None}, "version None"),
    ],
)  # fmt: skip
def test_plain_values_that_cannot_be_are_refused_in_one_line(change, words):
    with pytest.raises(InputError, match=words) as caught:
        from_plain({"version": VERSION, "name": "x", **change}, Plain, "here")
    assert str(caught.value).startswith("here: ") and "\n" not in str(caught.value)


def test_what_is_left_out_is_the_default():
    assert from_plain({"version": VERSION, "name": "x"}, Plain, "here") == Plain("x")
    with pytest.raises(InputError, match="name"):
        from_plain({"version": VERSION}, Plain, "here")


def test_every_registered_kind_of_settings_is_tested_here():
    assert theta0.evaluation  # whatever is built in is registered
    for registry in all_registries():
        tested = {registry.name_of(type(settings)) for settings in SETTINGS[registry]}
        built_in = {
            name for name in registry.names() if registry[name].__module__.startswith("theta0.")
        }
        assert built_in <= tested
        # Every setting of every kind can be said in words: its type can be resolved.
        assert all(
            set(get_type_hints(registry[name])) >= {one.name for one in fields(registry[name])}
            for name in built_in
        )


def test_several_names_that_are_not_registered_are_told_with_one_remedy():
    plain = {"version": VERSION, "rule": {"kind": "a", "first": 1}, "objective": {}}
    with pytest.raises(InputError, match=r"no update rule is registered as 'a'.*--plugin") as one:
        from_plain(plain, InnerConfig, "here")
    assert str(one.value).count("--plugin") == 1
    rules = {"first": {"kind": "a"}, "second": {"kind": "b"}, "steps": 2}
    with pytest.raises(InputError, match=r"registered as 'a'.*registered as 'b'") as both:
        from_plain({"version": VERSION, **rules}, Then, "here")
    assert str(both.value).count("--plugin") == 1
