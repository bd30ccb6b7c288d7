"""A saved initialization: one file that needs nothing else, and is refused when it was changed."""

import dataclasses
import json
import subprocess
import sys

import equinox as eqx
import jax
import numpy as np
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from theta0.data.images import Arrays, CelebA, Folder, Imagenette
from theta0.errors import InputError
from theta0.fields import FlipAverage, Fourier, Positional, Siren, Wire
from theta0.forward import Lines, Points, Volume
from theta0.inits import Description, Initialization, load, without_folders
from theta0.inner import SGD, Adam, InnerConfig, StepSizes, Then
from theta0.signals import CTConfig, ImageConfig, SliceFile

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIREN = Siren(width=6, layers=3)
PHOTOS = ImageConfig(Folder("photos"), size=16)
DESCRIPTIONS = {
    "images": Description(
        "faces", "images", SIREN, Points(), InnerConfig(SGD(0.01), 2), PHOTOS,
        provenance={"credit": "Ångström", "seed": 3, "validation_psnr": 20.5},
    ),
    "ct": Description(
        "phantoms", "ct-phantoms", Fourier(width=6, layers=3, features=4),
        Lines(samples=8, reduce="sum"), InnerConfig(Adam(0.001), 5, 64), CTConfig(size=16),
    ),
    "step sizes": Description(
        "faces", "images", SIREN, Points(), InnerConfig(StepSizes(0.01, "weight", 2), 2), PHOTOS
    ),
    "step sizes, then Adam": Description(
        "faces", "images", SIREN, Points(),
        InnerConfig(Then(StepSizes(0.01, "weight", 2), 2, Adam(1e-3)), 20), PHOTOS,
    ),
    "flipped": Description(
        "faces", "images", FlipAverage(SIREN), Points(),
        InnerConfig(StepSizes(0.01, steps=2), 2, flip=True), ImageConfig(Folder("photos")),
    ),
    "complex weights": Description(
        "faces", "images", Wire(width=6, layers=3), Points(),
        InnerConfig(StepSizes(0.01, "weight", 2), 2), PHOTOS,
    ),
    "w0 by layer": Description(
        "faces", "images", Siren(width=6, layers=3, layer_w0=(60.0, 20.0)), Points(),
        InnerConfig(SGD(0.01), 2), PHOTOS,
    ),
    "views": Description(
        "chairs", "views", Positional(width=6, layers=3, bands=2),
        Volume(samples=8, density="softplus"), InnerConfig(), ImageConfig(),
    ),
}  # fmt: skip


def initialization(name="ct"):
    description = DESCRIPTIONS[name]
    field = description.field.build(jax.random.PRNGKey(1))
    return Initialization(field, description.inner.rule_of(field), description)


@pytest.fixture
def path(tmp_path):
    initialization().save(tmp_path / "init.safetensors")
    return tmp_path / "init.safetensors"


def test_what_a_rule_has_learned_is_read_whole_where_it_was_saved_in_half(tmp_path):
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    before = initialization("step sizes")
    sizes = jax.tree.map(lambda leaf: leaf * np.float32(1.2345), before.rule)
    before = dataclasses.replace(before, rule=sizes)
    before.save(whole)
    before.save(half, half_rule=True)
    count = sum(leaf.size for leaf in jax.tree.leaves(sizes))
    assert 0 <= whole.stat().st_size - half.stat().st_size - 2 * count < 200  # of names of types
    found = load(half)
    assert found.description == before.description
    pairs = zip(jax.tree.leaves(found.learned), jax.tree.leaves(before.learned), strict=True)
    assert all(a.dtype == b.dtype == np.float32 for a, b in pairs)
    assert eqx.tree_equal(found.field, before.field)
    assert eqx.tree_equal(found.rule, before.rule, rtol=2**-11)
    # A rule that learns nothing is the same either way.
    plain = initialization("images")
    plain.save(whole)
    plain.save(half, half_rule=True)
    assert whole.read_bytes() == half.read_bytes()


def facts_of(path):
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["theta0"])


def rewrite(path, change=lambda facts: None, arrays=lambda arrays: None):
    """The file with its facts or arrays changed in place, and otherwise whole."""
    facts, stored = facts_of(path), load_arrays(path.read_bytes())
    change(facts)
    arrays(stored)
    path.write_bytes(save_arrays(stored, {"theta0": json.dumps(facts)}))


def assert_refused(path, words):
    with pytest.raises(InputError, match=words) as caught:
        load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_round_trip(name, tmp_path):
    before = initialization(name)
    before.save(tmp_path / "x.safetensors")
    after = load(tmp_path / "x.safetensors")
    assert after.description == before.description
    assert eqx.tree_equal(after.learned, before.learned)


def test_arrays_have_the_names_of_field_and_rule(tmp_path):
    initialization("step sizes").save(tmp_path / "x.safetensors")
    layers = [f"layers.{layer}.{part}" for layer in range(3) for part in ("weight", "bias")]
    expected = {f"{of}.{name}" for of in ("field", "rule.step_sizes") for name in layers}
    assert set(load_arrays((tmp_path / "x.safetensors").read_bytes())) == expected


def test_a_setting_that_came_later_has_its_default_in_older_files(tmp_path):
    before = initialization("images")
    before.save(tmp_path / "x.safetensors")
    assert facts_of(tmp_path / "x.safetensors")["description"]["field"]["layer_w0"] == []
    rewrite(tmp_path / "x.safetensors", lambda f: f["description"]["field"].pop("layer_w0"))
    after = load(tmp_path / "x.safetensors")
    assert after.description == before.description
    assert eqx.tree_equal(after.learned, before.learned)


def test_saving_what_was_loaded_gives_the_same_file(path, tmp_path):
    load(path).save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_loading_needs_nothing_but_the_file(path):
    # Another process, another folder, no run beside it.
    program = f"""
import jax
from theta0.forward import Points
from theta0.inits import load
init = load({str(path)!r})
about = init.description
print(about.data.size, about.inner.batch, Points()(init.field, [[0.5, 0.5]])[0, 0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd="/", check=True
    )
    size, batch, value = done.stdout.split()
    expected = Points()(initialization().field, np.array([[0.5, 0.5]], np.float32))[0, 0]
    assert (int(size), int(batch)) == (16, 64)
    assert float(value) == pytest.approx(float(expected), abs=1e-6)


def test_a_header_of_any_length_is_read(tmp_path):
    # Its length comes first in the file, and may begin like a pickle (0x80) or a zip ("PK").
    firsts, before = set(), initialization()
    for letters in range(0, 256, 8):
        description = dataclasses.replace(before.description, name="n" * letters)
        file = tmp_path / "x.safetensors"
        dataclasses.replace(before, description=description).save(file)
        assert load(file).description.name == "n" * letters
        firsts.add(file.read_bytes()[0])
    assert 0x80 in firsts


def test_paths_are_shortened_before_they_are_handed_on():
    for source in (Folder, CelebA, Imagenette, Arrays):
        told = without_folders(ImageConfig(source("/home/someone/faces"), size=16))
        assert told == ImageConfig(source("faces"), size=16)
    assert without_folders(CTConfig(SliceFile("scans/lungs.npz"))).path == "lungs.npz"
    assert without_folders(ImageConfig()) == ImageConfig()
    assert without_folders(CTConfig()) == CTConfig()


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda f: f.update(kind="checkpoint"), "not an initialization"),
        (lambda f: f.update(format=2), "upgrade theta0"),
        (lambda f: f.update(description=None), "expected an object"),
        (lambda f: f["description"].update(version=3), "configuration version 3"),
        (lambda f: f["description"].update(version=1), "version 1, but this theta0"),
        (lambda f: f["description"].pop("version"), "configuration version None"),
        (lambda f: f["description"].update(surprise=1), "surprise"),
        (lambda f: f["description"].pop("inner"), "inner"),
        (lambda f: f["description"]["field"].update(kind="transformer"), "no field is registered"),
        (lambda f: f["description"]["field"].pop("kind"), "field"),
        (lambda f: f["description"]["field"].update(kind=["siren"]), "field"),
        (lambda f: f["description"]["field"].update(width="6"), "expected int, found '6'"),
        (lambda f: f["description"]["field"].update(width=6.5), "expected int, found 6.5"),
        (lambda f: f["description"]["field"].update(width=True), "expected int, found True"),
        (lambda f: f["description"]["field"].update(width=-6), "width is -6"),
        (lambda f: f["description"]["field"].update(layers=10**9), "layers is 1000000000"),
        (lambda f: f["description"]["field"].update(width=10**9), "width is .*needs .* GiB"),
        (lambda f: f["description"]["field"].update(width=10**400), "width is 10+; give at most"),
        (lambda f: f["description"]["field"].update(width=7), "its description says"),
        (lambda f: f["description"]["field"].update(layers=4), "do not match its description"),
        (lambda f: f["description"]["inner"].update(rule={"kind": "magic"}), "no update rule is"),
        (lambda f: f["description"]["inner"]["rule"].update(lr="1"), "expected float, found '1'"),
        (lambda f: f["description"]["inner"]["rule"].update(momentum=0.9), "momentum"),
        (lambda f: f["description"]["data"].update(size=0), "size is 0"),
        (lambda f: f["description"]["data"].update(chord=1), "expected bool, found 1"),
        (lambda f: f["description"].update(name=3), "expected str, found 3"),
        (lambda f: f["description"].update(value_range=[0]), "value_range"),
    ],
)  # fmt: skip
def test_a_changed_description_is_refused(path, change, words):
    rewrite(path, change)
    assert_refused(path, words)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("field.layers.0.weight", np.zeros((5, 8), np.float32), "its description says"),
        ("field.layers.0.weight", np.zeros((6, 8), np.float16), "float16"),
        ("field.layers.0.bias", np.full(6, np.nan, np.float32), "not finite"),
        ("field.frequencies.value", np.full((4, 2), np.inf, np.float32), "not finite"),
        ("field.layers.7.bias", np.zeros(6, np.float32), "do not match"),
        ("rule.lr.value", np.zeros(2, np.float32), "its description says"),
        ("rule.momentum", np.zeros((), np.float32), "do not match"),
    ],
)
def test_changed_arrays_are_refused(path, name, value, words):
    rewrite(path, arrays=lambda arrays: arrays.update({name: value}))
    assert_refused(path, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda f: f["description"]["forward"].update(samples=10**9),
            "1000000000 samples per ray",
        ),
        (lambda f: f["description"]["data"].update(size=10**6), "signals of size 1000000"),
        (lambda f: f["description"]["data"].update(rays=10**9), "scans of .* rays"),
    ],
)
def test_what_no_fit_could_allocate_is_refused_when_it_is_loaded(path, change, words):
    rewrite(path, change)
    assert_refused(path, f"{words}: needs .* GiB .*damaged or forged")
