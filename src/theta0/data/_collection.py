"""What every collection of signals is: numbered items in three splits, each read when asked for."""

from typing import Protocol, TypeVar, runtime_checkable

from theta0.data._splits import Split

Item = TypeVar("Item", covariant=True)


@runtime_checkable
class Collection(Protocol[Item]):
    """Numbered items in three splits; each number always the same one."""

    @property
    def names(self) -> tuple[str, ...]:
        """One an item; file names relative to their folder, or numbers of procedural samples."""
        ...

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """(name, reason) of items left out."""
        ...

    @property
    def split(self) -> Split:
        """Numbers of the items for training, validation and test."""
        ...

    def load(self, index: int) -> Item:
        """Item number ``index``."""
        ...
