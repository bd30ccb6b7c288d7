"""The front door: arrays in, arrays out. Its names are those of ``theta0`` itself."""

from ._evaluate import Evaluation, evaluate
from ._fitted import Fitted
from ._given import Sinogram, Views
from ._init import LearnedInitialization, load
from ._learn import learn

__all__ = [
    "Evaluation",
    "Fitted",
    "LearnedInitialization",
    "Sinogram",
    "Views",
    "evaluate",
    "learn",
    "load",
]
