"""Rendered pictures show the mesh where the camera's equations put it, in the right light."""

import sys

import numpy as np
import pytest

from theta0.data.cameras import Camera, look_at, orbit, project, rays
from theta0.data.meshes import Mesh, RenderConfig, Variant
from theta0.data.meshes._environments import directions, random_environment, shading
from theta0.data.meshes._mesh import Part
from theta0.data.meshes._read import read_mesh
from theta0.data.meshes._render_views import render_object
from theta0.data.meshes._stores import FolderStore

from .mesh_files import box, write_gltf_quad

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
pytest.importorskip("mitsuba", reason="mitsuba is not installed")

from theta0.data.meshes._mitsuba import Scene  # noqa: E402

FOV_DEG = 2 * np.rad2deg(np.arcsin(1 / 4))
EVERYWHERE = np.ones((*directions().shape[:2], 3))
"""Light in which a dull surface that sees no other one shows exactly its own colour."""


def solid(low, high, colour=(1.0, 1.0, 1.0)):
    """A box between two corners."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    mesh = trimesh.creation.box(high - low)
    return Part(mesh.vertices + (low + high) / 2, np.asarray(mesh.faces), np.array(colour))


def camera(azimuth_deg, elevation_deg, size=32, distance=4.0):
    pose = orbit(azimuth_deg, elevation_deg, distance)
    return Camera.from_fov(pose, size, size, FOV_DEG)


def entry(lines, low, high):
    """Where rays enter a box, in units of their directions; inf where they miss it."""
    with np.errstate(divide="ignore"):
        ends = np.stack([(side - lines.origin) / lines.direction for side in (low, high)])
    near, far = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
    return np.where(near < far, near, np.inf)


VIEWS = [(0.0, 0.0), (30.0, 40.0), (200.0, -65.0), (90.0, 90.0)]


@pytest.mark.parametrize("view", VIEWS)
def test_points_appear_where_the_camera_projects_them(view):
    # Eight small boxes of different colours at corners that are not symmetrical.
    rng = np.random.default_rng(0)
    centres = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.5
    centres += rng.uniform(-0.08, 0.08, centres.shape)
    colours = [[x, y, z] for x in (0.1, 0.9) for y in (0.1, 0.9) for z in (0.1, 0.9)]
    parts = [solid(c - 0.06, c + 0.06, colour) for c, colour in zip(centres, colours, strict=True)]
    seen_by = camera(*view, size=64)
    picture = Scene(Mesh(tuple(parts)), EVERYWHERE).picture(seen_by, 16, 0)
    pixels, depth = project(centres, seen_by)
    seen = 0
    for (x, y), far, colour in zip(pixels, depth, colours, strict=True):
        column, row = int(x), int(y)
        if abs(picture.depth[row, column] - far) < 0.12:  # not behind another box
            # The box's own colour, but for noise, and light from other boxes instead of the sky;
            # the colours are 0.8 apart.
            np.testing.assert_allclose(picture.light[row, column], colour, atol=0.15)
            seen += 1
    assert seen >= 4


@pytest.mark.parametrize("view", VIEWS)
def test_depth_and_alpha_of_a_box_are_those_of_its_equations(view):
    low, high = np.array([-0.5, -0.3, -0.7]), np.array([0.4, 0.6, 0.2])
    seen_by = camera(*view)
    picture = Scene(Mesh((solid(low, high),)), EVERYWHERE).picture(seen_by, 64, 0)
    exact = entry(rays(seen_by), low, high).reshape(32, 32)
    # A ray through an edge may pass either side of it in float32.
    assert np.mean(np.isfinite(exact) != np.isfinite(picture.depth)) < 0.005
    both = np.isfinite(exact) & np.isfinite(picture.depth)
    np.testing.assert_allclose(picture.depth[both], exact[both], atol=1e-4)
    # Alpha against the coverage of 16 x 16 points per pixel: both are off by half a row of cells.
    fine = camera(*view, size=512)
    covered = np.isfinite(entry(rays(fine), low, high)).reshape(32, 16, 32, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(picture.alpha, covered, atol=0.13)
    # One of the 64 samples may hit a corner that lies between those points.
    assert picture.alpha[covered == 0].max() <= 1 / 64
    assert picture.alpha[covered == 1].min() >= 63 / 64


def test_depth_of_a_sphere():
    mesh = trimesh.creation.icosphere(subdivisions=5)
    part = Part(np.asarray(mesh.vertices), np.asarray(mesh.faces), np.ones(3))
    seen_by = camera(40.0, 20.0)
    picture = Scene(Mesh((part,)), EVERYWHERE).picture(seen_by, 4, 0)
    lines = rays(seen_by)
    a, b = (lines.direction**2).sum(1), (lines.origin * lines.direction).sum(1)
    root = b**2 - a * (16 - 1)
    exact = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf).reshape(32, 32)
    inner = exact < 3.6  # the polyhedron differs at the rim, elsewhere by its sagitta, 5e-4
    np.testing.assert_allclose(picture.depth[inner], exact[inner], atol=2e-3)
    # The unit sphere just fits: it touches the picture's edges and leaves the corners free.
    assert picture.alpha[:, [0, -1]].max(axis=0).min() > 0
    assert picture.alpha[0, 0] == 0


def test_light_comes_from_where_it_is():
    cube = Mesh((solid([-0.5] * 3, [0.5] * 3, [0.5] * 3),))
    for axis in range(3):
        for sign in (-1.0, 1.0):
            # Half of the sky shines; the face towards it shows its colour as if all of it did.
            light = np.repeat(sign * directions()[..., axis : axis + 1] > 0, 3, axis=2) * 1.0
            scene = Scene(cube, light)
            for side, expected in ((sign, 0.5), (-sign, 0.0)):
                toward = np.zeros(3)
                toward[axis] = 4 * side
                up = (0, 1, 0) if axis == 2 else (0, 0, 1)
                seen_by = Camera.from_fov(look_at(toward, up=up), 8, 8, FOV_DEG)
                shown = scene.picture(seen_by, 256, 0).light[3:5, 3:5].mean()
                # The map's pixels at the horizon are interpolated.
                assert shown == pytest.approx(expected, abs=0.03), (axis, sign, side)


def test_shading_is_the_light_that_mitsuba_shows():
    light = random_environment(np.random.default_rng(3))
    scene = Scene(Mesh((solid([-0.5] * 3, [0.5] * 3),)), light)
    for axis, view in enumerate([(0.0, 0.0), (90.0, 0.0), (0.0, 90.0)]):
        shown = scene.picture(camera(*view, size=8), 1024, 0).light[3:5, 3:5].mean(axis=(0, 1))
        expected = shading(light, np.eye(3)[axis : axis + 1])[0]
        # 4096 paths: about 1 %; the map's pixels, 2 %.
        np.testing.assert_allclose(shown, expected, rtol=0.04)


def test_random_environments_are_neither_dark_nor_dazzling():
    normals = directions()[1::3, ::4].reshape(-1, 3)
    for seed in range(20):
        shown = shading(random_environment(np.random.default_rng(seed)), normals)
        assert 0.94 <= shown.max() <= 1.3
        assert shown.min() > 0.08
        # What faces the sky is lit better than what faces the ground.
        assert shown[normals[:, 2] > 0.9].mean() > shown[normals[:, 2] < -0.9].mean()


def test_both_sides_of_a_surface_show_its_texture(tmp_path):
    path = write_gltf_quad(tmp_path / "quad.gltf")
    mesh = read_mesh(FolderStore(tmp_path, 10**6), path.name)
    scene = Scene(mesh, EVERYWHERE)
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}

    def seen(azimuth_deg):
        light = scene.picture(camera(azimuth_deg, 0.0), 16, 0).light
        places = {"above": 12, "below": 20}
        return [names[tuple(np.rint(light[places[row], column]).astype(int))]
                for row in ("above", "below") for column in (12, 20)]  # fmt: skip

    # Its front faced the file's z and so faces -y; from behind left and right are swapped.
    assert seen(-90.0) == ["blue", "white", "red", "green"]
    assert seen(90.0) == ["white", "blue", "green", "red"]


def test_objects_of_a_gltf_file_stand_upright(tmp_path):
    # In the file: a red top (y), a blue foot, and a green arm towards its front (z).
    places = {(255, 0, 0): (0, 1, 0), (0, 0, 255): (0, -1, 0), (0, 255, 0): (0, 0, 0.5)}
    solids = [box([0.2, 0.2, 0.2], colour, place, trimesh) for colour, place in places.items()]
    trimesh.Scene(solids).export(tmp_path / "stand.glb")
    mesh = read_mesh(FolderStore(tmp_path, 10**6), "stand.glb")
    config = RenderConfig(views=12, size=32, samples=16)
    views = render_object(mesh, config, np.random.default_rng(0), "stand")
    for image, seen_by in zip(views.images, views.cameras, strict=True):
        for name, colour in (("red", 0), ("blue", 2), ("green", 1)):
            rest = [channel for channel in range(3) if channel != colour]
            rows, columns = np.nonzero(image[..., colour] > 2.0 * image[..., rest].max(axis=-1))
            # Centred at z = 0.25 in the file, and 1.159 from there to the farthest corner.
            place = {"red": [0, 0.25, 1], "blue": [0, 0.25, -1], "green": [0, -0.25, 0]}[name]
            if len(rows) < 4:  # behind another
                continue
            expected = project(np.array([place]) / 1.159, seen_by).pixel[0]
            found = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
            # Half of it may be hidden; boxes are about 3 pixels wide.
            np.testing.assert_allclose(found, expected, atol=1.5)


def test_a_mirrored_object_looks_like_its_picture_in_a_mirror():
    parts = solid([-0.5, -0.3, -0.7], [0.4, 0.6, 0.2]), solid([0.4, 0, 0], [0.7, 0.2, 0.5])
    mesh = Mesh(parts).moved(np.eye(3))
    mirrored = Variant(np.array([-1.0, 1, 1]), np.eye(3)).of(mesh)
    one, other = (Scene(each, EVERYWHERE) for each in (mesh, mirrored))
    a = one.picture(camera(20.0, 30.0), 4, 0).depth
    b = other.picture(camera(160.0, 30.0), 4, 0).depth[:, ::-1]
    assert np.mean(np.isfinite(a) != np.isfinite(b)) < 0.005  # edges, in float32
    both = np.isfinite(a) & np.isfinite(b)
    np.testing.assert_allclose(a[both], b[both], atol=1e-3)


def test_views_are_spread_over_the_sphere_or_its_upper_half():
    mesh = Mesh((solid([-0.5] * 3, [0.5] * 3),)).moved(np.eye(3))
    for hemisphere in (False, True):
        config = RenderConfig(views=100, size=4, samples=1, hemisphere=hemisphere)
        views = render_object(mesh, config, np.random.default_rng(0), "box")
        eyes = np.stack([seen_by.position for seen_by in views.cameras])
        np.testing.assert_allclose(np.linalg.norm(eyes, axis=1), 4)
        # Heights are uniform: Archimedes. 100 draws: three standard errors of the mean.
        expected = 2 if hemisphere else 0
        spread = 4 / np.sqrt(12) * (1 if hemisphere else 2)
        assert eyes[:, 2].mean() == pytest.approx(expected, abs=3 * spread / np.sqrt(100))
        assert (eyes[:, 2].min() >= 0) == hemisphere
        assert np.abs(eyes[:, :2].mean(axis=0)).max() < 3 * 2.3 / np.sqrt(100)


def test_pictures_hold_srgb_of_the_light():
    # A grey of 0.2140 in linear light is 0.5 on the screen; in this light it shows as it is.
    mesh = Mesh((solid([-0.5] * 3, [0.5] * 3, [0.21404] * 3),)).moved(np.eye(3))
    with pytest.MonkeyPatch.context() as patch:
        module = sys.modules[render_object.__module__]
        patch.setattr(module, "random_environment", lambda rng: EVERYWHERE)
        config = RenderConfig(views=1, size=8, samples=1024)
        views = render_object(mesh, config, np.random.default_rng(0), "box")
    shown = views.images[0, 3:5, 3:5, :3] / 255
    np.testing.assert_allclose(shown, 0.5, atol=0.02)
    assert (views.images[0, 3:5, 3:5, 3] == 255).all()
