"""The mesh of a known ball: position, orientation, colours, and the file."""

import io

import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Volume
from theta0.reconstruct import Surface, density_grid, half_opaque, surface

pytestmark = pytest.mark.usefixtures("quick_compilation")

CENTRE = np.array([0.1, -0.05, 0.2])
VOLUME = Volume(samples=1)


class Ball(Field):
    """Density 40 (0.6 - r) around an off-centre point: 4 at r = 1/2. Red grows with z."""

    def __call__(self, x):
        centre = CENTRE.reshape(3, *[1] * (x.ndim - 1)).astype(x.dtype)
        r = jnp.sqrt(jnp.sum((x - centre) ** 2, axis=0))
        colour = [(x[2] + 1) / 2, x[0] * 0 + 0.25, x[0] * 0 + 1.5]
        return jnp.stack([*colour, 40 * (0.6 - r)])


@pytest.fixture(scope="module")
def mesh():
    return surface(Ball(), density_grid(VOLUME, Ball(), 1.0, 48), 1.0, 4.0)


def test_vertices_lie_on_the_ball(mesh):
    radii = np.linalg.norm(mesh.vertices - CENTRE, axis=1)
    # On an edge of length h the density is linear up to h^2 / 8r times its slope.
    np.testing.assert_allclose(radii, 0.5, atol=(2 / 47) ** 2 / (8 * 0.5))


def test_faces_point_outwards_and_the_mesh_is_closed(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    assert (np.sum(normals * (a - CENTRE), axis=1) > 0).all()
    # Gauss: the flux of x / 3 through a closed surface is its volume. Chords lose 2h^2 / r^2.
    volume = np.sum(normals * (a - CENTRE)) / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=0.01)
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_colours_are_those_of_the_field(mesh):
    expected = np.stack(
        [
            (mesh.vertices[:, 2] + 1) / 2 * 255,
            np.full(len(mesh.vertices), 0.25 * 255),
            np.full(len(mesh.vertices), 255),
        ],
        axis=1,
    )
    assert np.abs(mesh.colours - expected).max() <= 0.5 + 1e-3


def test_density_is_zero_outside_the_bounding_sphere_and_progress_is_reported():
    layers = []
    density = density_grid(VOLUME, Ball(), 0.5, 80, layers.append)
    axis = np.linspace(-0.5, 0.5, 80)
    r = np.sqrt(sum(np.square(part) for part in np.meshgrid(axis, axis, axis, indexing="ij")))
    assert (density[r >= 0.5] == 0).all() and (density[r < 0.35] > 0).all()
    assert layers == sorted(set(layers)) and layers[-1] == 80
    # A surface clipped by the sphere is closed, too.
    cut = surface(Ball(), density, 0.5, 4.0)
    edges = np.sort(cut.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_half_of_the_light_is_absorbed_over_a_32nd_of_the_diameter():
    assert 1 - np.exp(-half_opaque(0.7) * 1.4 / 32) == pytest.approx(0.5)


def test_a_threshold_above_all_densities_is_refused_naming_the_largest():
    density = np.full((8, 8, 8), 0.125, np.float32)
    with pytest.raises(InputError, match=r"the largest on the grid is 0\.125"):
        surface(Ball(), density, 1.0, 11.0)
    for threshold in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="give a threshold above 0"):
            surface(Ball(), density, 1.0, threshold)
    with pytest.raises(InputError, match="resolution is 4"):
        density_grid(VOLUME, Ball(), 1.0, 4)


def test_ply_body_matches_its_header(mesh):
    data = mesh.ply()
    header, body = data.split(b"end_header\n", 1)
    assert header.startswith(b"ply\nformat binary_little_endian 1.0\n")
    n, m = len(mesh.vertices), len(mesh.faces)
    assert f"element vertex {n}\n".encode() in header and f"element face {m}\n".encode() in header
    assert len(body) == n * (12 + 3) + m * (1 + 12)


def test_trimesh_reads_the_same_mesh(mesh):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    read = trimesh.load(io.BytesIO(mesh.ply()), file_type="ply", process=False)
    np.testing.assert_array_equal(read.vertices, mesh.vertices)
    np.testing.assert_array_equal(read.faces, mesh.faces)
    np.testing.assert_array_equal(read.visual.vertex_colors[:, :3], mesh.colours)
    assert read.is_watertight and read.volume > 0


def test_an_empty_mesh_is_a_valid_file():
    nothing = np.zeros((0, 3))
    empty = Surface(nothing.astype(np.float32), nothing.astype(np.int32), nothing.astype(np.uint8))
    assert empty.ply().endswith(b"end_header\n")
