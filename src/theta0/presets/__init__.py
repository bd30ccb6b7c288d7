"""Presets as Python values, the training runs they describe, and their evaluation."""

from . import ct, images, photos, views
from .arrays import digest
from .environment import command_line, commit, environment, machine
from .evaluation import Evaluation, Gallery, OnProgress, evaluate_initialization, gallery
from .experiment import INITS, Experiment, InitName
from .lookup import PRESETS, experiment_of, preset
from .run import read_experiment, train

__all__ = [
    "INITS",
    "PRESETS",
    "Evaluation",
    "Experiment",
    "Gallery",
    "InitName",
    "OnProgress",
    "command_line",
    "commit",
    "ct",
    "digest",
    "environment",
    "evaluate_initialization",
    "experiment_of",
    "gallery",
    "images",
    "machine",
    "photos",
    "preset",
    "read_experiment",
    "train",
    "views",
]
