"""Haiku parameters become the same network, with everything a fit needs to know."""

import hashlib
import itertools
import pickle
from typing import Any

import equinox as eqx
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import Siren, evaluate
from theta0.inits import _haiku, import_haiku, load
from theta0.inner import SGD, InnerConfig
from theta0.signals import pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

AUTHORS = "siren__model/siren_layer{}/linear"


def parameters(sizes, pattern=AUTHORS, seed=0, dtype: type = np.float32):
    """Random layers under Haiku's names: no number, _1, _2, …"""
    rng = np.random.default_rng(seed)
    layers = {}
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        bound = 1 / inputs if i == 0 else np.sqrt(6 / inputs) / 30
        layers[pattern.format(f"_{i}" if i else "")] = {
            "w": rng.uniform(-bound, bound, (inputs, outputs)).astype(dtype),
            "b": rng.uniform(-0.01, 0.01, outputs).astype(dtype),
        }
    return layers


def shuffled(layers, seed=1):
    order = np.random.default_rng(seed).permutation(list(layers))
    return {str(name): layers[name] for name in order}


def saved(path, layers):
    path.write_bytes(pickle.dumps(layers, 3))
    return path


@pytest.fixture
def write(tmp_path):
    return lambda layers: saved(tmp_path / "authors.pkl", layers)


@pytest.mark.parametrize(
    "sizes, pattern, w0",
    [
        ((2, 8, 3), AUTHORS, 200.0),
        ((2, 6, 6, 6, 3), "siren/~/linear{}", 30.0),
        ((2, *[5] * 11, 3), "linear{}", 10.0),  # _10 comes after _9, not after _1
        ((2, 7, 7, 3), "net_2/linear{}", 30.0),  # a number that is the same in every name
    ],
)
def test_the_network_is_the_one_haiku_computes(write, sizes, pattern, w0):
    layers = parameters(sizes, pattern)
    init = import_haiku(write(shuffled(layers)), w0=w0)
    assert init.description.field == Siren(2, 3, sizes[1], len(sizes) - 1, w0, 0.5)
    points = pixel_coordinates(9, 9, 0.0)
    x = points.astype(np.float64)
    *hidden, last = layers.values()
    for layer in hidden:
        x = np.sin(w0 * (x @ layer["w"].astype(np.float64) + layer["b"]))
    expected = x @ last["w"].astype(np.float64) + last["b"] + 0.5
    # float32 phases of up to w0 radians, through every layer.
    np.testing.assert_allclose(evaluate(init.field, points), expected, atol=2e-4)


def test_numbers_may_start_with_0(write):
    layers = parameters((2, 4, 4, 3), "mlp/~/linear{}")
    layers = {name if "_" in name else name + "_0": arrays for name, arrays in layers.items()}
    init: Any = import_haiku(write(shuffled(layers)))
    np.testing.assert_array_equal(init.field.layers[1].weight.T, layers["mlp/~/linear_1"]["w"])


def test_float64_becomes_float32(write):
    init: Any = import_haiku(write(parameters((2, 4, 3), dtype=np.float64)))
    expected = parameters((2, 4, 3))[AUTHORS.format("")]["w"].T
    assert init.field.layers[0].weight.dtype == np.float32
    np.testing.assert_array_equal(init.field.layers[0].weight, expected)


def test_the_description_is_the_papers_and_says_where_the_weights_come_from(write, tmp_path):
    path = write(parameters((2, 4, 3)))
    init = import_haiku(path)
    told: Any = init.description
    assert (told.name, told.preset, told.inner) == ("authors", "images", InnerConfig(SGD(1e-2), 2))
    assert (told.data.size, told.data.pixel_offset) == (178, 0.0)
    assert told.field.w0 == 200 and told.field.output_offset == 0.5
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert told.provenance == {"imported": "authors.pkl", "sha256": digest}
    named: Any = import_haiku(path, "celeba", 30.0, 64, "its authors, MIT").description
    assert (named.name, named.field.w0, named.data.size) == ("celeba", 30.0, 64)
    assert named.provenance["credit"] == "its authors, MIT"
    init.save(tmp_path / "init.safetensors")
    again = load(tmp_path / "init.safetensors")
    assert again.description == told and eqx.tree_equal(again.field, init.field)


def changed(change, sizes=(2, 4, 4, 3)):
    layers = parameters(sizes)
    change(layers)
    return layers


FIRST, SECOND, LAST = (AUTHORS.format(number) for number in ("", "_1", "_2"))
REFUSED = {
    "nothing": ({}, "not layers numbered"),
    "one layer": (parameters((2, 3)), "not layers numbered|hidden layers of widths"),
    "a gap": (changed(lambda p: p.pop(SECOND)), "without a gap.*siren_layer_2"),
    "another kind": (changed(lambda p: p.update({"conv/linear": p[FIRST]})), "not layers numbered"),
    "twice the first": (
        changed(lambda p: p.update({AUTHORS.format("_0"): p[FIRST]})), "not layers numbered",
    ),
    "two numbers": (
        {"a/b": {}, "a_1/b_1": {}}, "not layers numbered",
    ),
    "no bias": (changed(lambda p: p[FIRST].pop("b")), "siren_layer/linear' is no linear layer"),
    "more": (changed(lambda p: p[FIRST].update(c=p[FIRST]["b"])), "no linear layer"),
    "w a vector": (changed(lambda p: p[FIRST].update(w=p[FIRST]["b"])), "no linear layer"),
    "transposed": (changed(lambda p: p[FIRST].update(w=p[FIRST]["w"].T)), "no linear layer"),
    "broken chain": (
        changed(lambda p: p.update({SECOND: parameters((5, 4))[FIRST]})),
        "gives 4 values, but the next takes 5",
    ),
    "two widths": (parameters((2, 4, 5, 3)), r"hidden layers of widths \[4, 5\]"),
    "a volume": (parameters((3, 4, 3)), "from 3 coordinates to 3 channels"),
    "grey": (parameters((2, 4, 1)), "from 2 coordinates to 1 channels"),
    "NaN": (changed(lambda p: p[LAST]["w"].fill(np.nan)), "not finite"),
    "too large for float32": (
        changed(lambda p: p[LAST].update(w=np.full((4, 3), 1e300))), "not finite in float32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_another_network_is_refused(write, name):
    layers, words = REFUSED[name]
    path = write(layers)
    with pytest.raises(InputError, match=words) as caught:
        import_haiku(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message
    assert len(message) < len(str(path)) + 400


def test_names_cannot_write_to_the_terminal(write):
    layers = {"a\x1b[31m\n": {"w": np.ones((2, 3), np.float32)}, "b": {}}
    with pytest.raises(InputError) as caught:
        import_haiku(write(layers))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("w0", [0.0, -1.0, float("nan"), float("inf")])
def test_a_frequency_factor_that_cannot_be(write, w0):
    with pytest.raises(InputError, match=f"w0 is {w0}"):
        import_haiku(write(parameters((2, 4, 3))), w0=w0)


def test_a_file_that_is_not_there_or_too_large(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such file"):
        import_haiku(tmp_path / "authors.pkl")
    with pytest.raises(InputError, match="a folder; give a pickle"):
        import_haiku(tmp_path)
    with open(tmp_path / "huge.pkl", "wb") as file:  # takes no room on the disk
        file.truncate(_haiku.MAX_BYTES + 1)
    monkeypatch.setattr(_haiku.Path, "read_bytes", None)
    with pytest.raises(InputError, match="larger than 64 MB"):
        import_haiku(tmp_path / "huge.pkl")
