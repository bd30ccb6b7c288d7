"""Kinds of signals: how records become tasks, how signals of one's own are fitted and judged."""

from theta0.config import stored_by_class

from . import camera_paths
from ._base import Pictures, SplitName, Task, TaskFamily, all_tasks, check_tasks, stack
from ._beams import Beam, fan_beam, parallel_beam
from ._ct import CTConfig, CTTasks
from ._ct_sources import CTSource, Phantoms, SliceFile
from ._given import as_array, as_picture, as_slice, as_unit, check_bytes, size_without_enlarging
from ._grid import in_disc, pixel_coordinates
from ._images import FileSource, ImageConfig, ImageSource, ImageTasks
from ._kind import SignalConfig, required_path
from ._observed import random_share, seen_only
from ._photo_sources import PhotoCollection, PhotoSource
from ._photo_tasks import PhotoTasks
from ._photos import PhotoConfig
from ._render import LARGEST_SIZE, WHOLE, Region, check_region, native_size, render, render_values
from ._scans import slice_integrals
from ._scene import SceneConfig, SceneSignal, Standpoint
from ._shares import SHARES, Shares
from ._signal import Files, PlanarSignal, Signal, png
from ._view_sources import ObjectFolder, ViewSource
from ._view_tasks import ViewTasks
from ._views import ViewConfig

for _sources in (ImageSource, CTSource, ViewSource, PhotoSource):
    stored_by_class(_sources)

__all__ = [
    "LARGEST_SIZE",
    "SHARES",
    "WHOLE",
    "Beam",
    "CTConfig",
    "CTSource",
    "CTTasks",
    "FileSource",
    "Files",
    "ImageConfig",
    "ImageSource",
    "ImageTasks",
    "ObjectFolder",
    "Phantoms",
    "PhotoCollection",
    "PhotoConfig",
    "PhotoSource",
    "PhotoTasks",
    "Pictures",
    "PlanarSignal",
    "Region",
    "SceneConfig",
    "SceneSignal",
    "Shares",
    "Signal",
    "SignalConfig",
    "SliceFile",
    "SplitName",
    "Standpoint",
    "Task",
    "TaskFamily",
    "ViewConfig",
    "ViewSource",
    "ViewTasks",
    "all_tasks",
    "as_array",
    "as_picture",
    "as_slice",
    "as_unit",
    "camera_paths",
    "check_bytes",
    "check_region",
    "check_tasks",
    "fan_beam",
    "in_disc",
    "native_size",
    "parallel_beam",
    "pixel_coordinates",
    "png",
    "random_share",
    "render",
    "render_values",
    "required_path",
    "seen_only",
    "size_without_enlarging",
    "slice_integrals",
    "stack",
]
