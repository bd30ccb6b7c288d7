"""What a CT user reconstructs with where no network is learned: NumPy and SciPy, no JAX.

Each method is a frozen dataclass of plain settings; called with a `Scan` it returns the slice.
"""

from collections.abc import Callable

import numpy as np

from ._scan import Scan
from ._system import system_matrix
from .fbp import FBP
from .sart import SART
from .tv import TV, Solution

Method = Callable[[Scan], np.ndarray]
"""A scan to the slice `size size` that it shows."""

__all__ = ["FBP", "SART", "TV", "Method", "Scan", "Solution", "system_matrix"]
