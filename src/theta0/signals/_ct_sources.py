"""Where CT slices come from."""

from dataclasses import dataclass

from theta0.data.ct import read_slice_splits
from theta0.errors import require_count, require_positive

from ._kind import required_path
from ._scans import PhantomScans, Scans, SliceScans


@dataclass(frozen=True)
class Phantoms:
    """Randomized Shepp-Logan phantoms."""

    train: int = 2048
    """phantoms for training"""
    validation: int = 16
    """phantoms for validation"""
    test: int = 64
    """phantoms for testing"""
    seed: int = 0
    """which endless series of phantoms"""

    def __post_init__(self):
        require_positive(self, "train")
        require_count(self, "validation", "test", "seed")

    def scans(self, size: int) -> Scans:
        """The phantoms, ``size`` pixels per side."""
        return PhantomScans(self.seed, (self.train, self.validation, self.test), size)


@dataclass(frozen=True)
class SliceFile:
    """Slices of a file or folder, split by patient."""

    path: str | None = None
    """file or folder of CT slices, in any format that theta0 fit reads (theta0 fit --help)"""
    validation: int = 16
    """slices kept for validation"""
    test: int = 64
    """slices kept for testing"""

    def __post_init__(self):
        require_count(self, "validation", "test")

    def scans(self, size: int) -> Scans:
        """The slices, resized to ``size`` pixels per side.

        Raises:
            InputError: there is no path, or the file cannot be used.
        """
        path = required_path(self.path, "slices")
        parts = read_slice_splits(path, size, self.validation, self.test)
        return SliceScans([parts.train, parts.validation, parts.test], parts.skipped)


CTSource = Phantoms | SliceFile
"""Sources of slices; `theta0.config` stores them by name."""
