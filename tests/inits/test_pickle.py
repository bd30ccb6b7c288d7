"""Reading a pickle without running it: what is read, and attacks that come to nothing."""

import builtins
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from theta0.errors import InputError
from theta0.inits._pickle import read_pickle

from .pickled import W, text

ARRAYS = {
    "float32": W,
    "float64": W.astype(np.float64) / 3,
    "big-endian": W.astype(">f4"),
    "column-major": np.asfortranarray(W),
    "not contiguous": np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::2],
    "vector": np.array([1.5, -2.5], np.float32),
}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for module, arrays in expected.items():
        assert found[module].keys() == arrays.keys()
        for key, array in arrays.items():
            assert found[module][key].dtype == array.dtype
            np.testing.assert_array_equal(found[module][key], array)


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_out_as_they_went_in(haiku, protocol):
    expected = {"net/a": ARRAYS, "net/b": {"w": W + 1}}
    nested = haiku({module: haiku(arrays) for module, arrays in expected.items()})
    assert_same(read_pickle(pickle.dumps(nested, protocol), "x"), expected)
    assert_same(read_pickle(pickle.dumps(expected, protocol), "x"), expected)


def test_the_names_of_numpy_1_are_known():
    data = pickle.dumps({"a": {"w": W}}, 3)
    assert b"numpy._core.multiarray" in data or np.__version__ < "2"
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert_same(read_pickle(old, "x"), {"a": {"w": W}})


class Call:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Canary:
    """A trap that makes a file, so that a test sees whether anything ran."""

    def __init__(self, path: Path):
        self.path = path
        self.code = f"__import__('pathlib').Path({str(path)!r}).touch()"

    def sings(self) -> bool:
        sang = self.path.exists()
        self.path.unlink(missing_ok=True)
        return sang


@pytest.fixture
def canary(tmp_path):
    return Canary(tmp_path / "canary")


# Each wakes the canary when it is unpickled, and is refused here in the words beside it.
ATTACKS = {
    "os.system": (
        lambda c: pickle.dumps(Call(os.system, f"touch '{c.path}'"), 4), r"refers to 'posix.system'"
    ),
    "eval": (lambda c: pickle.dumps(Call(eval, c.code), 4), r"refers to 'builtins.eval'"),
    "eval among the layers": (
        lambda c: pickle.dumps({"a": {"w": W, "b": Call(eval, c.code)}}, 3),
        r"refers to 'builtins.eval'",
    ),
    "protocol 0": (
        lambda c: b"cbuiltins\neval\n(V" + c.code.encode() + b"\ntR.", r"refers to 'builtins.eval'"
    ),
    "dotted name": (
        lambda c: b"\x80\x04" + text("numpy") + text("ndarray.__class__.__base__.__subclasses__")
        + b"\x93)R0" + pickle.dumps(Call(eval, c.code), 4), r"'numpy.ndarray.__class__.__base__",
    ),
    "dotted name of numpy's": (
        lambda c: b"\x80\x04" + text("numpy") + text("f2py.os.system") + b"\x93"
        + text(f"touch '{c.path}'") + b"\x85R.", r"'numpy.f2py.os.system'",
    ),
    "INST": (lambda c: b"(V" + c.code.encode() + b"\nibuiltins\neval\n.", "UNICODE"),
    "INST, text in binary": (lambda c: b"(" + text(c.code) + b"ibuiltins\neval\n.", "INST"),
    "OBJ": (lambda c: b"(cbuiltins\neval\n" + text(c.code) + b"o.", r"refers to 'builtins.eval'"),
    "lookup in allowed names": (
        lambda c: b"\x80\x04cbuiltins\ngetattr\ncnumpy\nndarray\n" + text("tofile") + b"\x86R0"
        + pickle.dumps(Call(eval, c.code), 4), r"refers to 'builtins.getattr'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_works_on_pickle_does_nothing_here(canary, name):
    attack, words = ATTACKS[name]
    data = attack(canary)
    with pytest.raises(InputError, match=words) as caught:
        read_pickle(data, "authors.pkl")
    assert not canary.sings()
    message = str(caught.value)
    assert message.startswith("authors.pkl: ") and "nothing in it was run" in message
    assert "\n" not in message and len(message) < 300
    # The same bytes do their work when they are unpickled: this test can fail.
    pickle.loads(data)
    assert canary.sings()


def test_no_module_is_imported(canary, tmp_path, monkeypatch):
    (tmp_path / "trap_of_a_pickle.py").write_text(canary.code + "\nx = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    data = b"ctrap_of_a_pickle\nx\n."
    with pytest.raises(InputError, match=r"refers to 'trap_of_a_pickle.x'"):
        read_pickle(data, "x")
    assert not canary.sings() and "trap_of_a_pickle" not in sys.modules
    assert pickle.loads(data) == 1 and canary.sings()
    del sys.modules["trap_of_a_pickle"]


def test_neither_pickle_nor_import_is_asked(haiku, monkeypatch):
    data = pickle.dumps(haiku({"a": haiku({"w": W})}), 4)

    def forbidden(*args, **kwargs):
        raise AssertionError("was asked")

    for name in ("loads", "load", "Unpickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    monkeypatch.setattr(haiku, "__init__", forbidden)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", forbidden)
        found = read_pickle(data, "x")
    assert_same(found, {"a": {"w": W}})
