"""Task distributions: records become tasks of fixed shapes, reproducible from (seed, step)."""

from ._base import Observation, Signal, SplitName, Task, TaskFamily, stack
from ._grid import pixel_coordinates
from .ct import CTConfig, CTTasks, parallel_beam, slice_integrals
from .images import FileSource, ImageConfig, ImageSource, ImageTasks
from .partial import observe_part, random_share, seen_only

DataConfig = CTConfig | ImageConfig

__all__ = [
    "CTConfig",
    "CTTasks",
    "DataConfig",
    "FileSource",
    "ImageConfig",
    "ImageSource",
    "ImageTasks",
    "Observation",
    "Signal",
    "SplitName",
    "Task",
    "TaskFamily",
    "observe_part",
    "parallel_beam",
    "pixel_coordinates",
    "random_share",
    "seen_only",
    "slice_integrals",
    "stack",
]
