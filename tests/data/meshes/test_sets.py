"""Objects are found in all layouts, with their classes, names and credits."""

import io
import zipfile

import numpy as np
import pytest

from theta0.data.meshes import MeshLimits, find_meshes
from theta0.data.meshes._sets import Credit
from theta0.data.meshes._sh3f import parse_properties
from theta0.errors import InputError

from .mesh_files import OBJ_TETRAHEDRON, write_catalogue


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(OBJ_TETRAHEDRON)
    return root


def keys(objects):
    return [one.key for one in objects]


@pytest.mark.parametrize(
    "names, expected",
    [
        (["b.obj", "a.PLY", "note.txt", ".hidden.obj"], ["Things/a", "Things/b"]),
        (["cars/a.obj", "cars/old/b.glb", "lamps/a.off"], ["cars/a", "cars/old-b", "lamps/a"]),
        (["03001627/1a2b/model.obj", "03001627/3c/model.obj"], ["03001627/1a2b", "03001627/3c"]),
        (["03001627/1a2b/models/model_normalized.obj"], ["03001627/1a2b"]),
        (["a.obj", "a.glb", "A.ply"], ["Things/A", "Things/a-2", "Things/a-3"]),
        (["a chair (1).obj", "Stühle/ä.obj"], ["Stühle/ä", "Things/a_chair_1"]),
    ],
    ids=["folder", "classes", "shapenet v1", "shapenet v2", "same name", "odd names"],
)
def test_classes_and_names_follow_from_the_layout(tmp_path, names, expected):
    assert keys(find_meshes(touch(tmp_path / "Things", *names))) == expected


def test_a_class_may_be_given_and_objects_chosen(tmp_path):
    root = touch(tmp_path, "one/chair.obj", "two/chair.obj", "two/lamp.obj")
    assert keys(find_meshes(root, "chair", match="CHAIR$")) == [
        "chair/one-chair",
        "chair/two-chair",
    ]
    assert keys(find_meshes(root / "two/lamp.obj", "lamp")) == ["lamp/lamp"]
    # One class of ShapeNet is found as well by its own folder.
    shapenet = touch(tmp_path / "03001627", "1a/models/model_normalized.obj")
    assert keys(find_meshes(shapenet, "chair")) == ["chair/1a"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"path": "nowhere"}, "nowhere: no such file or folder"),
        ({"path": "."}, "holds no objects; supported are .obj"),
        ({"path": "there", "match": "sofa"}, "match='sofa'"),
        ({"path": "there", "match": "("}, "not a regular expression"),
        ({"path": "there", "category": "../.."}, "not a name for a class"),
    ],
)
def test_nothing_found_is_refused(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path / ".there", "a.obj")
    touch(tmp_path.parent / f"{tmp_path.name}-there", "a.obj")
    if arguments["path"] == "there":
        arguments = arguments | {"path": f"../{tmp_path.name}-there"}
    with pytest.raises(InputError) as error:
        find_meshes(**arguments)
    assert words in str(error.value)


@pytest.mark.parametrize("given", [".", "chairs"])
def test_a_table_says_whom_to_credit(tmp_path, given):
    touch(tmp_path, "chairs/a.obj", "chairs/b.obj")
    (tmp_path / "index.csv").write_text(
        "category,file,name,source,licence,creator\n"
        'chairs,chairs/a.obj,"Chair, old",a museum,CC0,Ann\n'
    )
    a, b = find_meshes(tmp_path / given)
    assert a.credit == Credit("Chair, old", "a museum", "CC0", "Ann")
    assert b.credit == Credit("b")


LISTED = r"""# a catalogue
id=test
license=CC-BY
name#1=Fauteuil d\u00e9co
category#1=Living room
model#1=/models/chair.obj
creator#1 = Ann
license#1: CC0
name#2=Sideways
category#2=Living room
model#2=/models/packed.zip
modelRotation#2=0 -1 0 1 0 0 0 0 1
name#3=Thief
model#3=../../etc/passwd.obj
category#3=Living \
    room
name#4=Missing
category#4=Bath
model#4=/models/none.obj
name#5=Skewed
category#5=Bath
model#5=/models/chair.obj
modelRotation#5=1 1 0 0 1 0 0 0 1
name#6=Other format
category#6=Bath
model#6=/models/chair.dae
"""


def packed(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.fixture
def catalogue(tmp_path):
    files = {
        "models/chair.obj": OBJ_TETRAHEDRON,
        "models/packed.zip": packed({"readme.txt": "", "deep/model.obj": OBJ_TETRAHEDRON}),
    }
    return write_catalogue(tmp_path / "test.sh3f", LISTED, files)


def test_a_catalogue_lists_its_pieces(catalogue):
    objects = find_meshes(catalogue)
    assert keys(objects) == [
        "Bath/test-004-Missing", "Bath/test-005-Skewed", "Bath/test-006-Other_format",
        "Living_room/test-001-Fauteuil_déco", "Living_room/test-002-Sideways",
        "Living_room/test-003-Thief",
    ]  # fmt: skip
    assert objects[3].credit == Credit("Fauteuil déco", "test.sh3f", "CC0", "Ann")
    assert objects[4].credit == Credit("Sideways", "test.sh3f", "CC-BY", "")
    assert keys(find_meshes(catalogue, "chair", "fauteuil")) == ["chair/test-001-Fauteuil_déco"]


def test_pieces_of_a_catalogue_are_read_and_turned(catalogue):
    pytest.importorskip("trimesh", reason="trimesh is not installed")
    upright, sideways = (find_meshes(catalogue, match=name)[0].read() for name in ("Faut", "Sidew"))
    size = lambda mesh: np.ptp(mesh.parts[0].vertices, axis=0) * np.sqrt(2.75)
    np.testing.assert_allclose(size(upright), [1, 1, 3])
    np.testing.assert_allclose(size(sideways), [3, 1, 1])  # x' = -y in the file's axes


def test_pieces_have_the_size_that_a_catalogue_gives(tmp_path):
    listed = "category#1=c\nmodel#1=a.obj\nwidth#1=40\ndepth#1=20.5\nheight#1=80\n"
    catalogue = write_catalogue(tmp_path / "a.sh3f", listed, {"a.obj": OBJ_TETRAHEDRON})
    extent = np.ptp(find_meshes(catalogue)[0].read().parts[0].vertices, axis=0)
    np.testing.assert_allclose(extent / extent[0], [1, 20.5 / 40, 2])
    write_catalogue(catalogue, listed.replace("40", "-1"), {"a.obj": OBJ_TETRAHEDRON})
    with pytest.raises(InputError, match="width, depth and height are"):
        find_meshes(catalogue)[0].read()


@pytest.mark.parametrize(
    "name, words",
    [
        ("Thief", "not a file inside the folder or archive"),
        ("Missing", "holds no models/none.obj"),
        ("Skewed", "modelRotation"),
        ("Other", "is not a mesh; supported are"),
    ],
)
def test_broken_pieces_are_refused_by_name(catalogue, name, words):
    pytest.importorskip("trimesh", reason="trimesh is not installed")
    (piece,) = find_meshes(catalogue, match=name)
    with pytest.raises(InputError, match=words) as error:
        piece.read()
    assert "test.sh3f" in str(error.value)


def test_sizes_in_archives_are_checked_before_they_are_read(tmp_path):
    pytest.importorskip("trimesh", reason="trimesh is not installed")
    large = "\n" * 3_000_000
    files = {"a.obj": large, "b.zip": packed({"model.obj": large})}
    listed = "category#1=c\nmodel#1=a.obj\ncategory#2=c\nmodel#2=b.zip\n"
    for piece in find_meshes(write_catalogue(tmp_path / "bomb.sh3f", listed, files)):
        with pytest.raises(InputError, match="is 3 MB, more than the limit of 2 MB"):
            piece.read(MeshLimits(megabytes=2))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", packed({"other.txt": ""})])
def test_a_damaged_catalogue_is_refused_by_name(tmp_path, content):
    (tmp_path / "damaged.sh3f").write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.sh3f"):
        find_meshes(tmp_path)


def test_properties_are_read_as_java_does():
    # Cases of the documentation of java.util.Properties.load.
    text = rb"""
Truth = Beauty
 Truth2:Beauty
Truth3                    :Beauty
fruits                           apple, banana, pear, \
                                 cantaloupe, watermelon
cheeses
! a comment
key\ with\=signs = a\tb\\n
name\#1=\u00c4
windows=C:\\
next=1
"""
    assert parse_properties(text) == {
        "Truth": "Beauty", "Truth2": "Beauty", "Truth3": "Beauty", "cheeses": "",
        "fruits": "apple, banana, pear, cantaloupe, watermelon",
        "key with=signs": "a\tb\\n", "name#1": "Ä", "windows": "C:\\", "next": "1",
    }  # fmt: skip


def test_pieces_that_cannot_be_are_named_and_the_others_read(tmp_path):
    listed = (
        "name#1=../../PWNED\ncategory#1=../../x\nmodel#1=/../../../etc/passwd.obj\n"
        "name#2=..\ncategory#2=...\nmodel#2=a.obj\n"
        "name#3=\\ud800\ncategory#3=c\nmodel#3=a.obj\n"
        "name#4=good\ncategory#4=c\nmodel#4=a.obj\n"
        "name#5=nested\ncategory#5=c\nmodel#5=n.zip\n"
    )
    nested = packed({"../../b.obj": OBJ_TETRAHEDRON})
    write_catalogue(tmp_path / "bad.sh3f", listed, {"a.obj": OBJ_TETRAHEDRON, "n.zip": nested})
    objects = find_meshes(tmp_path / "bad.sh3f")
    read, problems = [], []
    for one in objects:
        try:
            read.append((one.key, one.read().faces))
        except InputError as error:
            problems.append(str(error))
    assert read == [("c/bad-004-good", 4)]
    assert len(problems) == 4 and all(text.count("bad.sh3f") == 1 for text in problems)
    assert all(".." not in one.key.split("/") for one in objects)


def test_a_list_that_is_too_long_is_refused_before_it_is_read(tmp_path):
    write_catalogue(tmp_path / "bomb.sh3f", "#" * 9_000_000, {})
    with pytest.raises(InputError, match=r"bomb\.sh3f: Plugin.* is 9 MB, more than the limit of 4"):
        find_meshes(tmp_path / "bomb.sh3f")


def test_a_damaged_catalogue_among_others_is_an_object_with_a_problem(tmp_path):
    (tmp_path / "damaged.sh3f").write_bytes(b"PK")
    touch(tmp_path, "cars/a.obj")
    damaged, car = sorted(find_meshes(tmp_path, match="a"), key=lambda one: one.member)
    assert car.key == "cars/a"
    with pytest.raises(InputError, match=r"damaged\.sh3f: cannot be read as a zip archive"):
        damaged.read()
