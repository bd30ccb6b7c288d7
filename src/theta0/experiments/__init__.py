"""Presets as Python values, and what is done with them."""

from . import paths
from ._bench import Options
from ._experiment import STARTS, Experiment, StartName, StepSizes
from ._presets import PRESETS, experiment_of, preset
from .evaluation import Evaluation, Gallery, evaluate_initialization
from .finished import Run, Where, on_signals, read_runs
from .fitting import BASELINE_FIT, StartFit, fit_stack, fit_start, seen_picture
from .mesh import Surface, density_grid, half_opaque, surface
from .new_views import View, between, render_view
from .object_views import figure_shapenet, figure_shapenet_convergence, table4
from .parts import Parts
from .rendering import LARGEST_SIZE, WHOLE, Region, check_region, own_size, render, render_values
from .reproduce import (
    Reproduction,
    figure_curves,
    figure_images,
    figure_training,
    steps_to_match,
    table1,
    table2,
)
from .run import command_line, commit, environment, machine, read_experiment, train
from .sparse_views import BY_VIEWS, table3
from .tourism import figure_tourism, table5

__all__ = [
    "BASELINE_FIT",
    "BY_VIEWS",
    "LARGEST_SIZE",
    "PRESETS",
    "STARTS",
    "WHOLE",
    "Evaluation",
    "Experiment",
    "Gallery",
    "Options",
    "Parts",
    "Region",
    "Reproduction",
    "Run",
    "StartFit",
    "StartName",
    "StepSizes",
    "Surface",
    "View",
    "Where",
    "between",
    "check_region",
    "command_line",
    "commit",
    "density_grid",
    "environment",
    "evaluate_initialization",
    "experiment_of",
    "figure_curves",
    "figure_images",
    "figure_shapenet",
    "figure_shapenet_convergence",
    "figure_tourism",
    "figure_training",
    "fit_stack",
    "fit_start",
    "half_opaque",
    "machine",
    "on_signals",
    "own_size",
    "paths",
    "preset",
    "read_experiment",
    "read_runs",
    "render",
    "render_values",
    "render_view",
    "seen_picture",
    "steps_to_match",
    "surface",
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
    "train",
]
