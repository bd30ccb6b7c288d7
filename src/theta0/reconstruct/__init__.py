"""Using an initialization: fit a signal, render it from any view and at any size, export it."""

from . import camera_paths
from .fitting import BASELINE_FIT, StartFit, fit_stack, fit_start, seen_picture
from .mesh import Surface, density_grid, half_opaque, surface
from .new_views import View, between, render_view
from .rendering import LARGEST_SIZE, WHOLE, Region, check_region, own_size, render, render_values

__all__ = [
    "BASELINE_FIT",
    "LARGEST_SIZE",
    "WHOLE",
    "Region",
    "StartFit",
    "Surface",
    "View",
    "between",
    "camera_paths",
    "check_region",
    "density_grid",
    "fit_stack",
    "fit_start",
    "half_opaque",
    "own_size",
    "render",
    "render_values",
    "render_view",
    "seen_picture",
    "surface",
]
