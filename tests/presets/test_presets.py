"""Presets: they build, round trip as JSON, and PAPER says what the paper says."""

import dataclasses
import json
from typing import Any

import jax
import pytest

from theta0.config import from_plain, to_plain
from theta0.errors import InputError
from theta0.fields import Fourier, Siren, count_weights
from theta0.forward import Lines, Points, check_shapes
from theta0.inits import Description, Initialization, without_folders
from theta0.inner import SGD, Adam, InnerConfig
from theta0.meta import MAML, Reptile
from theta0.presets import PRESETS, Experiment, ct, experiment_of, preset
from theta0.registry import META_LEARNERS
from theta0.signals import CTConfig, ImageConfig, Phantoms, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

EVERY = {
    **{f"{name}-{scale}": PRESETS[name][scale] for name in PRESETS for scale in PRESETS[name]},
    "ct-demo": ct.DEMO,
}
PAPER_CT, PAPER_IMAGES = PRESETS["ct-phantoms"]["paper"], PRESETS["images"]["paper"]


@pytest.fixture(params=EVERY)
def experiment(request):
    return EVERY[request.param]


def test_every_preset_is_known_by_its_own_name_and_scale():
    for name, scales in PRESETS.items():
        assert set(scales) - {"grid"} == {"smoke", "cpu", "paper"}
        assert ("grid" in scales) == name.startswith("image")
        for scale, found in scales.items():
            assert preset(name, scale) is found and (found.preset, found.scale) == (name, scale)


def test_every_preset_builds(experiment):
    field = jax.eval_shape(experiment.field.build, jax.random.PRNGKey(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(field)) > 0
    assert experiment.meta.loop.steps == experiment.meta.steps
    experiment.baseline.build()
    experiment.outer.optimizer()


def test_every_ct_preset_makes_tasks_its_network_can_show():
    for experiment in EVERY.values():
        if not isinstance(experiment.data, CTConfig):
            continue
        small = dataclasses.replace(
            experiment.data, source=Phantoms(), size=16, rays=4, query_pixels=None
        )
        task = small.build().training_tasks(experiment.seed, 0, 1)
        support = jax.tree.map(lambda leaf: leaf[0], task.support)
        check_shapes(experiment.forward, experiment.field, support.p, support.y)


@pytest.mark.slow
def test_every_image_preset_fits_its_own_pictures():
    for name, experiment in EVERY.items():
        if not isinstance(experiment.data, ImageConfig):
            continue
        data, pixels = experiment.data, experiment.data.size**2
        points = pixel_coordinates(4, 4, data.pixel_offset)
        check_shapes(experiment.forward, experiment.field, points, points[:, [0, 0, 0]])
        assert (data.inner_points or 0) + (data.outer_points or 0) <= pixels, name


def test_round_trip_through_json(experiment):
    plain = json.loads(json.dumps(to_plain(experiment), allow_nan=False))
    assert plain["version"] == 2
    assert from_plain(plain, Experiment, "here") == experiment


@pytest.mark.slow
def test_the_papers_ct_experiment():
    data: Any = PAPER_CT.data
    outer = PAPER_CT.outer
    assert count_weights(PAPER_CT.field.build(jax.random.PRNGKey(0))) == 328_961
    assert PAPER_CT.field == Fourier(2, 1, 256, 5, 256, 30.0)
    assert (data.size, data.rays, data.training_views) == (256, 256, 20)
    assert data.source.train == 2048
    assert (data.training_angles, data.measure, data.pixel_offset) == ("random", "mean", 0.0)
    # The outer loss sees other rays, not pixels, and a ray crosses the whole turned square.
    assert data.query_pixels is None and data.chord is False
    assert isinstance(PAPER_CT.forward, Lines) and PAPER_CT.forward.reduce == "mean"
    assert PAPER_CT.meta == Reptile(steps=12, rule=SGD(10.0), batch=None)
    assert (outer.lr, outer.schedule, outer.tasks, outer.steps) == (5e-5, "constant", 1, 100_000)
    assert outer.clip is None


def test_the_papers_image_experiment():
    data: Any = PAPER_IMAGES.data
    outer = PAPER_IMAGES.outer
    assert count_weights(PAPER_IMAGES.field.build(jax.random.PRNGKey(0))) == 198_915
    assert PAPER_IMAGES.field == Siren(2, 3, 256, 5, 200.0, 0.5)
    assert (data.size, data.pixel_offset) == (178, 0.0)
    assert data.inner_points is None and data.outer_points is None
    assert PAPER_IMAGES.forward == Points()
    assert PAPER_IMAGES.meta == MAML(steps=2, rule=SGD(1e-2), batch=None)
    assert (outer.lr, outer.schedule, outer.tasks, outer.steps) == (1e-5, "constant", 3, 150_000)
    assert 2 in PAPER_IMAGES.protocol.steps


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("image-")])
def test_classes_of_pictures_differ_in_their_source_alone(name):
    bases = PRESETS["images"]
    for scale, experiment in PRESETS[name].items():
        base, own = bases[scale], experiment.data
        assert isinstance(base.data, ImageConfig) and isinstance(own, ImageConfig)
        data = dataclasses.replace(own, source=base.data.source)
        assert dataclasses.replace(experiment, preset="images", data=data) == base
        assert own.source != base.data.source
        plain = json.loads(json.dumps(to_plain(experiment)))
        assert plain["data"]["source"]["kind"] == type(own.source).__name__


def test_a_source_is_stored_by_name_and_others_are_refused():
    plain = to_plain(PRESETS["image-celeba"]["paper"])
    assert plain["data"]["source"] == {
        "kind": "CelebA", "path": None, "validation": 25, "test": 100, "limit": 10_000
    }  # fmt: skip
    for change, words in (
        ({"kind": "Instagram"}, "source"),
        ({"group": "x"}, "group"),
        ({"limit": "all"}, "limit"),
        ({"limit": 0}, "limit is 0"),
        ({"path": 3}, "path"),
    ):
        changed = json.loads(json.dumps(plain))
        changed["data"]["source"].update(change)
        with pytest.raises(InputError, match=words) as caught:
            from_plain(changed, Experiment, "config.json")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name, scale, words",
    [
        ("imagse", "cpu", "did you mean images"),
        ("ctt", "cpu", "did you mean ct"),
        ("ct-phantoms", "gpu", "choose from smoke, cpu, paper"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name, scale, words):
    with pytest.raises(InputError, match=words):
        preset(name, scale)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda p: p.update(surprise=1), "surprise"),
        (lambda p: p["outer"].update(surprise=1), "surprise"),
        (lambda p: p.pop("field"), "field"),
        (lambda p: p["field"].update(kind="transformer"), "no field is registered"),
        (lambda p: p["outer"].update(steps="100"), r"expected int, found '100'.*outer\.steps"),
        (lambda p: p["outer"].update(steps=1.5), "expected int, found 1.5"),
        (lambda p: p["outer"].update(lr="fast"), r"expected float, found 'fast'.*outer\.lr"),
        (lambda p: p["outer"].update(schedule="linear"), "schedule"),
        (lambda p: p["protocol"].update(steps=3), r"protocol\.steps"),
        (lambda p: p["protocol"].update(steps=[0, "1"]), "expected int, found '1'"),
        (lambda p: p["protocol"].update(signals=0), "signals is 0"),
        (lambda p: p["data"].update(chord="yes"), "expected bool, found 'yes'"),
        (lambda p: p.update(meta="magic"), "expected a meta-learner with its kind"),
        (lambda p: p["meta"].update(kind="magic"), "no meta-learner is registered"),
        (lambda p: p["meta"].update(rule={"kind": "magic"}), "no update rule is registered"),
        (lambda p: p["meta"]["rule"].update(lr=0.0), "lr is 0"),
        (lambda p: p.update(seed=None), "expected int, found None"),
        (lambda p: p.update(seed=-1), "seed is -1"),
        (lambda p: p["meta"].update(steps=0), "steps is 0; give a number above 0"),
        (lambda p: p["outer"].update(steps=0), "outer.steps is 0"),
        (lambda p: p.update(version=1), "version 1"),
        (lambda p: p.pop("version"), "version None"),
    ],
)
def test_a_config_that_cannot_be_is_an_error_of_one_line(change, words):
    plain = json.loads(json.dumps(to_plain(PAPER_CT)))
    change(plain)
    with pytest.raises(InputError, match=words) as caught:
        from_plain(plain, Experiment, "config.json")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("config.json: ")


@pytest.mark.parametrize("plain", [None, [], "text", 3])
def test_a_config_that_is_no_object_is_an_error(plain):
    with pytest.raises(InputError, match="expected an object"):
        from_plain(plain, Experiment, "config.json")


def test_a_whole_number_is_a_float():
    plain = to_plain(PAPER_CT)
    plain["meta"]["rule"]["lr"] = 10
    assert from_plain(plain, Experiment, "here") == PAPER_CT


def test_an_initialization_that_left_its_run_is_evaluated_as_it_was_learned(experiment):
    description = Description(
        "name", experiment.preset, experiment.field, experiment.forward, experiment.meta.inner,
        without_folders(experiment.data),
        provenance={
            "scale": experiment.scale, "seed": 5,
            "meta": META_LEARNERS.name_of(type(experiment.meta)),
        },
    )  # fmt: skip
    field = Siren(width=4, layers=2).build(jax.random.PRNGKey(0))
    found = experiment_of(Initialization(field, SGD().build(field), description))
    for part in ("preset", "field", "forward", "data"):
        assert getattr(found, part) == getattr(experiment, part)
    assert type(found.meta) is type(experiment.meta)
    assert found.meta.inner == experiment.meta.inner
    assert found.seed == 5


def test_data_of_the_users():
    assert PAPER_IMAGES.with_data("photos").data.path == "photos"
    assert PAPER_CT.with_data("scans.npz").data.path == "scans.npz"
    assert PAPER_CT.data.path is None and PAPER_CT.with_data(None) is PAPER_CT


def test_a_fit_by_a_rule_that_its_meta_learner_does_not_take_is_evaluated(experiment):
    inner = InnerConfig(Adam(1e-3), 3)
    for name, learner in (("metasgd", MAML), ("reptile", Reptile)):
        description = Description(
            "fit", "images", experiment.field, experiment.forward, inner, experiment.data,
            provenance={"meta": name},
        )  # fmt: skip
        field = experiment.field.build(jax.random.PRNGKey(0))
        found = experiment_of(Initialization(field, inner.rule_of(field), description))
        assert type(found.meta) is learner and found.meta.inner == inner
