"""Where photographs of a scene come from."""

from dataclasses import dataclass

from theta0.data.town import TouristTown


@dataclass(frozen=True)
class PhotoCollection:
    """A collection of posed photographs, as `theta0.data.read_photos` finds it."""

    path: str | None = None
    """folder of the collection"""
    validation: int = 5
    """photographs for validation, where the collection has no split of its own; the paper's number,
    as the next"""
    test: int = 20
    """photographs for testing, the same"""
    rotation: int | None = None
    """names that go from the front to the end before that split; table5 pools runs on one
    collection that differ in it"""
    allow_missing: bool = False
    """leave out photographs whose picture is missing"""


PhotoSource = TouristTown | PhotoCollection
"""Sources of photographs; `theta0.config` stores them by name."""
