"""Forward maps: how a signal is measured."""

from ._base import ForwardMap, check_shapes
from ._config import ForwardConfig, with_samples
from .lines import Lines, Segments
from .points import Points
from .volume import Rays, Rendering, Volume

__all__ = [
    "ForwardConfig",
    "ForwardMap",
    "Lines",
    "Points",
    "Rays",
    "Rendering",
    "Segments",
    "Volume",
    "check_shapes",
    "with_samples",
]
