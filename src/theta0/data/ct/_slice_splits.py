"""Slices for training, validation and test, split by patient or as defined by the file.

The .npz files that the paper's authors publish define a split by their two arrays:

    data_train    (N h w), in [0, 1] or uint8; the last slices are for validation
    data_test     (N h w), the same
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data import split
from theta0.data._arrays import array_names
from theta0.data.ct._read import PUBLISHED, read_slices
from theta0.data.ct._sinograms import holds_sinogram
from theta0.data.ct._slices import Slices, constant, resize_slices
from theta0.errors import InputError


@dataclass(frozen=True, eq=False)
class SliceSplits:
    """Square slices in [0, 1], in three splits.

    Attributes:
        train: For training.
        validation: For validation.
        test: For testing.
        skipped: (name, reason) of slices that were left out.
    """

    train: Float[np.ndarray, "_ size size"]
    validation: Float[np.ndarray, "_ size size"]
    test: Float[np.ndarray, "_ size size"]
    skipped: tuple[tuple[str, str], ...]


def read_slice_splits(path: str | Path, size: int, validation: int, test: int) -> SliceSplits:
    """Read the slices of a file or folder, and split them.

    Constant slices, such as those of air at the ends of a scan, are left out, and so are copies of
    slices: those for training first, then those for validation.

    Args:
        path: As for `read_slices`.
        size: Side of the squares, in pixels.
        validation: Minimum number of validation slices, including copies, from patients of their
            own; for the authors' files the number of last slices of data_train.
        test: The same for testing; for the authors' files the number of first slices of data_test.

    Raises:
        InputError: The file cannot be used, or leaves no slice for training.
    """
    path = Path(path)
    if holds_sinogram(path):
        raise InputError(
            f"{path}: a measured sinogram, which can be fitted (theta0 fit) but not used for "
            "training; give slices"
        )
    if path.suffix.lower() == ".npz" and set(PUBLISHED) <= set(array_names(path)):
        return _published(path, size, validation, test)
    return _by_patient(path, size, validation, test)


def _by_patient(path: Path, size: int, validation: int, test: int) -> SliceSplits:
    """A split that keeps the slices of a patient together and leaves out copies."""
    slices = read_slices(path)
    rows, skipped = _varying(path, slices)
    parts = split([slices.groups[row] for row in rows], validation, test)
    content = lambda row: slices.pixels[row].tobytes()
    first: dict[bytes, int] = {}
    pick = lambda part: [
        row
        for row in (rows[number] for number in part)
        if first.setdefault(content(row), row) == row
    ]
    test_rows, validation_rows, train_rows = map(pick, (parts.test, parts.validation, parts.train))
    if not train_rows:
        raise InputError(f"{path}: every slice left for training is a copy of another; add slices")
    copies = [
        (slices.names[row], f"the same slice as {slices.names[first[content(row)]]}")
        for row in rows
        if first[content(row)] != row
    ]
    pixels = resize_slices(slices.pixels, size)
    return SliceSplits(
        pixels[train_rows], pixels[validation_rows], pixels[test_rows], (*skipped, *copies)
    )


def _published(path: Path, size: int, validation: int, test: int) -> SliceSplits:
    """The authors' split, with the last training slices used for validation."""
    kept, skipped = [], []
    for key in PUBLISHED:
        slices = read_slices(path, key=key)
        rows, left_out = _varying(path, slices)
        kept.append(resize_slices(slices.pixels, size)[rows])
        skipped += left_out
    trained = len(kept[0]) - validation
    if trained < 1:
        raise InputError(
            f"{path}: data_train holds {len(kept[0])} slices, which leaves none for training after "
            f"validation={validation}; ask for fewer"
        )
    return SliceSplits(kept[0][:trained], kept[0][trained:], kept[1][:test], tuple(skipped))


def _varying(path: Path, slices: Slices) -> tuple[list[int], tuple[tuple[str, str], ...]]:
    """Numbers of the slices that are not constant, and (name, reason) of the others."""
    reasons = [constant(pixels) for pixels in slices.pixels]
    if all(reasons):
        raise InputError(f"{path}: all slices are constant; the first {reasons[0]}")
    rows = [row for row, reason in enumerate(reasons) if not reason]
    skipped = zip(slices.names, reasons, strict=True)
    return rows, tuple((name, reason) for name, reason in skipped if reason)
