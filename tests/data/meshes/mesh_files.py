"""Small mesh files, written by hand where another library's idea of the format could be wrong."""

import base64
import json
import zipfile

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def write_box(path, extents=(1.0, 1.0, 1.0), colour=(255, 255, 255), centre=(0.0, 0.0, 0.0)):
    """A box of one colour, as trimesh writes it."""
    import trimesh

    path.parent.mkdir(parents=True, exist_ok=True)
    mesh = box(extents, colour, centre, trimesh)
    if path.suffix == ".gltf":  # trimesh would leave the file open
        for name, content in trimesh.exchange.gltf.export_gltf(trimesh.Scene(mesh)).items():
            (path if name == "model.gltf" else path.parent / name).write_bytes(content)
    else:
        mesh.export(path)
    return path


def box(extents, colour, centre, trimesh):
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(centre)
    mesh.visual.face_colors = [*colour, 255]
    return mesh


OBJ_QUAD = """mtllib materials/quad.mtl
v -1 -1 0
v 1 -1 0
v 1 1 0
v -1 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl picture
f 1/1 2/2 3/3 4/4
"""


def write_obj_quad(folder, kd="1 1 1"):
    """A square in the plane of x and y; red below left, green below right, blue and white above."""
    (folder / "materials").mkdir(parents=True, exist_ok=True)
    path = folder / "quad.obj"
    path.write_text(OBJ_QUAD)
    # Names in .mtl files are, for most programs and trimesh, relative to the .obj file.
    (folder / "materials/quad.mtl").write_text(f"newmtl picture\nKd {kd}\nmap_Kd picture.png\n")
    Image.fromarray(_four_colours()).save(folder / "picture.png")
    return path


def write_gltf_quad(path):
    """The same square as glTF, whose v = 0 is the top of the texture."""
    positions = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], "<f4")
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], "<f4")
    indices = np.array([0, 1, 2, 0, 2, 3], "<u2")
    blocks = [positions.tobytes(), uv.tobytes(), indices.tobytes()]
    starts = np.cumsum([0, *map(len, blocks)]).tolist()
    Image.fromarray(_four_colours()).save(path.parent / "picture.png")
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [
            {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"uri": "picture.png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3",
             "min": [-1, -1, 0], "max": [1, 1, 0]},
            {"bufferView": 1, "componentType": 5126, "count": 4, "type": "VEC2"},
            {"bufferView": 2, "componentType": 5123, "count": 6, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": len(block)}
            for start, block in zip(starts, blocks, strict=False)
        ],
        "buffers": [{
            "byteLength": starts[-1],
            "uri": "data:application/octet-stream;base64,"
            + base64.b64encode(b"".join(blocks)).decode(),
        }],
    }  # fmt: skip
    path.write_text(json.dumps(tree))
    return path


def _four_colours():
    """Rows from the top: blue and white, red and green."""
    pixels = np.array([[BLUE, WHITE], [RED, GREEN]], np.uint8)
    return pixels.repeat(32, axis=0).repeat(32, axis=1)


def write_catalogue(path, listed, files):
    """A catalogue of Sweet Home 3D; `files` are contents by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("PluginFurnitureCatalog.properties", listed)
        for name, content in files.items():
            archive.writestr(name, content)
    return path


OBJ_TETRAHEDRON = """v 0 0 0
v 1 0 0
v 0 3 0
v 0 0 1
f 1 3 2
f 1 2 4
f 1 4 3
f 2 3 4
"""
