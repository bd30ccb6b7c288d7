"""The tables and figures of the paper: each is one function of the results of runs."""

from .classical import METHODS, evaluate_classic, scan_of
from .comparison import Comparison
from .ct import BY_VIEWS, table3
from .images import (
    MATCH_COUNTS,
    figure_curves,
    figure_images,
    steps_to_match,
    table1,
    table2,
)
from .objects import figure_shapenet, figure_shapenet_convergence, object_classes, table4
from .options import Options
from .reproduction import AppearanceTransfer, NovelViews, Reconstructions, Reproduction
from .run_cache import RunCache
from .runs import Run, Where, on_signals, read_runs
from .tourism import figure_tourism, scenes, table5
from .training import figure_training

__all__ = [
    "BY_VIEWS",
    "MATCH_COUNTS",
    "METHODS",
    "AppearanceTransfer",
    "Comparison",
    "NovelViews",
    "Options",
    "Reconstructions",
    "Reproduction",
    "Run",
    "RunCache",
    "Where",
    "evaluate_classic",
    "figure_curves",
    "figure_images",
    "figure_shapenet",
    "figure_shapenet_convergence",
    "figure_tourism",
    "figure_training",
    "object_classes",
    "on_signals",
    "read_runs",
    "scan_of",
    "scenes",
    "steps_to_match",
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
]
