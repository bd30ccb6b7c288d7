"""Where views of a class of objects come from."""

from dataclasses import dataclass

from theta0.data.views import ProceduralObjects


@dataclass(frozen=True)
class ObjectFolder:
    """A class of objects in folders, as `theta0.data.read_objects` finds it."""

    path: str | None = None
    """folder of the class"""
    category: str | None = None
    """which class, such as chair, if there are several"""
    validation: int = 4
    """objects for validation, where the data has no split of its own"""
    test: int = 10
    """objects for testing, the same"""
    seed: int = 0
    """another seed gives another such split"""
    allow_absent: bool = False
    """leave out objects that a split file names and the folder lacks"""


ViewSource = ProceduralObjects | ObjectFolder
"""Sources of views; `theta0.config` stores them by name."""
