"""Every reader survives damaged files: 400 mutations of valid ones each, by a fixed seed."""

import json
import pickle
import warnings

import jax
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from theta0.data.colmap import read_colmap
from theta0.data.ct import read_sinogram, read_slices
from theta0.data.images import read_image
from theta0.data.meshes import find_meshes
from theta0.data.photos import PhotoOptions, read_photos
from theta0.data.views import read_views
from theta0.errors import InputError, InputWarning, MissingExtra
from theta0.fields import Siren
from theta0.forward import Points
from theta0.inits import Description, Initialization, import_haiku, load
from theta0.inner import InnerConfig
from theta0.signals import ImageConfig

from .meshes.gltf_files import Gltf
from .meshes.mesh_files import OBJ_TETRAHEDRON, write_catalogue
from .photo_files import colmap, make_scene, write_binary, write_transforms

pytestmark = pytest.mark.slow

MUTATIONS = 400
RNG = np.random.default_rng(0)
SLICES = RNG.integers(-1000, 1000, (3, 12, 10)).astype(np.int16)
PICTURE = Image.fromarray(RNG.integers(0, 255, (13, 17, 3)).astype(np.uint8))
SINOGRAM = {"sinogram": RNG.uniform(0, 0.5, (5, 16)), "angles_deg": np.linspace(0, 140, 5)}


def pictures(folder):
    for ending in ("png", "jpg", "tif", "webp", "gif", "bmp"):
        PICTURE.save(folder / f"a.{ending}")
    return [
        (folder / f"a.{end}", read_image) for end in ("png", "jpg", "tif", "webp", "gif", "bmp")
    ]


def arrays(folder):
    np.save(folder / "a.npy", SLICES)
    np.savez(folder / "a.npz", hu=SLICES, names=np.array(["a", "b", "c"]))
    np.savez_compressed(folder / "b.npz", hu=SLICES)
    return [(folder / name, read_slices) for name in ("a.npy", "a.npz", "b.npz")]


def dicom(folder, write_dicom):
    pixels = (SLICES[0] + 1024).astype(np.uint16)
    plain = write_dicom(folder / "a.dcm", pixels)
    packed = write_dicom(folder / "b.dcm", pixels, compressed=True)
    return [(plain, read_slices), (packed, read_slices)]


def nifti(folder):
    nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")
    for name in ("a.nii", "a.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(SLICES, np.diag([-1.0, 2, 3, 1])), folder / name)
    return [(folder / name, read_slices) for name in ("a.nii", "a.nii.gz")]


def metaimage(folder):
    header = (
        "ObjectType = Image\nNDims = 3\nDimSize = 10 12 3\nElementSpacing = 1 1 2\n"
        "ElementType = MET_SHORT\nElementDataFile = "
    )
    (folder / "a.mhd").write_text(header + "a.raw\n")
    (folder / "a.raw").write_bytes(SLICES.tobytes())
    (folder / "b.mha").write_bytes((header + "LOCAL\n").encode() + SLICES.tobytes())
    return [(folder / "a.mhd", read_slices), (folder / "b.mha", read_slices)]


def tiff(folder):
    pages = [Image.fromarray((page + 1024).astype(np.uint16) * 25) for page in SLICES]
    pages[0].save(folder / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(folder / "b.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return [(folder / "a.tif", read_slices), (folder / "b.tif", read_slices)]


def sinograms(folder):
    np.savez(folder / "a.npz", **SINOGRAM)
    savemat(folder / "b.mat", SINOGRAM)
    savemat(folder / "c.mat", SINOGRAM, do_compression=True)
    return [(folder / name, read_sinogram) for name in ("a.npz", "b.mat", "c.mat")]


def views(folder):
    write_transforms(folder, make_scene(count=3, points=5))
    (folder / "b").mkdir()
    pose = np.diag([1.0, 1, 1, 1])
    pose[2, 3] = 4
    frames = []
    for name in "xy":
        PICTURE.save(folder / "b" / f"{name}.png")
        frames.append({"file_path": name, "transform_matrix": pose.tolist()})
    whole = {"camera_angle_x": 0.7, "frames": frames}
    (folder / "b" / "transforms.json").write_text(json.dumps(whole))
    few = PhotoOptions(validation=0, test=0)
    return [
        (folder / "transforms.json", lambda path: read_photos(path.parent, few)),
        (folder / "b" / "transforms.json", read_views),
    ]


def models(folder):
    write_binary(folder, colmap(make_scene(count=3, points=8)))
    names = ("cameras.bin", "images.bin", "points3D.bin")
    return [(folder / name, lambda path: read_colmap(path.parent)) for name in names]


def read_meshes(path):
    return [one.read() for one in find_meshes(path)]


def meshes(folder):
    (folder / "a.obj").write_text("mtllib a.mtl\nusemtl m\n" + OBJ_TETRAHEDRON)
    (folder / "a.mtl").write_text("newmtl m\nKd 0.5 0.2 0.1\n")
    (folder / "a.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    (folder / "a.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    )
    gltf = Gltf()
    gltf.plate(gltf.material(texture=gltf.texture([[[255, 0, 0], [0, 255, 0]]])))
    gltf.write(folder / "a.glb")
    of_material = lambda path: read_meshes(path.with_name("a.obj"))
    found = [(folder / f"a.{end}", read_meshes) for end in ("obj", "off", "ply", "glb")]
    return [*found, (folder / "a.mtl", of_material)]


def catalogues(folder):
    piece = {"id": "x", "name": "Box", "category": "Chairs", "model": "/box.obj", "width": 1}
    listed = "".join(f"{key}#1={value}\n" for key, value in piece.items())
    path = write_catalogue(folder / "a.sh3f", listed, {"box.obj": OBJ_TETRAHEDRON})
    return [(path, read_meshes)]


def initializations(folder):
    config = Siren(width=4, layers=3)
    description = Description("a", "images", config, Points(), InnerConfig(), ImageConfig())
    field = config.build(jax.random.PRNGKey(0))
    rule = description.inner.rule_of(field)
    Initialization(field, rule, description).save(folder / "a.safetensors")
    arrays = {
        f"siren/linear{end}": {"w": RNG.random(shape), "b": RNG.random(shape[1])}
        for end, shape in (("", (2, 4)), ("_1", (4, 4)), ("_2", (4, 3)))
    }
    (folder / "a.pickle").write_bytes(pickle.dumps(arrays, 3))
    return [(folder / "a.safetensors", load), (folder / "a.pickle", import_haiku)]


READERS = {
    "pictures": pictures, "arrays": arrays, "DICOM": dicom, "NIfTI": nifti,
    "MetaImage": metaimage, "TIFF": tiff, "sinograms": sinograms, "transforms.json": views,
    "COLMAP": models, "meshes": meshes, "catalogues": catalogues,
    "initializations": initializations,
}  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with bits flipped, bytes overwritten, a part left out or repeated, or cut off."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(data))) if data else 0
        length = int(min(rng.integers(1, 9), max(0, len(data) - at)))
        kind = rng.integers(6)
        if kind == 0 and data:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at : at + length] = rng.bytes(length)
        elif kind == 2:
            data[at : at + length] = rng.choice([b"\0", b"\xff", b"9", b"-"]) * length
        elif kind == 3:
            del data[at : at + length]
        elif kind == 4:
            data[at:at] = data[max(0, at - 16) : at]
        else:
            del data[at:]
    return bytes(data)


@pytest.mark.parametrize("name", READERS)
def test_damage_is_read_or_refused_in_a_line(name, tmp_path, request):
    make = READERS[name]
    more = [request.getfixturevalue("write_dicom")] if make is dicom else []
    sources = [(path, read, path.read_bytes()) for path, read in make(tmp_path, *more)]
    rng = np.random.default_rng(len(name))
    for path, read, _ in sources:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)
            read(path)  # what is not damaged is read
    for number in range(MUTATIONS):
        path, read, content = sources[number % len(sources)]
        path.write_bytes(mutated(content, rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InputWarning)
                read(path)
        except (InputError, MissingExtra) as error:
            assert len(str(error).splitlines()) == 1 and str(error)
        except Exception as error:
            raise AssertionError(f"mutation {number} of {path.name}: {error!r}") from error
        finally:
            path.write_bytes(content)
