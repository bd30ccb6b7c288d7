"""Coordinate networks: SIREN, Fourier features, positional encoding, feature grid."""

from ._base import (
    Field,
    Frozen,
    NetworkConfig,
    config_of,
    count_weights,
    evaluate,
    on_device,
    trained,
    weights,
)
from ._flip_average import FlipAverage, FlipAverageField, flip
from ._fourier import Fourier, FourierField
from ._grid import Grid, GridField
from ._linear import Linear
from ._positional import Positional, PositionalField
from ._sine import cosine, sine
from ._siren import Siren, SirenField

__all__ = [
    "Field",
    "FlipAverage",
    "FlipAverageField",
    "Fourier",
    "FourierField",
    "Frozen",
    "Grid",
    "GridField",
    "Linear",
    "NetworkConfig",
    "Positional",
    "PositionalField",
    "Siren",
    "SirenField",
    "config_of",
    "cosine",
    "count_weights",
    "evaluate",
    "flip",
    "on_device",
    "sine",
    "trained",
    "weights",
]
