"""OBJ files and their material libraries: every key is honoured, refused or noted."""

import time

import numpy as np
import pytest
from PIL import Image

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes import MeshLimits
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._stores import FolderStore
from theta0.errors import InputError

PLATE = """v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl m
f 1/1 2/2 3/3 4/4
"""


def write(folder, mtl=None, obj=PLATE, picture="tex.png"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plate.obj").write_text(("mtllib plate.mtl\n" if mtl is not None else "") + obj)
    if mtl is not None:
        (folder / "plate.mtl").write_text("newmtl m\n" + mtl)
    if picture:
        (folder / picture).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (255, 255, 255)).save(folder / picture)
    return folder


def read(folder, limits=None):
    return read_mesh(FolderStore(folder, 10**8, "plate.obj"), "plate.obj", limits)


@pytest.mark.parametrize(
    "mtl, colour",
    [
        ("map_Kd tex.png", 1.0),
        ("Kd 1 1 1\nmap_Kd tex.png", 1.0),
        ("Kd 0 0 0\nmap_Kd tex.png", 1.0),
        ("Kd 0.5 0.5 0.5\nmap_Kd tex.png", 0.2140411),
        ("Kd 0.5\nmap_Kd tex.png", 0.2140411),
        ("Ka 0 0 0\nKs 0 0 0\nNs 10\nillum 2\nd 1\nmap_Kd tex.png", 1.0),
        ("map_Ka tex.png\n  map_Kd\ttex.png", 1.0),
    ],
)
def test_the_colour_factor_of_a_texture(tmp_path, mtl, colour):
    mesh = read(write(tmp_path, mtl))
    np.testing.assert_allclose(mesh.parts[0].colour, colour, atol=1e-6)
    assert mesh.parts[0].texture is not None and mesh.notes == ()


@pytest.mark.parametrize("mtl", ["", "Ka 1 1 1\nillum 1"])
def test_a_material_without_colour_is_grey(tmp_path, mtl):
    mesh = read(write(tmp_path, mtl))
    np.testing.assert_allclose(mesh.parts[0].colour, linear_from_srgb(np.full(3, 0.5)))
    assert mesh.notes == ("1 of 1 parts have no material: grey",)


@pytest.mark.parametrize(
    "mtl, note",
    [
        ("Kd 1 1 1\nd 0.5", "transparency is ignored"),
        ("Kd 1 1 1\nTr 0.5", "transparency is ignored"),
        ("Kd 1 1 1\nmap_d tex.png", "transparency is ignored"),
        ("Kd 1 1 1\nKe 1 1 0", "emission is ignored"),
        ("Kd 1 1 1\nmap_Bump tex.png", "a bump map is ignored"),
        ("Kd 1 1 1\nmap_Kd none.png", "none.png is missing"),
        ("Kd 1 1 1\nmap_Kd -mm 0 2 tex.png", "the options -mm and -t of map_Kd are ignored"),
        ("Kd 1 1 1\nmap_Kd C:\\x\\tex.png", "C:\\x\\tex.png is missing: tex.png is used"),
        ("Kd 1 1 1\nmap_Kd /x/tex.png", "/x/tex.png is missing: tex.png is used"),
        ("Kd spectral file.rfl\nmap_Kd tex.png", "Kd spectral file.rfl is ignored"),
    ],
)
def test_what_changes_the_look_and_is_ignored_is_noted(tmp_path, mtl, note):
    (told,) = read(write(tmp_path, mtl)).notes
    assert told.startswith(note)


@pytest.mark.parametrize(
    "line, picture",
    [
        (
            "-s 2 2 1 -o 0.5 0 0 -clamp on -bm 1 tex name with spaces.png",
            "tex name with spaces.png",
        ),
        (
            "-clamp on -o 0.5 -s 2 2 -blendu off -imfchan l 2.png".replace("-imfchan l ", ""),
            "2.png",
        ),
        ('-s 2 2 -o 0.5 0 -clamp on "sub/a b.png"', "sub/a b.png"),
        ("-s 2 2 -o .5 0 0 -clamp on sub\\a.png", "sub/a.png"),
        ("-s 2 2 -o 5e-1 0 0 -clamp on SUB/A.PNG", "sub/a.png"),
        ("-texres 512 -boost 1 -s 2 2 -o 0.5 -clamp on -x.png", "-x.png"),
        ("-s 2 2 -o 0.5 -clamp on Straße.png", "Straße.png"),
    ],
)
def test_options_of_textures(tmp_path, line, picture):
    mesh = read(write(tmp_path, f"map_Kd {line}\n", picture=picture))
    (part,) = mesh.parts
    assert mesh.notes == ()
    np.testing.assert_allclose(part.uv[:3], [[0.5, 0], [2.5, 0], [2.5, 2]])
    assert part.sampling.wrap == "clamp"


def test_textures_are_found_beside_the_library_and_beside_the_mesh(tmp_path):
    for place in ("", "materials/"):
        folder = write(tmp_path / f"in{len(place)}", picture=place + "tex.png")
        (folder / "materials").mkdir(exist_ok=True)
        (folder / "materials/my plate.mtl").write_text("newmtl m\nmap_Kd tex.png")
        (folder / "plate.obj").write_text("mtllib materials/my plate.mtl other.mtl\n" + PLATE)
        (folder / "other.mtl").write_text("newmtl m\nKd 0 0 1\n")
        mesh = read(folder)
        assert mesh.parts[0].texture is not None and mesh.notes == ()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    write(tmp_path / "inside", "Kd 1 1 1\nmap_Kd tex.png", picture=None)
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    (tmp_path / "inside/tex.png").symlink_to(tmp_path / "secret.png")
    mesh = read(tmp_path / "inside")
    assert mesh.parts[0].texture is None
    assert "tex.png is missing" in mesh.notes[0] and "link out of the folder" in mesh.notes[0]
    # A folder of links to objects is one that its owner made.
    write(tmp_path / "object", "map_Kd tex.png")
    (tmp_path / "all").mkdir()
    (tmp_path / "all/a").symlink_to(tmp_path / "object")
    mesh = read_mesh(FolderStore(tmp_path / "all", 10**6, "a/plate.obj"), "a/plate.obj")
    assert mesh.parts[0].texture is not None


def test_unknown_materials_are_named(tmp_path):
    mesh = read(write(tmp_path, "Kd 1 0 0\n", PLATE.replace("usemtl m", "usemtl other")))
    assert mesh.notes == (
        "no library holds the material other", "1 of 1 parts have no material: grey"
    )  # fmt: skip


@pytest.mark.parametrize("scale", [1, 255])
def test_colours_of_vertices(tmp_path, scale):
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]
    lines = [
        f"v {x} {y} 0 " + " ".join(str(value * scale) for value in row)
        for (x, y), row in zip([(0, 0), (1, 0), (1, 1), (0, 1)], rows, strict=True)
    ]
    mesh = read(write(tmp_path, obj="\n".join([*lines, "f 1 2 3 4"])))
    np.testing.assert_allclose(mesh.parts[0].vertex_colours[[0, 1, 2, 5]], rows)
    assert mesh.notes == ()


def test_weights_of_vertices_are_no_colours(tmp_path):
    mesh = read(write(tmp_path, obj="v 0 0 0 1\nv 1 0 0 1\nv 0 1 0 1\nf 1 2 3\n"))
    assert mesh.parts[0].vertex_colours is None


FACES = {
    "relative": PLATE.replace("f 1/1 2/2 3/3 4/4", "f -4/-4 -3/-3 -2/-2 -1/-1"),
    "normals": PLATE.replace("f 1/1 2/2 3/3 4/4", "vn 0 0 1\nf 1/1/1 2/2/1 3/3/1 4/4/1"),
    "continued": PLATE.replace("f 1/1 2/2", "f 1/1 \\\n 2/2"),
    "windows": PLATE.replace("\n", "\r\n"),
    "mac": PLATE.replace("\n", "\r"),
    "tabs": PLATE.replace(" ", "\t"),
    "comments": "# a plate\n" + PLATE.replace("f 1/1", "  f  1/1").replace("4/4", "4/4 # end"),
    "groups": "o plate\ng side\ns 1\n" + PLATE,
}


@pytest.mark.parametrize("name", FACES)
def test_faces_are_read_however_they_are_written(tmp_path, name):
    write(tmp_path, "map_Kd tex.png", "")
    text = "mtllib plate.mtl\n" + FACES[name]
    (tmp_path / "plate.obj").write_bytes(("\ufeff" * (name == "comments") + text).encode())
    mesh = read(tmp_path)
    assert mesh.faces == 2 and mesh.notes == ()
    np.testing.assert_allclose(mesh.parts[0].uv[:3], [[0, 0], [1, 0], [1, 1]])


@pytest.mark.parametrize(
    "line, note",
    [
        ("l 1 2", "lines are ignored"),
        ("p 1", "points are ignored"),
        ("surf 0 1 0 1 1 2", "free-form curves and surfaces are ignored"),
        ("csh rm -rf /", "its command is not run"),
        ("call other.obj", "the files it calls are ignored"),
        ("f 1/1 2/2", "1 faces of fewer than 3 corners are ignored"),
    ],
)
def test_other_elements_are_noted(tmp_path, line, note):
    assert note in read(write(tmp_path, "Kd 1 1 1", PLATE + line + "\n")).notes


@pytest.mark.parametrize(
    "obj, words",
    [
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "missing vertices"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n", "missing vertices"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -4 1 2\n", "missing vertices"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/2 3/3\n", "missing texture coordinates"),
        (PLATE.replace("1/1 2/2", "1/-5 2/2"), "missing vertices or texture coordinates"),
        (PLATE.replace("1/1 2/2", "1/-6 2/2"), "missing vertices or texture coordinates"),
        (" \n", r"plate\.obj: is empty; copy or export it again"),
        ("v 1e300 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n", "not finite, or too far away"),
        ("v 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "fewer than 3 numbers"),
        ("v 0 0 0\nv 1 0 0\nv 0 x 0\nf 1 2 3\n", "cannot be read as a mesh"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 inf\nf 1 2 3\n", "not finite"),
    ],
)
def test_damaged_files_are_refused(tmp_path, obj, words):
    with pytest.raises(InputError, match=words):
        read(write(tmp_path, obj=obj))


def test_declared_lines_are_counted_before_they_are_read(tmp_path):
    write(tmp_path, obj="v 0 0 0\n" * 40)
    with pytest.raises(InputError, match="has 13 faces, more than the limit of 10"):
        read(tmp_path, MeshLimits(faces=10))


def test_many_groups_and_materials_take_seconds(tmp_path):
    count = 20_000
    lines = [f"g {n}\nusemtl m{n}\nf 1 2 3\n" for n in range(count)]
    write(tmp_path, "", "v 0 0 0\nv 1 0 0\nv 0 1 0\n" + "".join(lines))
    colours = [f"newmtl m{n}\nKd {n / count} 0 0\n" for n in range(count)]
    (tmp_path / "plate.mtl").write_text("".join(colours))
    start = time.process_time()
    mesh = read(tmp_path)
    assert time.process_time() - start < 10
    (part,) = mesh.parts
    expected = linear_from_srgb(np.arange(count) / count)
    np.testing.assert_allclose(part.vertex_colours[::3, 0], expected)


def test_concave_faces_are_not_filled(tmp_path):
    # An arrow head: a fan from its first corner would cover the notch.
    text = "v 0 0 0\nv 1 -1 0\nv 0.2 0 0\nv 1 1 0\nf 4 1 2 3\n"
    (part,) = read(write(tmp_path, obj=text)).parts
    points = part.vertices[part.faces]
    sides = points[:, 1:] - points[:, :1]
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1).sum() / 2
    # 1 without the notch of 0.8; the bounding box is 1 x 2.
    np.testing.assert_allclose(area, 0.2 / (1 + 0.25))


def test_lines_that_no_mesh_has_are_refused_before_they_are_split(tmp_path):
    write(tmp_path, obj="v 0 0 0\nf" + " 1" * 4_000_000)
    with pytest.raises(InputError, match="has a line of 4 MB"):
        read(tmp_path)
    write(tmp_path, obj="v 0 0 0\n" + "\n" * 100)
    with pytest.raises(InputError, match="has 101 lines, too many for 10 faces"):
        read(tmp_path, MeshLimits(faces=10))
