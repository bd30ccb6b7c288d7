"""Initializations: learned, standard, mean, matched, shuffled; saved, loaded, shipped."""

from ._baselines import matched, mean, shuffled, standard
from ._file import Description, Initialization, UsualLosses, load, without_folders
from ._haiku import import_haiku
from ._shipped import find, locate, shipped

__all__ = [
    "Description",
    "Initialization",
    "UsualLosses",
    "find",
    "import_haiku",
    "load",
    "locate",
    "matched",
    "mean",
    "shipped",
    "shuffled",
    "standard",
    "without_folders",
]
