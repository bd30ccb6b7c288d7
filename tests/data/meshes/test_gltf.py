"""Geometry of glTF: accessors, nodes, skins and morph targets; what is not supported is named."""

import json
import time

import numpy as np
import pytest

from theta0.data.meshes import MeshLimits
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._stores import FolderStore
from theta0.errors import InputError

from .gltf_files import PLATE, UV, Gltf, glb


def read(gltf, tmp_path, limits=None):
    path = gltf.write(tmp_path / "mesh.glb") if isinstance(gltf, Gltf) else gltf
    return read_mesh(FolderStore(tmp_path, 10**8), path.name, limits)


def extent(mesh):
    """Lengths in the file's axes, the longest of which is 1."""
    points = np.concatenate([part.vertices for part in mesh.parts])
    x, z, y = np.ptp(points, axis=0)
    return np.round(np.array([x, y, z]) / max(x, y, z), 5).tolist()


def test_extensions_that_are_required_are_refused_by_name(tmp_path):
    for name in ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "ACME_shape"):
        gltf = Gltf()
        gltf.plate()
        gltf.tree["extensionsUsed"] = gltf.tree["extensionsRequired"] = [name]
        with pytest.raises(InputError, match=rf"mesh\.glb: needs {name}, which is not") as error:
            read(gltf, tmp_path)
        assert str(error.value).count("mesh.glb") == 1


def test_a_compressed_part_without_another_form_is_refused_by_name(tmp_path):
    gltf = Gltf()
    gltf.plate(more={"extensions": {"KHR_draco_mesh_compression": {"bufferView": 0}}})
    assert read(gltf, tmp_path).faces == 2  # the other form
    position = gltf.tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    del gltf.tree["accessors"][position]["bufferView"]
    with pytest.raises(InputError, match="needs KHR_draco_mesh_compression"):
        read(gltf, tmp_path)
    gltf = Gltf()
    gltf.plate()
    gltf.tree["bufferViews"][0] |= {
        "buffer": 1, "extensions": {"EXT_meshopt_compression": {"buffer": 0}}
    }  # fmt: skip
    path = gltf.write(tmp_path / "mesh.glb")
    tree = gltf.tree | {"buffers": [{"byteLength": len(gltf.blob)}, {"byteLength": 48}]}
    path.write_bytes(glb(json.dumps(tree).encode(), gltf.blob))
    with pytest.raises(InputError, match="needs EXT_meshopt_compression"):
        read(path, tmp_path)


def test_parts_without_positions_are_noted(tmp_path):
    gltf = Gltf()
    gltf.plate()
    gltf.tree["meshes"][0]["primitives"].append({"attributes": {}})
    assert "a part without positions is skipped" in read(gltf, tmp_path).notes


def test_quantized_positions_are_read(tmp_path):
    gltf = Gltf()
    stored = gltf.accessor((PLATE * [30000, 15000, 0]).astype("i2"), normalized=True)
    gltf.plate(POSITION=stored, uv=None)
    gltf.tree["extensionsRequired"] = ["KHR_mesh_quantization"]
    assert extent(read(gltf, tmp_path)) == [1, 0.5, 0]


def test_sparse_accessors_replace_values(tmp_path):
    gltf = Gltf()
    gltf.plate(uv=None)
    gltf.tree["accessors"][0]["sparse"] = {
        "count": 2,
        "indices": {"bufferView": gltf.view(np.array([1, 2], "u1").tobytes()),
                    "componentType": 5121},
        "values": {"bufferView": gltf.view(np.array([[4, 0, 0], [4, 1, 0]], "f4").tobytes())},
    }  # fmt: skip
    assert extent(read(gltf, tmp_path)) == [1, 0.25, 0]


def test_interleaved_values_are_read(tmp_path):
    gltf = Gltf()
    gltf.plate(uv=None)
    both = np.hstack([PLATE * [1, 2, 0], np.full((4, 3), 99)]).astype("f4")
    view = gltf.view(both.tobytes())
    gltf.tree["bufferViews"][view]["byteStride"] = 24
    gltf.tree["accessors"][0]["bufferView"] = view
    assert extent(read(gltf, tmp_path)) == [0.5, 1, 0]


@pytest.mark.parametrize(
    "mode, indices, faces",
    [(4, [0, 1, 2, 0, 2, 3], 2), (5, [1, 2, 0, 3], 2), (6, [0, 1, 2, 3], 2), (4, None, 1)],
)
def test_triangles_strips_and_fans(tmp_path, mode, indices, faces):
    gltf = Gltf()
    gltf.plate(more={"mode": mode}, indices=indices)
    mesh = read(gltf, tmp_path)
    assert mesh.faces == faces
    points = mesh.parts[0].vertices[mesh.parts[0].faces]
    sides = points[:, 1:] - points[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    assert (areas > 0.1).all()


def test_points_and_lines_are_noted(tmp_path):
    gltf = Gltf()
    gltf.plate()
    gltf.tree["meshes"][0]["primitives"].append(
        {"attributes": {"POSITION": 0}, "mode": 1}
    )  # fmt: skip
    mesh = read(gltf, tmp_path)
    assert mesh.faces == 2 and "points and lines are ignored" in mesh.notes


HALF = np.sqrt(0.5)


@pytest.mark.parametrize(
    "node, expected",
    [
        ({"scale": [2, 1, 1]}, [1, 0.5, 0]),
        ({"scale": [-2, 1, 1]}, [1, 0.5, 0]),
        ({"rotation": [HALF, 0, 0, HALF]}, [1, 0, 1]),  # y becomes z
        ({"rotation": [0, 0, 0, 5.0], "scale": [1, 4, 1]}, [0.25, 1, 0]),
        ({"matrix": [0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}, [0.5, 1, 0]),
    ],
)
def test_nodes_are_placed(tmp_path, node, expected):
    gltf = Gltf()
    gltf.plate()
    gltf.tree["nodes"] = [{"children": [1], "translation": [5, 5, 5]}, {"mesh": 0} | node]
    assert extent(read(gltf, tmp_path)) == expected


def test_transforms_are_those_of_all_parents(tmp_path):
    gltf = Gltf()
    gltf.plate()
    # Scaled after it was turned: x is that of the file.
    gltf.tree["nodes"] = [
        {"children": [1], "scale": [4, 1, 1]},
        {"children": [2], "rotation": [0, 0, HALF, HALF]},
        {"mesh": 0, "scale": [1, 0.5, 1]},
    ]
    assert extent(read(gltf, tmp_path)) == [1, 0.5, 0]


def test_one_scene_is_shown(tmp_path):
    gltf = Gltf()
    gltf.plate()
    gltf.tree["nodes"] = [{"mesh": 0}, {"mesh": 0, "scale": [2, 1, 1]}]
    gltf.tree["scenes"] = [{"nodes": [0]}, {"nodes": [1]}]
    gltf.tree["scene"] = 1
    mesh = read(gltf, tmp_path)
    assert extent(mesh) == [1, 0.5, 0]
    assert "scene 1 of 2 is shown, the others are ignored" in mesh.notes


def test_morph_targets_are_applied_with_their_weights(tmp_path):
    for place in ("meshes", "nodes"):
        gltf = Gltf()
        target = {
            "POSITION": gltf.accessor(np.array([[0, 0, 0], [2, 0, 0], [2, 0, 0], [0, 0, 0]], "f4"))
        }
        gltf.plate(more={"targets": [target]})
        assert extent(read(gltf, tmp_path)) == [1, 1, 0]
        gltf.tree[place][0]["weights"] = [0.5]
        assert extent(read(gltf, tmp_path)) == [1, 0.5, 0]


def test_skins_move_vertices_by_their_joints(tmp_path):
    gltf = Gltf()
    joints = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "u1")
    weights = np.tile(np.array([[1, 0, 0, 0]], "f4"), (4, 1))
    gltf.plate(JOINTS_0=gltf.accessor(joints), WEIGHTS_0=gltf.accessor(weights))
    inverse = np.tile(np.eye(4, dtype="f4"), (2, 1, 1)).reshape(2, 16)
    gltf.tree["skins"] = [{"joints": [1, 2], "inverseBindMatrices": gltf.accessor(inverse)}]
    # The node of the mesh itself does not count.
    gltf.tree["nodes"] = [
        {"mesh": 0, "skin": 0, "scale": [1, 7, 1]},
        {},
        {"translation": [3, 0, 0]},
    ]
    gltf.tree["scenes"] = [{"nodes": [0, 1, 2]}]
    mesh = read(gltf, tmp_path)
    assert extent(mesh) == [1, 0.25, 0]


DAMAGED = {
    "cycle": (lambda t: t.update(nodes=[{"mesh": 0, "children": [0]}]), "form a loop"),
    "twice": (lambda t: t.update(nodes=[{"children": [1, 1]}, {"mesh": 0}]), "hang twice"),
    "child": (lambda t: t["nodes"][0].update(children=[7]), "number 7 of its 1 nodes"),
    "negative": (lambda t: t["nodes"][0].update(children=[-1]), "number -1 of its 1 nodes"),
    "infinite": (lambda t: t["nodes"][0].update(translation=[1e999, 0, 0]), "is not finite"),
    "nan": (lambda t: t["nodes"][0].update(matrix=[float("nan")] * 16), "is not finite"),
    "quaternion": (lambda t: t["nodes"][0].update(rotation=[0, 0, 0, 0]), "is not finite"),
    "count": (lambda t: t["accessors"][0].update(count=10**9), "has 66666[0-9]+ faces"),
    "long": (lambda t: t["accessors"][0].update(count=5), "outside its buffer view"),
    "count inf": (lambda t: t["accessors"][0].update(count=1e999), "has a count of"),
    "count < 0": (lambda t: t["accessors"][0].update(count=-4), "has a count of"),
    "offset": (lambda t: t["bufferViews"][0].update(byteOffset=10**12), "outside its buffer"),
    "before": (lambda t: t["bufferViews"][0].update(byteOffset=-4), "a byteOffset of -4"),
    "asset": (lambda t: t.update(asset=1), "has an asset that is no object"),
    "later": (lambda t: t["asset"].update(minVersion="2.9"), "needs glTF 2.9 .asset.minVersion"),
    "no parts": (lambda t: t["meshes"][0].pop("primitives"), "a value is missing"),
    "sparse": (
        lambda t: t["accessors"][0].update(sparse={
            "count": 1, "indices": {"bufferView": 0, "byteOffset": 14, "componentType": 5123},
            "values": {"bufferView": 0}}),
        "a sparse accessor that replaces missing values",
    ),
    "buffer": (lambda t: t["buffers"][0].update(byteLength=10**12), "shorter than it declares"),
    "type": (lambda t: t["accessors"][0].update(type="VEC9"), "cannot be read"),
    "version": (lambda t: t["asset"].update(version="1.0"), r"is glTF 1\.0"),
    "list": (lambda t: t.update(nodes={"mesh": 0}), "no list of objects"),
    "mesh": (lambda t: t["nodes"][0].update(mesh=3), "number 3 of its 1 meshes"),
    "indices": (lambda t: t["accessors"][2].update(componentType=5126), "missing|outside"),
    "data": (lambda t: t["buffers"][0].update(uri="data:;base64,###"), "data: address"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_refused(tmp_path, name):
    change, words = DAMAGED[name]
    gltf = Gltf()
    gltf.plate()
    tree = gltf.tree | {"buffers": [{"byteLength": len(gltf.blob)}]}
    change(tree)
    path = tmp_path / "mesh.glb"
    path.write_bytes(glb(json.dumps(tree).encode(), gltf.blob))
    with pytest.raises(InputError, match=words) as error:
        read(path, tmp_path)
    assert str(error.value).count("mesh.glb") == 1


@pytest.mark.parametrize("cut", [3, 11, 19, 40, -1])
def test_a_container_that_ends_early_is_refused(tmp_path, cut):
    gltf = Gltf()
    gltf.plate()
    path = gltf.write(tmp_path / "mesh.glb")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"mesh\.glb"):
        read(path, tmp_path)


def test_a_tree_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "mesh.gltf"
    path.write_bytes(b'{"a":[' + b"{}," * 5_000_000 + b"{}]}")
    with pytest.raises(InputError, match=r"its JSON: needs .* GiB of memory"):
        read(path, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["flat", "chain"])
def test_many_nodes_take_seconds(tmp_path, shape):
    count = 50_000
    gltf = Gltf()
    gltf.plate(indices=[0, 1, 2])
    nodes = [{"mesh": 0} for _ in range(count)]
    if shape == "chain":
        nodes = [{"children": [number + 1]} for number in range(count - 1)] + [{"mesh": 0}]
    else:
        nodes[0]["children"] = list(range(1, count))
    gltf.tree["nodes"] = nodes
    start = time.process_time()
    assert read(gltf, tmp_path).faces == (1 if shape == "chain" else count)
    assert time.process_time() - start < 20  # a scene graph that copies itself takes minutes
    with pytest.raises(InputError, match="more than the limit of 100"):
        gltf.tree["nodes"] = [{"mesh": 0, "children": list(range(1, 200))}, *[{"mesh": 0}] * 199]
        read(gltf, tmp_path, MeshLimits(faces=100))


def test_many_materials_become_few_parts(tmp_path):
    gltf = Gltf()
    count = 300
    for number in range(count):
        gltf.plate(gltf.material([number / count, 0, 0, 1]), uv=UV)
    gltf.tree["nodes"] = [{"mesh": number} for number in range(count)]
    gltf.tree["scenes"] = [{"nodes": list(range(count))}]
    mesh = read(gltf, tmp_path)
    (part,) = mesh.parts
    reds = part.vertex_colours[:, 0].reshape(count, 6) * part.colour[0]
    np.testing.assert_allclose(reds[:, 0], np.arange(count) / count)
    assert (reds == reds[:, :1]).all()
