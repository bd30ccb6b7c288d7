"""``theta0 export``: the surface of a fitted object as a mesh."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from theta0.errors import InputError, require_positive
from theta0.files import write_bytes
from theta0.reconstruct import density_grid, half_opaque, surface

from ._common import parse, progress_bar, require_folder, say
from ._objects import find_object

EXAMPLES = """Write the surface of a fitted object as a mesh with coloured vertices, z up.

examples:
  theta0 export fits/chair --mesh chair.ply
  theta0 export fits/chair --mesh chair.ply --resolution 256 --threshold 10

The surface is where the density of the field is --threshold, inside the bounding sphere. Density is
per world unit: a fraction 1 - exp(-density x length) of the light is absorbed. When left out, the
threshold is the density that absorbs half the light within 1/32 of the sphere's diameter (11 for a
sphere of radius 1).
"""


@dataclass
class ExportArguments:
    """Arguments of ``theta0 export``."""

    fit: tyro.conf.Positional[str]
    """folder that theta0 fit wrote, its fitted.safetensors, or a learned initialization"""
    mesh: Path
    """file to write; its name ends in .ply"""
    resolution: int = 128
    """points per side of the grid on which the density is evaluated"""
    threshold: float | None = None
    """density of the surface; see above when left out"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(ExportArguments, argv, "export", description=EXAMPLES)
    out = arguments.mesh
    if out.suffix.lower() != ".ply" or out.is_dir():
        raise InputError(f"--mesh {out}: give the name of a file that ends in .ply")
    require_folder(out.parent)
    require_positive(arguments, "threshold")
    found = find_object(arguments.fit)
    radius = found.data.radius
    threshold = half_opaque(radius) if arguments.threshold is None else arguments.threshold
    began = time.monotonic()
    with progress_bar(arguments.resolution, "layers") as update:
        density = density_grid(
            found.volume, found.field, radius, arguments.resolution, lambda done: update(done, "")
        )
    mesh = surface(found.field, density, radius, threshold)
    write_bytes(out, mesh.ply())
    seconds = round(time.monotonic() - began, 2)
    corners, faces = len(mesh.vertices), len(mesh.faces)
    say(f"{corners} vertices, {faces} faces at density {threshold:.4g} in {seconds:.1f} s: {out}")
    return {
        "out": str(out),
        "vertices": corners,
        "faces": faces,
        "threshold": threshold,
        "largest_density": float(density.max()),
        "seconds": seconds,
    }
