"""Task distributions: records become tasks of fixed shapes, reproducible from (seed, step)."""

from ._base import Observation, Signal, SplitName, Task, TaskFamily, stack
from ._grid import pixel_coordinates
from .ct import CTConfig, CTTasks, parallel_beam, slice_integrals
from .images import FileSource, ImageConfig, ImageSource, ImageTasks

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
    "parallel_beam",
    "pixel_coordinates",
    "slice_integrals",
    "stack",
]
