"""Meta-learners, and the outer loop that runs them."""

from ._base import Learned, MetaGradient
from ._fomaml import FOMAML
from ._learn import MetaTrained, learn, meta_step
from ._maml import MAML, MetaSGD
from ._outer import OuterConfig
from ._reptile import Reptile
from ._run_files import Progress, RunFiles, read_log

__all__ = [
    "FOMAML",
    "MAML",
    "Learned",
    "MetaGradient",
    "MetaSGD",
    "MetaTrained",
    "OuterConfig",
    "Progress",
    "Reptile",
    "RunFiles",
    "learn",
    "meta_step",
    "read_log",
]
