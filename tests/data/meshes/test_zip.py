"""Archives are read as zipfile reads them, and damaged members spoil only themselves."""

import io
import struct
import zipfile

import pytest

from theta0.data.meshes._stores import ZipStore
from theta0.data.meshes._zip import Archive
from theta0.errors import InputError

FILES = {"a.txt": b"hello", "folder/ä.txt": b"x" * 10_000, "b": b""}


def archive(files=FILES, method=zipfile.ZIP_DEFLATED, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        for name, content in files.items() if isinstance(files, dict) else files:
            made.writestr(name, content, **options)
    return stream.getvalue()


def changed(data, place, kind, value):
    """Change a number of the first entry of the directory."""
    at = data.index(b"PK\x01\x02") + place
    size = struct.calcsize(kind)
    return data[:at] + struct.pack(kind, value) + data[at + size :]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n" * 9])
def test_members_are_read(tmp_path, method, before):
    (tmp_path / "a.zip").write_bytes(before + archive(method=method))
    for source in (tmp_path / "a.zip", before + archive(method=method)):
        made = Archive(source)
        assert list(made.members) == list(FILES)
        assert {name: made.read(member) for name, member in made.members.items()} == FILES


def test_large_archives_are_read(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    made = Archive(archive())
    assert made.read(made.members["folder/ä.txt"]) == FILES["folder/ä.txt"]


@pytest.mark.parametrize(
    "place, kind, value, words",
    [
        (8, "<H", 1, "is encrypted"),
        (10, "<H", 14, "compressed by method 14"),
        (16, "<I", 1, "checksum is wrong"),
        (20, "<I", 900_000, "ends beyond the archive"),
        (24, "<I", 4, "not the size"),
        (24, "<I", 6, "not the size"),
        (42, "<I", 3, "does not begin where"),
        (42, "<I", 4_000_000_000, "ends beyond the archive"),
    ],
)
def test_a_forged_member_spoils_only_itself(place, kind, value, words):
    store = ZipStore("a.zip", changed(archive(), place, kind, value), 10**6)
    with pytest.raises(InputError, match=rf"a\.zip: a\.txt.*{words}"):
        store.read("a.txt")
    assert store.read("folder/ä.txt") == FILES["folder/ä.txt"]


def test_versions_and_names_that_are_not_valid_do_not_matter():
    data = changed(archive(), 6, "<H", 99).replace("ä".encode(), b"\xff\xfe")
    store = ZipStore("a.zip", data, 10**6)
    assert store.read("a.txt") == b"hello"
    assert store.names()[1] == "folder/\ufffd\ufffd.txt"


def test_declared_sizes_are_checked_before_memory_is_taken():
    data = changed(archive(), 24, "<I", 4_000_000_000)
    with pytest.raises(InputError, match=r"a\.zip: a\.txt: is 4000 MB, more than the limit of 1"):
        ZipStore("a.zip", data, 10**6).read("a.txt")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_a_name_none_is_chosen():
    store = ZipStore("a.zip", archive([("a", b"1"), ("a", b"2"), ("b", b"3")]), 10**6)
    with pytest.raises(InputError, match="holds a several times"):
        store.read("a")
    assert store.read("b") == b"3"


def test_names_may_differ_in_capitals_and_slashes():
    store = ZipStore("a.zip", archive({"Models/A.OBJ": b"1", "b": b"2", "B": b"3"}), 10**6)
    assert store.read("models/a.obj") == b"1"
    assert store.read("B") == b"3" and store.read("b") == b"2"
    assert ZipStore("a.zip", archive({"c\\d": b"4"}), 10**6).read("c/d") == b"4"


@pytest.mark.parametrize(
    "name", ["../a.txt", "/etc/passwd", "c:/a.txt", "a\0.txt", "..", "x/../.."]
)
def test_names_that_lead_out_are_refused(name):
    with pytest.raises(InputError, match="is not a file inside"):
        ZipStore("a.zip", archive(), 10**6).read(name)


@pytest.mark.parametrize("place", [12, 16])
def test_a_damaged_directory_is_refused(place):
    data = archive()
    at = data.rindex(b"PK\x05\x06") + place
    data = data[:at] + struct.pack("<I", 3_000_000_000) + data[at + 4 :]
    with pytest.raises(InputError, match="cannot be read as a zip archive"):
        Archive(data)
