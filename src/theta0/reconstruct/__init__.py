"""Using an initialization: fit a signal, render it from any view, export its surface."""

from ._fitting import BASELINE_RULE, SignalFit, fit_signal, fit_signals, suited
from ._mesh import Surface, density_grid, half_opaque, surface
from ._novel_views import View, interpolate, render_view
from ._results import fitted_of, in_words, stack_in_words, strip_of, write_fits, write_stack
from ._unlike import note_if_unlike

__all__ = [
    "BASELINE_RULE",
    "SignalFit",
    "Surface",
    "View",
    "density_grid",
    "fit_signal",
    "fit_signals",
    "fitted_of",
    "half_opaque",
    "in_words",
    "interpolate",
    "note_if_unlike",
    "render_view",
    "stack_in_words",
    "strip_of",
    "suited",
    "surface",
    "write_fits",
    "write_stack",
]
