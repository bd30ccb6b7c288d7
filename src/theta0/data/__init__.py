"""Sources of signals: files or procedures become NumPy records. No JAX, no tasks.

Each kind of signal has a folder: `images`, `ct`, `views`, `meshes`, `photos`, `colmap`, `town`;
`cameras` is what all posed pictures share. A public name is imported from its folder, such as
``from theta0.data.images import Folder``; here is what they all use.
"""

from theta0.data._collection import (
    Collection,
)
from theta0.data._splits import (
    Split,
    split,
)

__all__ = [
    "Collection",
    "Split",
    "split",
]
