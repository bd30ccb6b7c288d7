"""Pickles that hold anything but Haiku's parameters are refused, whatever they claim."""

import pickle
import tracemalloc

import numpy as np
import pytest

from theta0.errors import InputError
from theta0.inits import _pickle
from theta0.inits._pickle import read_pickle

from .pickled import W, text

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
        read_pickle(data, "authors.pkl")
    message = str(caught.value)
    assert message.startswith("authors.pkl: ") and "\n" not in message and len(message) < 300


def test_the_pieces_of_the_refused_are_themselves_accepted():
    # Otherwise the tests above could refuse for another reason than they name.
    (found,) = read_pickle(filled(b"K\x01\x85"), "x")["a"].values()
    assert found.tobytes() == b"abcd" and found.shape == (1,)
    assert set(read_pickle(WHOLE, "x")["a"]) == {"w", "b"}


def test_every_cut_is_refused():
    for end in range(len(WHOLE)):
        with pytest.raises(InputError):
            read_pickle(WHOLE[:end], "x")


@pytest.mark.slow
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


@pytest.mark.slow
def test_deep_nesting_does_not_exhaust_the_interpreter():
    deep = b")" + b"\x85" * 90_000
    with pytest.raises(InputError, match="keys are not text"):
        read_pickle(b"}" + deep + b"Ns.", "x")
