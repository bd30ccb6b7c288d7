"""Reading a pickle without running it: what is read, and attacks that come to nothing."""

import builtins
import os
import pickle
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from theta0.errors import InputError
from theta0.inits import _pickle
from theta0.inits._pickle import read_pickle

W = np.arange(6, dtype=np.float32).reshape(2, 3)
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


def text(value: str) -> bytes:
    """The instruction that pushes a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


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
        read_pickle(data, "start.pkl")
    assert not canary.sings()
    message = str(caught.value)
    assert message.startswith("start.pkl: ") and "nothing in it was run" in message
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


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY, DTYPE = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"
MAPPING = b"chaiku._src.data_structures\nFlatMapping\n"
F4 = DTYPE + text("f4") + b"\x89\x88\x87R(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ"\
    b"\xff\xff\xff\xffK\x00tb"  # fmt: skip
EMPTY = RECONSTRUCT + NDARRAY + b"K\x00\x85C\x01b\x87R"


def of(array: bytes) -> bytes:
    """The pickle of {"a": {"w": array}}."""
    return b"\x80\x03}" + text("a") + b"}" + text("w") + array + b"ss."


def filled(shape: bytes, dtype: bytes = F4, data: bytes = b"C\x04abcd") -> bytes:
    return of(EMPTY + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb")


def structured():
    return {"a": {"w": np.zeros(2, [("x", "f4"), ("y", "f4")])}}


WHOLE = pickle.dumps({"a": {"w": W, "b": W[0]}}, 3)
LONG = (2**31 - 1).to_bytes(4, "little")
REFUSED = {
    "object": (pickle.dumps({"a": {"w": np.array([{}, {}])}}, 3), "numbers of type 'O8'"),
    "structured": (pickle.dumps(structured(), 3), "numbers of type 'V8'"),
    "integers": (pickle.dumps({"a": {"w": np.arange(3)}}, 3), "numbers of type 'i8'"),
    "half": (pickle.dumps({"a": {"w": np.zeros(3, "f2")}}, 3), "numbers of type 'f2'"),
    "text array": (pickle.dumps({"a": {"w": np.array(["x"])}}, 3), "numbers of type 'U1'"),
    "scalar": (pickle.dumps({"a": {"w": np.float32(1)}}, 3), r"numpy.*multiarray.scalar"),
    "no axes": (pickle.dumps({"a": {"w": np.array(1, "f4")}}, 3), "neither a vector nor a matrix"),
    "no values": (pickle.dumps({"a": {"w": np.zeros(0, "f4")}}, 3), "neither a vector nor"),
    "three axes": (pickle.dumps({"a": {"w": np.zeros((1, 1, 1), "f4")}}, 3), "neither a vector"),
    "subclass": (pickle.dumps({"a": {"w": W.view(np.matrix)}}, 3), "refers to 'numpy.*matrix'"),
    "number": (pickle.dumps({"a": {"w": 3}}, 3), "something else than arrays"),
    "list": (pickle.dumps([1, 2], 3), "instruction EMPTY_LIST"),
    "number at the top": (pickle.dumps(5, 3), "no dict of modules, but a int"),
    "one level": (pickle.dumps({"w": W}, 3), "'w' in it is no dict of arrays"),
    "keys": (pickle.dumps({3: {"w": W}}, 3), "keys are not text"),
    "float": (pickle.dumps({"a": {"w": 0.5}}, 3), "instruction BINFLOAT"),
    "huge shape": (filled(b"J" + LONG + b"J" + LONG + b"\x86"), "2147483647.* 4 bytes"),
    "small shape": (filled(b"K\x01K\x02\x86"), "shape .1, 2., but 4 bytes"),
    "negative shape": (filled(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86"), "neither a vector"),
    "shape of truths": (filled(b"\x88\x85"), "neither a vector"),
    "values that are text": (filled(b"K\x01\x85", data=text("abcd")), "than plain numbers"),
    "type without a state": (filled(b"K\x01\x85", dtype=b"N"), "than plain numbers"),
    "never filled": (of(EMPTY), "something else than arrays"),
    "filled twice": (filled(b"K\x01\x85")[:-3] + b"(tbss.", "than plain numbers"),
    "a type with fields": (of(F4[:-2] + b"t}b"), "than plain numbers|damaged|state"),
    "call of a mapping": (MAPPING + b")R.", "calls Haiku's dict as neither"),
    "call of a mapping with text": (MAPPING + text("x") + b"\x85R.", "calls Haiku's dict as"),
    "call of an array": (NDARRAY + b"K\x08\x85\x85R.", "calls numpy.ndarray as neither"),
    "call of _reconstruct": (
        RECONSTRUCT + NDARRAY + b"J" + LONG + b"\x85C\x01b\x87R.", "_reconstruct as neither",
    ),
    "call of a type": (DTYPE + b"}\x85R.", "calls numpy.dtype as neither"),
    "call of a text": (text("os.system") + b")R.", "calls a str"),
    "call of a mark": (b"(" + b")R.", "calls a object"),
    "state of a name": (NDARRAY + b"}b.", "sets the state of something else than an array"),
    "state of a dict": (b"}}b.", "sets the state of something else"),
    "items of a name": (NDARRAY + text("__new__") + DTYPE + b"s.", "something else than a dict"),
    "items of a text": (text("a") + text("b") + text("c") + b"s.", "something else than a dict"),
    "odd items": (b"}(" + text("a") + b"u.", "keys are not text"),
    "a name that is none": (b"\x80\x04" + text("numpy") + b"N\x93.", "by what is not a name"),
    "persistent id": (b"Pcanary\n.", "instruction PERSID"),
    "persistent id, binary": (text("canary") + b"Q.", "instruction BINPERSID"),
    "extension 1": (b"\x80\x02\x82\x01.", "instruction EXT1"),
    "extension 2": (b"\x80\x02\x83\x01\x00.", "instruction EXT2"),
    "extension 4": (b"\x80\x02\x84\x01\x00\x00\x00.", "instruction EXT4"),
    "NEWOBJ": (b"\x80\x02" + NDARRAY + b"K\x08\x85\x81.", "instruction NEWOBJ"),
    "NEWOBJ_EX": (b"\x80\x04" + NDARRAY + b"K\x08\x85}\x92.", "instruction NEWOBJ_EX"),
    "buffer": (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
    "set": (b"\x80\x04\x8f.", "instruction EMPTY_SET"),
    "long": (b"\x80\x02\x8a\x01\x05.", "instruction LONG1"),
    "unknown instruction": (b"\xff.", "no whole pickle"),
    "empty": (b"", "no whole pickle"),
    "text": (b"dear reader", "no whole pickle|refers to|instruction"),
    "nothing": (b".", "damaged"),
    "two values": (b"}}.", "damaged"),
    "pop of nothing": (b"\x85.", "damaged"),
    "no mark": (b"}t.", "damaged"),
    "memo of nothing": (b"q\x00.", "damaged"),
    "memo that is not there": (b"h\x07.", "damaged"),
    "trailing": (WHOLE + b"x", "1 bytes follow its end"),
    "trailing pickle": (WHOLE + WHOLE, "bytes follow its end"),
    "dict in itself": (b"}q\x00" + text("a") + b"h\x00s.", "something else than arrays"),
    "values too short": (
        of(EMPTY + b"(K\x01K\x40\x85" + F4 + b"\x89C\xff" + bytes(255) + b"tb"), "255 bytes",
    ),
    "values used again": (
        filled(b"K\x40\x85", data=b"B\x00\x01\x00\x00" + bytes(256))[:-3] + b"q\x01"
        + b"".join(b"s" + text(f"w{i}") + b"h\x01" for i in range(99)) + b"ss.", "same values",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_line(name):
    data, words = REFUSED[name]
    with pytest.raises(InputError, match=words) as caught:
        read_pickle(data, "start.pkl")
    message = str(caught.value)
    assert message.startswith("start.pkl: ") and "\n" not in message and len(message) < 300


def test_the_pieces_of_the_refused_are_themselves_accepted():
    # Otherwise the tests above could refuse for another reason than they name.
    (found,) = read_pickle(filled(b"K\x01\x85"), "x")["a"].values()
    assert found.tobytes() == b"abcd" and found.shape == (1,)
    assert set(read_pickle(WHOLE, "x")["a"]) == {"w", "b"}


def test_every_cut_is_refused():
    for end in range(len(WHOLE)):
        with pytest.raises(InputError):
            read_pickle(WHOLE[:end], "x")


def test_changed_bytes_are_refused_or_read_but_never_anything_else():
    rng = np.random.default_rng(0)
    for data in (WHOLE, pickle.dumps({"a": {"w": W}}, 4), pickle.dumps({"a": {"w": W}}, 5)):
        for _ in range(1000):
            changed = bytearray(data)
            for at in rng.integers(0, len(data), rng.integers(1, 4)):
                changed[at] = rng.integers(0, 256)
            try:
                found = read_pickle(bytes(changed), "x")
            except InputError as error:
                assert "\n" not in str(error)
                continue
            arrays = [array for arrays in found.values() for array in arrays.values()]
            assert all(array.dtype.kind == "f" for array in arrays)


BOMBS = {
    "length of bytes": b"\x8e" + (2**40).to_bytes(8, "little") + b"x",
    "length of text": b"\x8d" + (2**40).to_bytes(8, "little") + b"x",
    "length of a bytearray": b"\x96" + (2**40).to_bytes(8, "little") + b"x",
    "number in the memo": b"}r" + LONG + b".",
    "frame": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"}.",
    "shape": filled(b"J" + LONG + b"J" + LONG + b"\x86"),
    "many instructions": b"}" * 1_000_000 + b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_memory_is_taken_for_what_is_only_claimed(name, monkeypatch):
    monkeypatch.setattr(_pickle, "MAX_INSTRUCTIONS", 1000)  # tracing makes them slow
    tracemalloc.start()
    try:
        read_pickle(BOMBS[name], "x")
    except InputError as error:
        assert "\n" not in str(error)
    else:  # harmless, when the claim is not believed: an empty dict
        assert name in ("number in the memo", "frame")
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # A thousand empty dicts take 72 bytes each with their place on the stack.
    assert peak < (2e5 if name == "many instructions" else 1e5)


def test_deep_nesting_does_not_exhaust_the_interpreter():
    deep = b")" + b"\x85" * 90_000
    with pytest.raises(InputError, match="keys are not text"):
        read_pickle(b"}" + deep + b"Ns.", "x")
