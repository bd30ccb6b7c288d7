"""OFF files: kinds of headers, colours of vertices and faces."""

import numpy as np
import pytest

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._stores import FolderStore
from theta0.errors import InputError

POINTS = ["0 0 0", "1 0 0", "1 1 0", "0 1 0"]


def off(tmp_path, kind="OFF", after="", face="4 0 1 2 3", head="\n4 1 0\n"):
    lines = [f"{point} {after}" for point in POINTS] + [face]
    (tmp_path / "plate.off").write_text(kind + head + "\n".join(lines) + "\n")
    return read_mesh(FolderStore(tmp_path, 10**6), "plate.off")


@pytest.mark.parametrize(
    "kind, after, note",
    [
        ("COFF", "200 30 30 255", None),
        ("COFF", "200 30 30", None),
        ("COFF", f"{200 / 255} {30 / 255} {30 / 255} 1.0", None),
        ("CNOFF", "0 0 1 200 30 30 255", None),
        ("STCOFF", "200 30 30 255 0 0", "texture coordinates are ignored"),
        ("STCNOFF", "0 0 1 200 30 30 255 0 0", "texture coordinates are ignored"),
        ("OFF", "200 30 30 255", "the numbers after the vertices are taken for colours"),
        ("COFF", "200 30 30 100", "transparency is ignored"),
    ],
)
def test_colours_of_vertices(tmp_path, kind, after, note):
    mesh = off(tmp_path, kind, after)
    expected = linear_from_srgb(np.array([200, 30, 30]) / 255)
    np.testing.assert_allclose(mesh.parts[0].vertex_colours, np.tile(expected, (6, 1)))  # pyright: ignore[reportCallIssue]
    assert [text.startswith(note or "") for text in mesh.notes] == [True] * (note is not None)


@pytest.mark.parametrize("colour", ["255 0 0", "255 0 0 255", "1.0 0.0 0.0", "1 0 0 1"])
def test_colours_of_faces(tmp_path, colour):
    mesh = off(tmp_path, face=f"4 0 1 2 3 {colour}")
    np.testing.assert_allclose(mesh.parts[0].vertex_colours, np.tile([1, 0, 0], (6, 1)))  # pyright: ignore[reportCallIssue]
    assert mesh.notes == ()


def test_what_is_ignored_is_noted(tmp_path):
    assert off(tmp_path, "NOFF", "0 0 1").notes == ("1 of 1 parts have no material: grey",)
    mesh = off(tmp_path, face="3 0 1 2\n3 0 2 3\n# the end\n")
    assert mesh.faces == 1
    assert "1 lines after the faces that its header declares are left out" in mesh.notes
    notes = off(tmp_path, face="4 0 1 2 3 7").notes
    assert notes[0] == "faces whose colour is a number in a colour map are grey"
    notes = off(tmp_path, "COFF", "255 0 0", face="4 0 1 2 3 0 0 255").notes
    assert notes == ("colours of faces are ignored where vertices have colours",)


@pytest.mark.parametrize(
    "head", ["\n4 1 0\n", " 4 1 0\n", "\n# a plate\n\n4 1 0 # counts\n", "\n4 1\n"]
)
def test_headers(tmp_path, head):
    assert off(tmp_path, head=head).faces == 2
    if head.startswith("\n4"):
        assert off(tmp_path, "", head=head[1:]).faces == 2


@pytest.mark.parametrize("kind, words", [
    ("4OFF", "is 4OFF, of other than three"), ("nOFF", "is nOFF"), ("OFF BINARY", "binary OFF"),
])  # fmt: skip
def test_other_forms_are_refused_by_name(tmp_path, kind, words):
    with pytest.raises(InputError, match=words):
        off(tmp_path, kind)


@pytest.mark.parametrize("options", [
    {"head": "\n9 1 0\n"}, {"head": "\n-4 1 0\n"}, {"face": "5 0 1 2 3"}, {"face": "4 0 1 2 9"},
    {"face": "-1 0 1 2"}, {"after": "x"}, {"head": "\n1000000 1000000 0\n"},
])  # fmt: skip
def test_damaged_files_are_refused(tmp_path, options):
    with pytest.raises(InputError, match=r"plate\.off: "):
        off(tmp_path, **options)
