"""Coordinate networks: SIREN, FINER, WIRE, Gaussian, Fourier, NeRF, feature grid, hybrid."""

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
from ._finer import Finer, FinerField
from ._flip_average import FlipAverage, FlipAverageField, flip
from ._fourier import Fourier, FourierField
from ._gaussian import Gaussian, GaussianField
from ._grid import Grid, GridField
from ._hybrid import Hybrid, HybridField
from ._linear import Linear
from ._positional import Positional, PositionalField
from ._sine import cosine, sine
from ._siren import Siren, SirenField
from ._wire import ComplexLinear, Wire, WireField

__all__ = [
    "ComplexLinear",
    "Field",
    "Finer",
    "FinerField",
    "FlipAverage",
    "FlipAverageField",
    "Fourier",
    "FourierField",
    "Frozen",
    "Gaussian",
    "GaussianField",
    "Grid",
    "GridField",
    "Hybrid",
    "HybridField",
    "Linear",
    "NetworkConfig",
    "Positional",
    "PositionalField",
    "Siren",
    "SirenField",
    "Wire",
    "WireField",
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
