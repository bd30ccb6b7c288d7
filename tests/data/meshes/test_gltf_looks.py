"""Base colours of glTF: factors, textures, their coordinates and vertex colours."""

import numpy as np
import pytest

from theta0.data._colours import linear_from_srgb
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._stores import FolderStore
from theta0.errors import InputError

from .gltf_files import UV, Gltf

BLUE, WHITE, RED, GREEN = (0, 0, 255), (255, 255, 255), (255, 0, 0), (0, 255, 0)
FOUR = np.array([[BLUE, WHITE], [RED, GREEN]], np.uint8).repeat(8, 0).repeat(8, 1)


def read(gltf, tmp_path):
    path = gltf.write(tmp_path / "plate.glb")
    return read_mesh(FolderStore(tmp_path, 10**7), path.name)


def seen(part, u, v):
    """Texel at a place of the plate, both in [0, 1], from the lower left."""
    # The first triangle's corners are those of the plate at (0, 0), (1, 0) and (1, 1).
    a, b, c = part.uv[:3]
    at = a + u * (b - a) + v * (c - b)
    height, width, _ = part.texture.shape
    column, row = int(at[0] * width) % width, int((1 - at[1]) * height) % height
    return tuple(np.rint(255 * part.texture[row, column] * part.colour).astype(int))


PLACES = [(0.25, 0.75), (0.75, 0.75), (0.25, 0.25), (0.75, 0.25)]

TRANSFORMS = {
    "plain": ({}, [BLUE, WHITE, RED, GREEN]),
    "quarter": ({"scale": [0.5, 0.5], "offset": [0.5, 0.5]}, [GREEN] * 4),
    "shift": ({"offset": [0.5, 0]}, [WHITE, BLUE, GREEN, RED]),
    "mirror": ({"scale": [-1, 1]}, [WHITE, BLUE, GREEN, RED]),
    # u' = v, v' = -u: the plate's left lower corner, at (0, 1), sees (1, 0), the right upper one.
    "quarter turn": ({"rotation": np.pi / 2}, [RED, BLUE, GREEN, WHITE]),
    "all": ({"rotation": np.pi, "scale": [0.5, 0.5], "offset": [0.5, 1]}, [RED] * 4),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_texture_transforms_are_applied(tmp_path, name):
    transform, expected = TRANSFORMS[name]
    gltf = Gltf()
    info = {"extensions": {"KHR_texture_transform": transform}}
    gltf.plate(gltf.material(texture=gltf.texture(FOUR), info=info))
    gltf.tree["extensionsRequired"] = ["KHR_texture_transform"]
    mesh = read(gltf, tmp_path)
    assert [seen(mesh.parts[0], *place) for place in PLACES] == expected
    assert mesh.notes == ()


def test_the_set_of_texture_coordinates_can_be_chosen(tmp_path):
    other = UV * 0.5 + [0.0, 0.5]  # the lower left quarter
    for info in ({"texCoord": 1}, {
        "texCoord": 0, "extensions": {"KHR_texture_transform": {"texCoord": 1}}
    }):  # fmt: skip
        gltf = Gltf()
        material = gltf.material(texture=gltf.texture(FOUR), info=info)
        gltf.plate(material, TEXCOORD_1=gltf.accessor(np.round(other * 255).astype("u1"),
                                                      normalized=True))  # fmt: skip
        (part,) = read(gltf, tmp_path).parts
        assert [seen(part, *place) for place in PLACES] == [RED] * 4


def test_missing_texture_coordinates_are_noted(tmp_path):
    gltf = Gltf()
    gltf.plate(gltf.material([0.5, 0.5, 0.5, 1], gltf.texture(FOUR), {"texCoord": 3}))
    mesh = read(gltf, tmp_path)
    assert mesh.parts[0].texture is None
    assert mesh.notes == ("a texture is ignored where there are no texture coordinates",)


@pytest.mark.parametrize("kind, scale", [("f4", 1), ("u1", 255), ("u2", 65535)])
@pytest.mark.parametrize("alpha", [False, True])
def test_vertex_colours_are_multiplied_by_the_factor(tmp_path, kind, scale, alpha):
    colours = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]][:4]) * scale
    colours = colours.astype(kind)[:, : 3 + alpha]
    gltf = Gltf()
    stored = gltf.accessor(np.ascontiguousarray(colours), normalized=kind != "f4")
    gltf.plate(gltf.material([0.5, 0.25, 1, 1]), COLOR_0=stored)
    (part,) = read(gltf, tmp_path).parts
    shown = part.vertex_colours[[0, 1, 2, 5]] * part.colour
    np.testing.assert_allclose(shown, np.vstack([np.eye(3), np.ones(3)]) * [0.5, 0.25, 1])


def test_uniform_vertex_colours_are_multiplied_by_the_texture(tmp_path):
    gltf = Gltf()
    colours = gltf.accessor(np.tile(np.array([[0.5, 1, 1]], "f4"), (4, 1)))
    gltf.plate(gltf.material([1, 0.5, 1, 1], gltf.texture(FOUR)), COLOR_0=colours)
    (part,) = read(gltf, tmp_path).parts
    np.testing.assert_allclose(part.colour, [0.5, 0.5, 1])
    assert part.texture is not None and part.vertex_colours is None


def test_vertex_colours_that_vary_are_multiplied_by_the_texture(tmp_path):
    gltf = Gltf()
    shades = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]], "f4")  # dark at the left
    gltf.plate(gltf.material(texture=gltf.texture(FOUR)), COLOR_0=gltf.accessor(shades))
    mesh = read(gltf, tmp_path)
    (part,) = mesh.parts
    assert part.texture is None and mesh.notes == ()
    at = part.vertices[:, [0, 2]] / np.sqrt(2) + 0.5  # in the plate
    for (u, v), expected in zip(PLACES, [BLUE, WHITE, RED, GREEN], strict=True):
        near = np.argmin(np.abs(at - [u, v]).sum(axis=1))
        wanted = np.array(expected) / 255 * at[near, 0]
        np.testing.assert_allclose(part.vertex_colours[near], wanted, atol=0.01)


def test_what_a_material_has_besides_is_noted(tmp_path):
    gltf = Gltf()
    material = gltf.material(
        [1, 1, 1, 0.5], alphaMode="BLEND", emissiveFactor=[1, 0, 0], normalTexture={"index": 0}
    )
    gltf.plate(material)
    gltf.tree["animations"] = [{}]
    gltf.tree["extensionsUsed"] = ["KHR_materials_clearcoat", "KHR_materials_unlit", "KHR_lights"]
    assert set(read(gltf, tmp_path).notes) == {
        "KHR_materials_clearcoat is ignored", "KHR_lights is ignored", "animations are ignored",
        "transparency (alphaMode BLEND) is ignored", "emission is ignored",
        "normal maps are ignored",
    }  # fmt: skip


def test_specular_glossiness_materials_have_their_diffuse_colour(tmp_path):
    gltf = Gltf()
    texture = gltf.texture(FOUR)
    glossy = {"diffuseFactor": [0.5, 1, 1, 1], "diffuseTexture": {"index": texture}}
    name = "KHR_materials_pbrSpecularGlossiness"
    gltf.plate(gltf.material([0, 0, 0, 1], extensions={name: glossy}))
    gltf.tree["extensionsRequired"] = [name]
    mesh = read(gltf, tmp_path)
    np.testing.assert_allclose(mesh.parts[0].colour, [0.5, 1, 1])
    assert mesh.parts[0].texture is not None and mesh.notes == ()


def test_textures_continue_as_their_samplers_say(tmp_path):
    for sampler, wrap in [
        ({}, "repeat"),
        ({"wrapS": 33071, "wrapT": 33071}, "clamp"),
        ({"wrapS": 33648, "wrapT": 33648}, "mirror"),
    ]:
        gltf = Gltf()
        gltf.tree["samplers"] = [sampler | {"magFilter": 9728}]
        gltf.plate(gltf.material(texture=gltf.texture(FOUR, sampler=0)), uv=UV * 2)
        mesh = read(gltf, tmp_path)
        assert (mesh.parts[0].sampling.wrap, mesh.parts[0].sampling.nearest) == (wrap, True)
        assert mesh.notes == ()
    # Of two ways, that of the axis along which the coordinates leave the texture.
    for uv, wrap, notes in [(UV * [3, 1], "clamp", 0), (UV * [1, 3], "mirror", 0), (UV * 3, "", 1)]:
        gltf = Gltf()
        gltf.tree["samplers"] = [{"wrapS": 33071, "wrapT": 33648}]
        gltf.plate(gltf.material(texture=gltf.texture(FOUR, sampler=0)), uv=uv.astype("f4"))
        mesh = read(gltf, tmp_path)
        assert mesh.parts[0].sampling.wrap == wrap or notes
        assert len(mesh.notes) == notes


def test_pictures_in_other_formats_are_used_or_noted(tmp_path):
    gltf = Gltf()
    first = gltf.texture(FOUR)
    gltf.tree["textures"].append({"extensions": {"EXT_texture_webp": {"source": 0}}})
    gltf.tree["textures"].append({"source": 0, "extensions": {"KHR_texture_basisu": {"source": 9}}})
    gltf.tree["textures"].append({"extensions": {"KHR_texture_basisu": {"source": 9}}})
    for texture in (first, 1, 2):
        gltf.plate(gltf.material(texture=texture))
        gltf.tree["nodes"][0]["mesh"] = texture
        mesh = read(gltf, tmp_path)
        assert mesh.parts[0].texture is not None and mesh.notes == ()
    gltf.plate(gltf.material(texture=3))
    gltf.tree["nodes"][0]["mesh"] = 3
    assert read(gltf, tmp_path).notes == (
        "a texture is ignored: KHR_texture_basisu is not supported",
    )


def test_without_material_colours_stay_or_it_is_grey(tmp_path):
    gltf = Gltf()
    gltf.plate(COLOR_0=gltf.accessor(np.full((4, 3), 0.25, "f4")))
    mesh = read(gltf, tmp_path)
    np.testing.assert_allclose(mesh.parts[0].vertex_colours, 0.25)  # pyright: ignore[reportCallIssue]
    assert mesh.notes == ()
    gltf = Gltf()
    gltf.plate()
    mesh = read(gltf, tmp_path)
    np.testing.assert_allclose(mesh.parts[0].colour, linear_from_srgb(np.full(3, 0.5)))
    assert mesh.notes == ("1 of 1 parts have no material: grey",)


def test_a_damaged_texture_is_refused(tmp_path):
    gltf = Gltf()
    texture = gltf.texture(FOUR)
    gltf.tree["bufferViews"][0]["byteLength"] -= 30
    gltf.plate(gltf.material(texture=texture))
    with pytest.raises(InputError, match=r"plate\.glb: its texture number 0 cannot be read"):
        read(gltf, tmp_path)
