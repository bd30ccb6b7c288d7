"""Forward maps: how a signal is measured."""

from ._base import ForwardMap, Observation, RayMap, check_shapes, predicted_shape
from ._chunks import (
    Chunks,
    bytes_of_samples,
    chunk_size,
    cut,
    points_per_chunk,
    predict,
    predict_in_blocks,
    sum_over,
)
from ._lines import Lines, Segments
from ._points import Points
from ._volume import Rays, Rendering, Volume

__all__ = [
    "Chunks",
    "ForwardMap",
    "Lines",
    "Observation",
    "Points",
    "RayMap",
    "Rays",
    "Rendering",
    "Segments",
    "Volume",
    "bytes_of_samples",
    "check_shapes",
    "chunk_size",
    "cut",
    "points_per_chunk",
    "predict",
    "predict_in_blocks",
    "predicted_shape",
    "sum_over",
]
