"""Networks, meta-learners, ... of a preset changed by name, and what of their settings is kept."""

from dataclasses import replace

import pytest

from theta0.cli._parts import PARTS, remade, with_parts
from theta0.data.images import Folder
from theta0.errors import InputError
from theta0.fields import Fourier, Siren
from theta0.forward import Lines, Points, Volume
from theta0.inner import SGD, Adam, Objective, StepSizes
from theta0.meta import FOMAML, MAML, MetaSGD, Reptile
from theta0.presets import PRESETS
from theta0.presets import preset as preset_of
from theta0.registry import FIELDS
from theta0.signals import CTConfig, ImageConfig, Phantoms, SliceFile


def test_shared_settings_keep_their_values_and_others_their_defaults():
    assert remade(Fourier, Siren(2, 1, 64, 4, w0=30.0)) == Fourier(2, 1, 64, 4)
    assert remade(Siren, Fourier(2, 1, 64, 4, bandwidth=3.0)) == Siren(2, 1, 64, 4)
    assert remade(Volume, Lines(samples=7, reduce="sum")) == Volume(samples=7)
    assert remade(Points, Lines(samples=7)) == Points()


def test_the_same_kind_is_left_as_it_is():
    siren = Siren(w0=7.0, squash=True)
    assert remade(Siren, siren) is siren


@pytest.mark.parametrize(
    "old, kind, new",
    [
        (MAML(5, SGD(0.06), 8), Reptile, Reptile(5, SGD(0.06), 8)),
        (MAML(5, Adam(0.06)), FOMAML, FOMAML(5, Adam(0.06))),
        # Meta-SGD learns step sizes, which begin where the other's step size is; and back.
        (MAML(5, SGD(0.06)), MetaSGD, MetaSGD(5, StepSizes(0.06))),
        (MetaSGD(5, StepSizes(0.06, "weight")), MAML, MAML(5, SGD(0.06))),
        (MetaSGD(5, StepSizes(0.06, "weight")), Reptile, Reptile(5, SGD(0.06))),
        (Reptile(5, objective=Objective(tv=0.1)), MAML, MAML(5, objective=Objective(tv=0.1))),
    ],
)
def test_a_meta_learner_keeps_inner_steps_and_step_size(old, kind, new):
    assert remade(kind, old) == new


def test_a_kind_of_signal_takes_its_own_sources():
    slices = CTConfig(SliceFile("scans.npz", 3, 5), size=32)
    assert remade(ImageConfig, slices).size == 32
    pictures = ImageConfig(Folder(validation=3, test=5), size=32)
    assert remade(CTConfig, pictures) == CTConfig(Phantoms(validation=3, test=5), size=32)


def test_every_preset_takes_every_network_by_name():
    for scales in PRESETS.values():
        for name in set(FIELDS.names()) - {"flip-average"}:
            changed = with_parts(scales["cpu"], {"field": name})
            assert type(changed.field) is FIELDS[name]
            assert changed.field.out_size == scales["cpu"].field.out_size
            assert replace(changed, field=scales["cpu"].field) == scales["cpu"]


def test_nothing_named_is_nothing_changed():
    experiment = preset_of("ct-phantoms", "cpu")
    assert with_parts(experiment, dict.fromkeys(PARTS)) == experiment


def test_a_network_that_needs_another_is_refused():
    with pytest.raises(InputError, match="--field flip-average: field of FlipAverage has no def"):
        with_parts(preset_of("images", "cpu"), {"field": "flip-average"})


def test_a_kind_of_signal_of_another_shape_brings_its_own_network():
    images = preset_of("images", "cpu")
    ct = with_parts(images, {"signals": "ct"})
    assert (ct.field, ct.forward) == ct.data.network()
    named = with_parts(images, {"signals": "ct", "field": "fourier"})
    assert type(named.field) is Fourier and named.field.out_size == ct.field.out_size
    assert named.forward == ct.forward
    # One of the same shape is shown by the preset's.
    assert with_parts(images, {"signals": "images"}).field == images.field


@pytest.mark.slow
def test_a_frequency_for_each_layer_is_kept_by_a_run(theta0, pictures, tmp_path):
    argv = ["train", "images", "--scale", "smoke", "--data", pictures, "--outer.steps", "1"]
    argv += ["--field.layers", "3", "--field.layer-w0", "20", "5.5", "--out", tmp_path / "run"]
    done = theta0(*argv)
    assert done.code == 0, done.err
    info = theta0("info", tmp_path / "run", "--json")
    assert info.json["field"]["layer_w0"] == [20.0, 5.5] and info.json["field"]["layers"] == 3
