"""The interface of a collection of signals: numbered items in three splits, loaded on demand."""

from typing import Protocol, TypeVar, runtime_checkable

from theta0.data._splits import Split

Item = TypeVar("Item", covariant=True)


@runtime_checkable
class Collection(Protocol[Item]):
    """Numbered items in three splits; a number always refers to the same item."""

    @property
    def names(self) -> tuple[str, ...]:
        """One per item: file names relative to the folder, or numbers of procedural samples."""
        ...

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """(name, reason) of items that were left out."""
        ...

    @property
    def split(self) -> Split:
        """Numbers of the items for training, validation and test."""
        ...

    def load(self, index: int) -> Item:
        """Item number ``index``."""
        ...
