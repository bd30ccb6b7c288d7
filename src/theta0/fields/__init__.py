"""Coordinate networks: SIREN, Fourier features, positional encoding."""

from ._base import Field, Frozen, count_weights, evaluate, weights
from ._linear import Linear
from .fourier import Fourier, FourierConfig
from .mirrored import Mirrored, MirroredConfig, SingleConfig, mirrored
from .positional import Positional, PositionalConfig
from .sine import cosine, sine
from .siren import Siren, SirenConfig
from .stepped import Granularity, NetworkConfig, Stepped, SteppedConfig

FieldConfig = SingleConfig | MirroredConfig

__all__ = [
    "Field",
    "FieldConfig",
    "Fourier",
    "FourierConfig",
    "Frozen",
    "Granularity",
    "Linear",
    "Mirrored",
    "MirroredConfig",
    "NetworkConfig",
    "Positional",
    "PositionalConfig",
    "SingleConfig",
    "Siren",
    "SirenConfig",
    "Stepped",
    "SteppedConfig",
    "cosine",
    "count_weights",
    "evaluate",
    "mirrored",
    "sine",
    "weights",
]
