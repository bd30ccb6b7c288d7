"""Task distributions: records become tasks of fixed shapes, reproducible from (seed, step)."""

from ._base import Observation, Shots, Signal, SplitName, Standpoint, Task, TaskFamily, stack
from ._beams import Beam, fan_beam, parallel_beam
from ._grid import in_disc, pixel_coordinates
from ._photo_sources import PhotoCollection, PhotoSource
from ._scans import slice_integrals
from ._view_sources import ObjectFolder, ViewSource
from .ct import CTConfig, CTTasks
from .images import FileSource, ImageConfig, ImageSource, ImageTasks
from .partial import observe_part, random_share, seen_only
from .photos import PhotoConfig, PhotoTasks
from .views import ViewConfig, ViewTasks

SceneConfig = ViewConfig | PhotoConfig
"""Signals that cameras see."""

DataConfig = CTConfig | ImageConfig | SceneConfig

__all__ = [
    "Beam",
    "CTConfig",
    "CTTasks",
    "DataConfig",
    "FileSource",
    "ImageConfig",
    "ImageSource",
    "ImageTasks",
    "ObjectFolder",
    "Observation",
    "PhotoCollection",
    "PhotoConfig",
    "PhotoSource",
    "PhotoTasks",
    "SceneConfig",
    "Shots",
    "Signal",
    "SplitName",
    "Standpoint",
    "Task",
    "TaskFamily",
    "ViewConfig",
    "ViewSource",
    "ViewTasks",
    "fan_beam",
    "in_disc",
    "observe_part",
    "parallel_beam",
    "pixel_coordinates",
    "random_share",
    "seen_only",
    "slice_integrals",
    "stack",
]
