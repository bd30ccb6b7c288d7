"""Presets as Python values, and what is done with them."""

import difflib
from dataclasses import replace

from theta0.errors import InputError
from theta0.inits import Initialization

from . import ct, images, paths, photos, views
from ._bench import Options
from ._experiment import STARTS, Experiment, StartName, StepSizes
from .evaluation import Evaluation, Gallery, evaluate_initialization
from .finished import Run, read_run_experiment, read_runs
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

PRESETS: dict[str, dict[str, Experiment]] = {
    **ct.PRESETS,
    **images.PRESETS,
    **views.PRESETS,
    **photos.PRESETS,
}


def preset(name: str, scale: str) -> Experiment:
    """A preset by name and scale.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=2, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(PRESETS)}"
        raise InputError(f"unknown preset {name!r}; {hint}")
    if scale not in PRESETS[name]:
        raise InputError(f"unknown scale {scale!r}; choose from {', '.join(PRESETS[name])}")
    return PRESETS[name][scale]


def experiment_of(initialization: Initialization) -> Experiment:
    """The experiment of an initialization that has left its run folder.

    Its own description gives data, network and inner loop; protocol and baselines come from the
    preset it was learned by.
    """
    description = initialization.description
    facts = description.provenance
    scale, seed = str(facts.get("scale")), facts.get("seed")
    base = preset(description.preset, scale if scale in PRESETS["images"] else "cpu")
    same = replace(
        base,
        data=description.data,
        forward=description.forward,
        seed=seed if isinstance(seed, int) else 0,
    )
    return same.with_learned(description.field, description.inner)


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
    "own_size",
    "paths",
    "preset",
    "read_experiment",
    "read_run_experiment",
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
