"""PLY files: text and binary, colours and texture coordinates of vertices and faces."""

import numpy as np
import pytest
from PIL import Image

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._stores import FolderStore
from theta0.errors import InputError

POINTS = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
TYPES = {"float": "f4", "double": "f8", "uchar": "u1", "ushort": "u2", "int": "i4", "uint8": "u1"}


def ply(tmp_path, order, vertex, rows, face, faces, comments=(), name="face"):
    """Write a file; properties are (type, name), or (count type, type, name) of lists."""
    header = ["ply", f"format {order} 1.0", *(f"comment {text}" for text in comments)]
    for element, properties, table in (("vertex", vertex, rows), (name, face, faces)):
        header.append(f"element {element} {len(table)}")
        header += [
            "property " + ("list " if len(one) == 3 else "") + " ".join(one) for one in properties
        ]
    content = "\n".join([*header, "end_header\n"]).encode()
    for properties, table in ((vertex, rows), (face, faces)):
        for row in table:
            values = []
            for one, value in zip(properties, row, strict=True):
                if len(one) == 3:
                    values.append((one[0], len(value)))
                    values += [(one[1], item) for item in value]
                else:
                    values.append((one[0], value))
            if order == "ascii":
                content += (" ".join(str(value) for _, value in values) + "\n").encode()
            else:
                content += b"".join(
                    np.array(value, FORMATS[order] + TYPES[kind]).tobytes()
                    for kind, value in values
                )
    path = tmp_path / "plate.ply"
    path.write_bytes(content)
    return read_mesh(FolderStore(tmp_path, 10**6), path.name)


XYZ = [("float", axis) for axis in "xyz"]
INDEX = ("uchar", "int", "vertex_indices")
QUAD = [[[0, 1, 2, 3]]]
MIXED = [[[0, 1, 2]], [[0, 2, 3, 3]], [[1, 2, 3]]]


@pytest.mark.parametrize("order", FORMATS)
@pytest.mark.parametrize("faces, count", [(QUAD, 2), (MIXED, 4)])
def test_lists_of_one_and_of_several_lengths(tmp_path, order, faces, count):
    mesh = ply(tmp_path, order, XYZ, POINTS, [INDEX], faces)
    assert mesh.faces == count
    np.testing.assert_allclose(
        mesh.parts[0].vertices[:3] * np.sqrt(2) / 2 + [0.5, 0.5, 0], POINTS[:3], atol=1e-6
    )


@pytest.mark.parametrize("order", FORMATS)
@pytest.mark.parametrize(
    "kind, scale", [("uchar", 255), ("ushort", 65535), ("float", 1), ("float", 255)]
)
@pytest.mark.parametrize(
    "names", ["red green blue", "r g b", "diffuse_red diffuse_green diffuse_blue"]
)
def test_colours_of_vertices(tmp_path, order, kind, scale, names):
    vertex = [*XYZ, *((kind, name) for name in names.split())]
    grey = round(0.4 * scale) if kind != "float" else 0.4 * scale
    rows = [(*point, scale, 0, grey) for point in POINTS]
    mesh = ply(tmp_path, order, vertex, rows, [INDEX], QUAD)
    expected = linear_from_srgb(np.array([1, 0, 0.4]))
    np.testing.assert_allclose(mesh.parts[0].vertex_colours, np.tile(expected, (6, 1)), atol=1e-5)  # pyright: ignore[reportCallIssue]
    assert mesh.notes == ()


@pytest.mark.parametrize("order", FORMATS)
def test_colours_of_faces(tmp_path, order):
    face = [INDEX, *(("uchar", name) for name in ("red", "green", "blue", "alpha"))]
    faces = [[[0, 1, 2], 255, 0, 0, 255], [[0, 2, 3], 0, 0, 255, 255]]
    mesh = ply(tmp_path, order, XYZ, POINTS, face, faces)
    (part,) = mesh.parts
    np.testing.assert_allclose(part.vertex_colours[[0, 2, 3, 5]], np.eye(3)[[0, 0, 2, 2]])
    faces[0][4] = 100
    assert ply(tmp_path, order, XYZ, POINTS, face, faces).notes == ("transparency is ignored",)


@pytest.mark.parametrize("names", ["s t", "u v", "texture_u texture_v", "texture_s texture_t"])
@pytest.mark.parametrize("order", FORMATS)
def test_textures_of_vertices(tmp_path, order, names):
    Image.new("RGB", (4, 4), (255, 255, 255)).save(tmp_path / "my tex.png")
    vertex = [*XYZ, *(("float", name) for name in names.split())]
    rows = [(*point, *point[:2]) for point in POINTS]
    mesh = ply(tmp_path, order, vertex, rows, [INDEX], QUAD, ["TextureFile my tex.png"])
    (part,) = mesh.parts
    np.testing.assert_allclose(part.uv[:3], [[0, 0], [1, 0], [1, 1]])
    np.testing.assert_allclose(part.colour, 1)
    assert part.texture is not None and mesh.notes == ()


@pytest.mark.parametrize("order", FORMATS)
def test_textures_of_faces(tmp_path, order):
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    Image.new("RGB", (4, 4), (0, 0, 255)).save(tmp_path / "blue.png")
    face = [INDEX, ("uchar", "float", "texcoord"), ("int", "texnumber")]
    faces = [[[0, 1, 2], [0, 0, 1, 0, 1, 1], 1], [[0, 2, 3], [0, 0, 1, 1, 0, 1], 0]]
    comments = ["TextureFile red.png", "TextureFile blue.png"]
    red, blue = ply(tmp_path, order, XYZ, POINTS, face, faces, comments).parts
    np.testing.assert_allclose(red.texture[0, 0], [1, 0, 0])
    np.testing.assert_allclose(blue.texture[0, 0], [0, 0, 1])
    np.testing.assert_allclose(blue.uv, [[0, 0], [1, 0], [1, 1]])  # pyright: ignore[reportCallIssue]


def test_a_missing_texture_is_noted(tmp_path):
    vertex = [*XYZ, ("float", "s"), ("float", "t")]
    rows = [(*point, *point[:2]) for point in POINTS]
    mesh = ply(tmp_path, "ascii", vertex, rows, [INDEX], QUAD, ["TextureFile none.png"])
    assert mesh.notes[0] == "none.png is missing"


@pytest.mark.parametrize("order", FORMATS)
def test_triangle_strips(tmp_path, order):
    strips = ("int", "int", "vertex_indices")
    rows = [[[0, 1, 3, 2, -1, 0, 1, 2]]]
    assert ply(tmp_path, order, XYZ, POINTS, [strips], rows, name="tristrips").faces == 3


HEAD = "ply\nformat {}\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
DAMAGED = {
    "short": HEAD + "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n",
    "row": HEAD + "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    "0 0 0\n1 0\n0 1 0\n3 0 1 2\n",
    "count": HEAD + "element face 1\nproperty list uint int vertex_indices\nend_header\n"
    "0 0 0\n1 0 0\n0 1 0\n2147483648 0 1 2\n",
    "negative": HEAD + "element face 1\nproperty list int int vertex_indices\nend_header\n"
    "0 0 0\n1 0 0\n0 1 0\n-3 0 1 2\n",
    "beyond": HEAD + "element face 1\nproperty list int int vertex_indices\nend_header\n"
    "0 0 0\n1 0 0\n0 1 0\n3 0 1 9\n",
    "type": HEAD.replace("float x", "quad x") + "end_header\n",
    "no faces": HEAD + "end_header\n0 0 0\n1 0 0\n0 1 0\n",
    "rows": HEAD.replace("vertex 3", "vertex -3") + "end_header\n",
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_text_is_refused(tmp_path, name):
    (tmp_path / "bad.ply").write_text(DAMAGED[name].format("ascii 1.0"))
    with pytest.raises(InputError, match=r"bad\.ply: "):
        read_mesh(FolderStore(tmp_path, 10**6), "bad.ply")


@pytest.mark.parametrize("count", [2**31, 2**32 - 1])
def test_lists_that_declare_too_much_are_refused_before_memory_is_taken(tmp_path, count):
    header = HEAD.format("binary_little_endian 1.0") + (
        "element face 1\nproperty list uint int vertex_indices\nend_header\n"
    )
    body = np.zeros(9, "<f4").tobytes() + np.array([count, 0, 1, 2], "<u4").tobytes()
    (tmp_path / "bad.ply").write_bytes(header.encode() + body)
    with pytest.raises(InputError, match="ends before all it declares"):
        read_mesh(FolderStore(tmp_path, 10**6), "bad.ply")


@pytest.mark.parametrize("order", FORMATS)
def test_what_comes_after_the_tables_is_noted(tmp_path, order):
    ply(tmp_path, order, XYZ, POINTS, [INDEX], QUAD)
    path, text = tmp_path / "plate.ply", order == "ascii"
    content = path.read_bytes()
    path.write_bytes(content + b"\n\n")
    known = read_mesh(FolderStore(tmp_path, 10**6), path.name).notes
    path.write_bytes(content + (b"3 0 1 2\n" if text else b"\3" * 13))
    mesh = read_mesh(FolderStore(tmp_path, 10**6), path.name)
    words = f"{1 if text else 13} {'lines' if text else 'bytes'} after the tables that its header"
    assert mesh.faces == 2 and mesh.notes[0].startswith(words) and mesh.notes[1:] == known


@pytest.mark.parametrize(
    "vertices, faces, words",
    [
        ("0 0 0 300\n1 0 0 0\n0 1 0 0", "3 0 1 2", "cannot hold, which is 0 to 255"),
        ("0 0 0 -1\n1 0 0 0\n0 1 0 0", "3 0 1 2", "cannot hold, which is 0 to 255"),
        ("0 0 0 9\n1 0 0 0\n0 1 0 0", "3 0 1 258", "cannot hold, which is 0 to 255"),
        ("0 0 0 9\n1 0 0 0\n0 1 0 0", "3 0 1.5 2", "fractions among the numbers of its corners"),
        ("0 0 0 9\n1 0 0 0\n0 1 0 0", "3 0 1 2 0", "more numbers than its header declares"),
        ("0 0 0 9 9\n1 0 0 0\n0 1 0 0", "3 0 1 2", "more numbers than its header declares"),
    ],
)
def test_numbers_that_are_not_as_declared_are_refused(tmp_path, vertices, faces, words):
    """Cast, they would wrap: 258 to vertex 2."""
    header = (
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        "property float z\nproperty uchar red\nelement face 1\n"
        "property list uchar uchar vertex_indices\nend_header\n"
    )
    (tmp_path / "x.ply").write_text(f"{header}{vertices}\n{faces}\n")
    with pytest.raises(InputError, match=words):
        read_mesh(FolderStore(tmp_path, 10**6), "x.ply")
