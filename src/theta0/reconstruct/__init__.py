"""Using an initialization: fit signals, render them at any size or from novel views, export."""

from . import camera_paths
from .fitting import BASELINE_FIT, SignalFit, fit_signal, fit_signals, observed_picture
from .mesh import Surface, density_grid, half_opaque, surface
from .novel_views import View, interpolate, render_view
from .rendering import LARGEST_SIZE, WHOLE, Region, check_region, native_size, render, render_values

__all__ = [
    "BASELINE_FIT",
    "LARGEST_SIZE",
    "WHOLE",
    "Region",
    "SignalFit",
    "Surface",
    "View",
    "camera_paths",
    "check_region",
    "density_grid",
    "fit_signal",
    "fit_signals",
    "half_opaque",
    "interpolate",
    "native_size",
    "observed_picture",
    "render",
    "render_values",
    "render_view",
    "surface",
]
