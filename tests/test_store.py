"""Files of arrays: whole ones round trip, all others are one-line errors."""

import json
import os
import pickle
import zipfile

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from safetensors.numpy import save

import theta0.store
from theta0.errors import InputError
from theta0.fields import Fourier, Siren
from theta0.store import Stored, named_arrays, write

CONFIG = Siren(width=6, layers=3)


@pytest.fixture
def field(key):
    return CONFIG.build(key)


@pytest.fixture
def path(tmp_path, field):
    path = tmp_path / "init.safetensors"
    write(path, field, {"note": "grüße", "numbers": [1, 2.5, None]})
    return path


def assert_refused(path, template, words="safetensors|description|file"):
    """One line, naming the file."""
    with pytest.raises(InputError, match=words) as caught:
        Stored(path).into(template)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.slow
def test_round_trip_is_exact(path, field):
    stored = Stored(path)
    other = CONFIG.build(jax.random.PRNGKey(9))
    assert eqx.tree_equal(stored.into(other), field)
    assert stored.facts == {"format": 1, "note": "grüße", "numbers": [1, 2.5, None]}


@pytest.mark.slow
def test_round_trip_of_scalars_integers_and_frozen_arrays(tmp_path, key):
    field = Fourier(width=4, layers=2, features=3).build(key)
    state = optax.adam(1e-3).init(eqx.filter(field, eqx.is_inexact_array))
    tree = {"field": field, "state": state, "count": jnp.int32(7), "empty": jnp.zeros((0, 3))}
    write(tmp_path / "x", tree, {})
    assert eqx.tree_equal(Stored(tmp_path / "x").into(tree), tree)


def test_names_are_dotted_paths(field):
    assert list(named_arrays(field))[:2] == ["layers.0.weight", "layers.0.bias"]
    assert set(named_arrays({"a": [np.zeros(1), 3, "text"]})) == {"a.0"}


def test_any_layout_in_memory_is_written_right(tmp_path):
    tree = {"turned": np.arange(6.0, dtype=np.float32).reshape(2, 3).T}
    write(tmp_path / "x", tree, {})
    np.testing.assert_array_equal(Stored(tmp_path / "x").arrays["turned"], tree["turned"])


def test_a_truncated_file_is_refused_at_every_length(path, field, tmp_path):
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    lengths = {0, 1, 7, 8, 9, header - 1, header, header + 1, len(data) - 4, len(data) - 1}
    lengths |= set(np.linspace(2, len(data) - 2, 12).astype(int).tolist())
    short = tmp_path / "short"
    for length in sorted(lengths):
        short.write_bytes(data[:length])
        assert_refused(short, field)


def test_bytes_too_many_are_refused(path, field, tmp_path):
    long = tmp_path / "long"
    long.write_bytes(path.read_bytes() + b"\0\0\0\0")
    assert_refused(long, field)


def test_flipped_header_bytes_are_refused_or_harmless(path, field, tmp_path):
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    flipped, refused = tmp_path / "flipped", 0
    for position in range(0, header, 3):
        for mask in (0x01, 0x80):
            changed = bytearray(data)
            changed[position] ^= mask
            flipped.write_bytes(changed)
            try:
                found = Stored(flipped).into(field)
            except InputError as error:
                refused += 1
                assert "\n" not in str(error)
            else:
                # A letter of the note, or a space: the arrays are untouched.
                assert jax.tree.structure(found) == jax.tree.structure(field)
    assert refused > header // 4


class Malicious:
    """Unpickling it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_run(tmp_path, field, protocol):
    trap, path = tmp_path / "trap", tmp_path / "init.safetensors"
    path.write_bytes(pickle.dumps(Malicious(trap), protocol))
    assert_refused(path, field)
    assert not trap.exists()
    pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap itself must work, or this test means nothing"


def test_zip_archives_and_numpy_files_are_refused(tmp_path, field):
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("data.pkl", b"\x80\x04.")
    assert_refused(tmp_path / "a", field, "never loaded")
    np.savez(tmp_path / "b.npz", x=np.zeros(3))
    assert_refused(tmp_path / "b.npz", field, "never loaded")
    np.save(tmp_path / "c.npy", np.zeros(3))
    assert_refused(tmp_path / "c.npy", field)


def test_missing_files_folders_and_empty_files_are_refused(tmp_path, field):
    assert_refused(tmp_path / "nowhere", field, "no such file")
    assert_refused(tmp_path, field, "no such file")
    (tmp_path / "empty").write_bytes(b"")
    assert_refused(tmp_path / "empty", field)


def test_too_large_files_are_refused_before_they_are_read(path, field, monkeypatch):
    monkeypatch.setattr(theta0.store, "MAX_BYTES", 100)
    assert_refused(path, field, "larger than")
    with pytest.raises(InputError, match="files of more than 0 MB are not read"):
        write(path, field, {})


def put(path, arrays, facts):
    path.write_bytes(save(arrays, None if facts is None else {"theta0": facts}))


@pytest.mark.parametrize(
    "facts",
    [
        None, "", "not json", "[]", "{}", "null", "3", '"text"', '{"format": "x"}',
        '{"format": null}', '{"format": [1]}', '{"format": Infinity}', '{"format": NaN}',
        "[" * 100_000, '{"a":' * 50_000, '{"format": 1, "format": 1}',
        '{"format": 1, "loss": NaN}', '{"format": 1, "loss": -Infinity}',
        '{"format": 1, "loss": 1e999}',
    ],
)  # fmt: skip
def test_strange_facts_are_refused(tmp_path, field, facts):
    arrays = {name: np.asarray(leaf) for name, leaf in named_arrays(field).items()}
    put(tmp_path / "x", arrays, facts)
    assert_refused(tmp_path / "x", field)


def test_a_newer_format_is_refused_with_advice(tmp_path, field):
    arrays = {name: np.asarray(leaf) for name, leaf in named_arrays(field).items()}
    put(tmp_path / "x", arrays, json.dumps({"format": 2}))
    assert_refused(tmp_path / "x", field, "upgrade theta0")


def changed(field, **changes):
    arrays = {name: np.array(leaf) for name, leaf in named_arrays(field).items()}
    arrays.update({name.replace("__", "."): value for name, value in changes.items()})
    return {name: value for name, value in arrays.items() if value is not None}


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"layers__1__bias": None}, "layers.1.bias"),
        ({"layers__9__bias": np.zeros(6, np.float32)}, "layers.9.bias"),
        ({"layers__1__bias": np.zeros(7, np.float32)}, "layers.1.bias"),
        ({"layers__1__bias": np.zeros((6, 1), np.float32)}, "layers.1.bias"),
        ({"layers__1__bias": np.zeros(6, np.float64)}, "float64"),
        ({"layers__1__bias": np.zeros(6, np.int32)}, "int32"),
        ({"layers__1__bias": np.full(6, np.nan, np.float32)}, "not finite"),
        ({"layers__0__weight": np.full((6, 2), -np.inf, np.float32)}, "not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, field, changes, words):
    put(tmp_path / "x", changed(field, **changes), '{"format": 1}')
    assert_refused(tmp_path / "x", field, words)


def test_facts_that_json_cannot_hold_are_not_written(tmp_path, field):
    with pytest.raises(ValueError):
        write(tmp_path / "x", field, {"loss": float("nan")})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("claimed", [2**24 + 1, 2**40, 2**63, 2**64 - 1])
def test_a_header_that_claims_more_than_any_has_is_not_read(path, field, claimed):
    path.write_bytes(claimed.to_bytes(8, "little") + path.read_bytes()[8:])
    assert_refused(path, field, f"its header claims {claimed} bytes")


def test_an_array_that_is_named_twice_is_refused(path, field):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + size].rstrip()
    name = next(iter(set(json.loads(header)) - {"__metadata__"}))
    twice = header[:-1] + f', "{name}": {json.dumps(json.loads(header)[name])}}}'.encode()
    path.write_bytes(len(twice).to_bytes(8, "little") + twice + data[8 + size :])
    assert_refused(path, field, "a key is there twice")
