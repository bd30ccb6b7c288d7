"""Meshes of all formats are read in one frame with their colours; invalid ones are refused."""

import json

import numpy as np
import pytest
from PIL import Image

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes import MeshLimits, Variant, random_variant
from theta0.data.meshes._mesh import Part
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._stores import FolderStore
from theta0.data.meshes._variants import hue_and_saturation
from theta0.errors import InputError

from .mesh_files import OBJ_TETRAHEDRON, write_box, write_gltf_quad, write_obj_quad

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")


def read(path, limits=None, up=None):
    return read_mesh(FolderStore(path.parent, 10_000_000), path.name, limits, up)


def corners(mesh):
    return np.concatenate([part.vertices for part in mesh.parts])


@pytest.mark.parametrize("suffix", ["obj", "glb", "gltf", "ply", "off"])
def test_every_format_is_centred_in_the_unit_sphere_with_z_up(tmp_path, suffix):
    # 2 wide, 4 high, 6 deep: the file's y (of .ply and .off, z) is up.
    high = [2, 6, 4] if suffix in ("ply", "off") else [2, 4, 6]
    path = write_box(tmp_path / f"box.{suffix}", high, centre=(7, -8, 9))
    mesh = read(path)
    expected = np.array([2, 6, 4]) / np.sqrt(2**2 + 6**2 + 4**2)
    # Text formats keep eight digits, binary ones float32 of coordinates near 10.
    np.testing.assert_allclose(np.abs(corners(mesh)), np.tile(expected, (36, 1)), atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(corners(mesh), axis=1), 1, atol=2e-6)


def test_y_of_the_file_is_up_and_its_z_faces_minus_y(tmp_path):
    path = tmp_path / "tetrahedron.obj"
    path.write_text(OBJ_TETRAHEDRON)  # 3 high, 1 wide, 1 deep, its right angle at the origin
    points = corners(read(path))
    origin = points[np.argmin(np.abs(points + [0.5, -0.5, 1.5] / np.sqrt(2.75)).sum(1))]
    offsets = {tuple(np.round((p - origin) * np.sqrt(2.75), 6) + 0.0) for p in points}
    assert offsets == {(0, 0, 0), (1, 0, 0), (0, 0, 3), (0, -1, 0)}


def test_the_axis_that_is_up_can_be_told(tmp_path):
    path = write_box(tmp_path / "box.ply", [1, 2, 3])
    as_y, as_z = (np.ptp(corners(read(path, up=up)), axis=0) for up in ("y", "z"))
    np.testing.assert_allclose(as_y, as_z[[0, 2, 1]], atol=1e-6)


def test_points_that_no_face_uses_do_not_count(tmp_path):
    path = tmp_path / "stray.obj"
    lines = [
        "f " + " ".join(str(int(i) + 1) for i in line.split()[1:]) if line[0] == "f" else line
        for line in OBJ_TETRAHEDRON.splitlines()
    ]
    path.write_text("\n".join(["v 100 100 100", *lines]))
    alone = tmp_path / "alone.obj"
    alone.write_text(OBJ_TETRAHEDRON)
    np.testing.assert_allclose(corners(read(path)), corners(read(alone)), atol=1e-9)


def test_places_of_a_scene_are_applied(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box([1, 1, 1]), node_name="a", geom_name="box")
    move = trimesh.transformations.translation_matrix([4, 0, 0])
    scene.graph.update(frame_to="b", frame_from="world", matrix=move, geometry="box")
    scene.export(tmp_path / "two.glb")
    mesh = read(tmp_path / "two.glb")
    assert mesh.faces == 24
    np.testing.assert_allclose(np.ptp(corners(mesh), axis=0), np.array([5, 1, 1]) * 2 / np.sqrt(27))


def look(part: Part, u, v):
    """The colour at a position in the texture, by the definition of `Part`."""
    height, width, _ = part.texture.shape
    return part.texture[int((1 - v) * height), int(u * width)] * part.colour


@pytest.mark.parametrize("kind", ["obj", "gltf"])
def test_textures_stand_upright_and_are_light(tmp_path, kind):
    path = write_obj_quad(tmp_path) if kind == "obj" else write_gltf_quad(tmp_path / "quad.gltf")
    mesh = read(path, up="z")  # the square stays in the plane of x and y
    (part,) = mesh.parts
    assert mesh.notes == ()
    for vertex, uv in zip(part.vertices, part.uv, strict=True):
        np.testing.assert_allclose(uv, vertex[:2] / np.sqrt(2) + 0.5, atol=1e-6)
    expected = {(0.2, 0.2): "100", (0.8, 0.2): "010", (0.2, 0.8): "001", (0.8, 0.8): "111"}
    for (u, v), rgb in expected.items():
        np.testing.assert_allclose(look(part, u, v), [float(c) for c in rgb], atol=1e-6)


def test_colours_become_light_as_each_format_means_them(tmp_path):
    half = ((128 / 255 + 0.055) / 1.055) ** 2.4  # IEC 61966-2-1
    ply = write_box(tmp_path / "box.ply", colour=(128, 255, 0))
    (part,) = read(ply).parts
    np.testing.assert_allclose(part.vertex_colours, np.tile([half, 1, 0], (36, 1)), atol=1e-7)  # pyright: ignore[reportCallIssue]
    # The base colour factor of glTF is light already.
    mesh = trimesh.creation.box()
    material = trimesh.visual.material.PBRMaterial(baseColorFactor=[128, 255, 0, 255])
    mesh.visual = trimesh.visual.TextureVisuals(material=material)
    mesh.export(tmp_path / "box.glb")
    (part,) = read(tmp_path / "box.glb").parts
    np.testing.assert_allclose(part.colour, [128 / 255, 1, 0], atol=1e-7)
    # That of .mtl files is a colour of the screen; black beside a texture is not meant.
    (part,) = read(write_obj_quad(tmp_path, kd="0 0 0")).parts
    np.testing.assert_array_equal(part.colour, 1)


def test_without_material_a_mesh_is_grey_and_says_so(tmp_path):
    path = tmp_path / "plain.off"
    trimesh.creation.box().export(path)
    mesh = read(path)
    assert mesh.notes == ("1 of 1 parts have no material: grey",)
    np.testing.assert_allclose(mesh.parts[0].colour, 0.2140411, atol=1e-6)  # light of 0.5


def test_large_textures_are_reduced_and_forged_ones_refused(tmp_path):
    path = write_obj_quad(tmp_path)
    mesh = read(path, MeshLimits(texture=16))
    assert mesh.parts[0].texture.shape == (16, 16, 3)
    Image.new("1", (10_000, 10_000)).save(tmp_path / "picture.png")
    with pytest.raises(InputError, match="texture of 10000 x 10000"):
        read(path)


BAD = {
    "text.glb": "nothing",
    "empty.obj": "",
    "points.obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\n",
    "nan.obj": OBJ_TETRAHEDRON.replace("v 0 3 0", "v 0 nan 0"),
    "small.obj": "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n",
    "beyond.off": "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n",
    "half.ply": "ply\nformat ascii 1.0\nelement vertex 3\n",
    "list.gltf": "[]",
    "deep.gltf": "[" * 100_000,
    "words.off": "OFF\nmany few\n",
    "picture.stl": "solid",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_surface_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text(BAD[name])
    with pytest.raises(InputError, match=name):
        read(tmp_path / name)


BOMBS = {
    "many.off": "OFF\n3 4000000000 0\n",
    "many.ply": "ply\nformat binary_little_endian 1.0\nelement vertex 90000000000\n"
    "property float x\nelement face 1\nproperty list uchar int i\nend_header\n",
    "many.gltf": json.dumps({"asset": {"version": "2.0"}, "accessors": [
        {"componentType": 5126, "type": "VEC3", "count": 10**12}]}),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_declared_sizes_are_refused_before_memory_is_taken(tmp_path, name):
    (tmp_path / name).write_text(BOMBS[name])
    with pytest.raises(InputError, match=rf"{name}: has \d+ faces, more than the limit"):
        read(tmp_path / name)


def test_limits_of_faces_and_bytes(tmp_path):
    path = tmp_path / "tetrahedron.obj"
    path.write_text(OBJ_TETRAHEDRON)
    assert read(path, MeshLimits(faces=4)).faces == 4
    with pytest.raises(InputError, match="4 faces, more than the limit of 3"):
        read(path, MeshLimits(faces=3))
    with pytest.raises(InputError, match="more than the limit of 0 MB"):
        read_mesh(FolderStore(tmp_path, 20), path.name)
    # A scene may show one mesh many times over.
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), node_name="0", geom_name="box")
    for number in range(1, 9):
        scene.graph.update(frame_to=str(number), frame_from="world", geometry="box")
    scene.export(tmp_path / "many.glb")
    with pytest.raises(InputError, match="108 faces, more than the limit of 100"):
        read(tmp_path / "many.glb", MeshLimits(faces=100))


@pytest.mark.parametrize("name", ["../secret.mtl", "{absolute}/secret.mtl", "..\\secret.mtl"])
def test_a_mesh_reads_nothing_outside_its_folder(tmp_path, name):
    (tmp_path / "secret.mtl").write_text("newmtl picture\nKd 0.25 0.25 0.25\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    text = write_obj_quad(inside).read_text()
    quad = inside / "quad.obj"
    quad.write_text(text.replace("materials/quad.mtl", name.format(absolute=tmp_path)))
    mesh = read(quad)
    assert "secret.mtl is missing" in mesh.notes[0]
    assert not np.isclose(mesh.parts[0].colour, linear_from_srgb(np.full(3, 0.25)), atol=0.01).any()


def test_files_beside_the_folder_of_a_mesh_are_found_below_the_folder_that_was_given(tmp_path):
    # ShapeNetCore v2 keeps its textures in ../images.
    (tmp_path / "models").mkdir()
    (tmp_path / "materials").mkdir()
    write_obj_quad(tmp_path)
    text = (tmp_path / "quad.obj").read_text().replace("materials/", "../materials/")
    (tmp_path / "models/quad.obj").write_text(text)
    (tmp_path / "materials/quad.mtl").write_text("newmtl picture\nmap_Kd ../picture.png\n")
    mesh = read_mesh(FolderStore(tmp_path, 10**6), "models/quad.obj")
    assert mesh.notes == () and mesh.parts[0].texture is not None


def test_a_mirrored_variant_swaps_left_and_right_only(tmp_path):
    path = tmp_path / "tetrahedron.obj"
    path.write_text(OBJ_TETRAHEDRON)
    mesh = read(path)
    mirrored = Variant(np.array([-1.0, 1, 1]), np.eye(3)).of(mesh)
    np.testing.assert_allclose(corners(mirrored), corners(mesh) * [-1, 1, 1], atol=1e-12)


def test_recolouring_keeps_greys_and_turns_hues():
    for saturation in (0.5, 1.5):
        matrix = hue_and_saturation(0.7, saturation)
        np.testing.assert_allclose(matrix @ [0.3, 0.3, 0.3], 0.3)
        # Distance from the grey of the same brightness.
        assert np.linalg.norm(matrix @ [1, 0, -1]) == pytest.approx(saturation * np.sqrt(2))
    third = hue_and_saturation(2 * np.pi / 3, 1.0)
    np.testing.assert_allclose(third @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_variants_are_in_the_unit_sphere_and_differ(tmp_path):
    mesh = read(write_obj_quad(tmp_path))
    variants = [random_variant(np.random.default_rng(seed)).of(mesh) for seed in range(4)]
    for variant in variants:
        assert np.linalg.norm(corners(variant), axis=1).max() == pytest.approx(1)
        texture = variant.parts[0].texture
        assert texture.min() >= 0 and texture.max() <= 1
        assert np.abs(texture - mesh.parts[0].texture).max() > 0.01
    assert len({variant.parts[0].vertices.tobytes() for variant in variants}) == 4
