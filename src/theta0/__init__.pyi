"""The public names of theta0, which are imported when they are first used."""

from .errors import DivergedError, InputError, MissingExtra
from .fields import (
    Field,
    Finer,
    FlipAverage,
    Fourier,
    Frozen,
    Gaussian,
    Grid,
    NetworkConfig,
    Positional,
    Siren,
    Wire,
)
from .forward import ForwardMap, Lines, Observation, Points, Rays, Segments, Volume
from .front import Evaluation, Fitted, LearnedInitialization, Sinogram, Views, evaluate, learn, load
from .inits import Description, Initialization, shipped
from .inner import SGD, Adam, InnerConfig, Objective, RuleConfig, StepSizes, Then, UpdateRule
from .meta import FOMAML, MAML, Learned, MetaGradient, MetaSGD, OuterConfig, Reptile
from .metrics import Metric
from .registry import register
from .signals import (
    CTConfig,
    ImageConfig,
    PhotoConfig,
    Shares,
    Signal,
    SignalConfig,
    Task,
    TaskFamily,
    ViewConfig,
)

__version__: str

__all__ = [
    "FOMAML",
    "MAML",
    "SGD",
    "Adam",
    "CTConfig",
    "Description",
    "DivergedError",
    "Evaluation",
    "Field",
    "Finer",
    "Fitted",
    "FlipAverage",
    "ForwardMap",
    "Fourier",
    "Frozen",
    "Gaussian",
    "Grid",
    "ImageConfig",
    "Initialization",
    "InnerConfig",
    "InputError",
    "Learned",
    "LearnedInitialization",
    "Lines",
    "MetaGradient",
    "MetaSGD",
    "Metric",
    "MissingExtra",
    "NetworkConfig",
    "Objective",
    "Observation",
    "OuterConfig",
    "PhotoConfig",
    "Points",
    "Positional",
    "Rays",
    "Reptile",
    "RuleConfig",
    "Segments",
    "Shares",
    "Signal",
    "SignalConfig",
    "Sinogram",
    "Siren",
    "StepSizes",
    "Task",
    "TaskFamily",
    "Then",
    "UpdateRule",
    "ViewConfig",
    "Views",
    "Volume",
    "Wire",
    "__version__",
    "evaluate",
    "learn",
    "load",
    "register",
    "shipped",
]
