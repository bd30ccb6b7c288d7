"""Meta-learners, and the outer loop that runs them."""

from ._base import MetaGradient
from .fomaml import FOMAML
from .learn import Learned, OuterConfig, Progress, learn, meta_step
from .maml import MAML
from .metasgd import MetaSGD
from .reptile import Reptile

__all__ = [
    "FOMAML",
    "MAML",
    "Learned",
    "MetaGradient",
    "MetaSGD",
    "OuterConfig",
    "Progress",
    "Reptile",
    "learn",
    "meta_step",
]
