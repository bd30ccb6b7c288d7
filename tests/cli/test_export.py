"""theta0 export: the mesh of a fit."""

import numpy as np
import pytest

from theta0.inits import load
from theta0.reconstruct import density_grid

pytestmark = pytest.mark.slow


def densities(chair_fit, resolution=12):
    fitted = load(chair_fit / "fitted.safetensors")
    return density_grid(fitted.description.forward, fitted.field, 1.0, resolution)


def test_a_mesh_at_a_density_that_is_given(theta0, chair_fit, tmp_path):
    largest = float(densities(chair_fit).max())
    out = tmp_path / "new" / "chair.ply"
    words = ["--resolution", 12, "--threshold", 0.5 * largest, "--mesh", out, "--json"]
    done = theta0("export", chair_fit, *words)
    assert done.code == 0, done.err
    told = done.json
    np.testing.assert_allclose(told["largest_density"], largest, rtol=1e-5)
    header, body = out.read_bytes().split(b"end_header\n", 1)
    assert f"element vertex {told['vertices']}\n".encode() in header and told["vertices"] > 0
    assert len(body) == 15 * told["vertices"] + 13 * told["faces"]


def test_what_cannot_be_exported(refused, chair_fit, images_run, tmp_path):
    mesh = ["--mesh", "chair.ply"]
    coarse = [*mesh, "--resolution", 12]
    largest = f"{float(densities(chair_fit).max()):.3g}"[:3]
    # Three steps make no surface at the density that is the default.
    refused(f"the largest on the grid is {largest}", "export", chair_fit, *coarse)
    refused("above 0", "export", chair_fit, *coarse, "--threshold", 0)
    refused("not a finite number", "export", chair_fit, *coarse, "--threshold", "nan")
    refused("resolution is 4; give 8 to 512", "export", chair_fit, *mesh, "--resolution", 4)
    refused("ends in .ply", "export", chair_fit, "--mesh", "chair.obj")
    refused("not of an object", "export", images_run, *mesh)
    refused("neither fitted.safetensors", "export", tmp_path, *mesh)
    refused("--mesh|mesh", "export", chair_fit)
