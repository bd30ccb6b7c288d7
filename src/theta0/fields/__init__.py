"""Coordinate networks: SIREN, Fourier features, positional encoding."""

from ._base import Field, Frozen, count_weights, evaluate, weights
from ._linear import Linear
from .fourier import Fourier, FourierConfig
from .positional import Positional, PositionalConfig
from .sine import cosine, sine
from .siren import Siren, SirenConfig
from .stepped import Granularity, NetworkConfig, Stepped, SteppedConfig
from .turned import SingleConfig, Turned, TurnedConfig, turned

FieldConfig = SingleConfig | TurnedConfig

__all__ = [
    "Field",
    "FieldConfig",
    "Fourier",
    "FourierConfig",
    "Frozen",
    "Granularity",
    "Linear",
    "NetworkConfig",
    "Positional",
    "PositionalConfig",
    "SingleConfig",
    "Siren",
    "SirenConfig",
    "Stepped",
    "SteppedConfig",
    "Turned",
    "TurnedConfig",
    "cosine",
    "count_weights",
    "evaluate",
    "sine",
    "turned",
    "weights",
]
