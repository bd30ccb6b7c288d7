"""Reads single tags of a DICOM file; an empty one counts as absent, a wrong one is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from theta0.data._files import reason
from theta0.data.ct._dicom_files import errors_name
from theta0.errors import InputError


class Tags:
    """The tags of a file, read one by one, so that errors name the one that is wrong."""

    def __init__(self, file: Path, datasets: Sequence[Any]):
        """Tags of the first of `datasets` that has them."""
        self._file, self._datasets = file, tuple(datasets)

    def get(self, keyword: str) -> Any:
        """The value; None if it is absent or empty."""
        for dataset in self._datasets:
            try:
                with errors_name(self._file):
                    value = dataset.get(keyword)
            except InputError as error:
                raise self._wrong(keyword, reason(error.__cause__ or error)) from error
            value = value.strip() if isinstance(value, str) else value
            if value is not None and not (hasattr(value, "__len__") and len(value) == 0):
                return value
        return None

    def text(self, keyword: str) -> str:
        """The value as text, "" if there is none."""
        value = self.get(keyword)
        return "" if value is None else str(value).strip()

    def number(self, keyword: str) -> float | None:
        """The value as a finite number."""
        found = self.numbers(keyword, 1)
        return None if found is None else found[0]

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """The values as `count` finite numbers."""
        value = self.get(keyword)
        if value is None:
            return None
        values = [value] if isinstance(value, str | bytes | int | float) else value
        try:
            found = tuple(float(one) for one in values)
        except (TypeError, ValueError) as error:
            raise self._wrong(keyword, f"it is {str(value)[:60]!r}") from error
        if len(found) != count or not np.isfinite(found).all():
            raise self._wrong(keyword, f"it is {str(value)[:60]}, not {count} finite numbers")
        return found

    def whole(self, keyword: str, least: int) -> int | None:
        """The value as a whole number of at least `least`."""
        number = self.number(keyword)
        if number is not None and (number != int(number) or number < least):
            raise self._wrong(keyword, f"it is {number:g}, not a whole number from {least} on")
        return None if number is None else int(number)

    def groups(self, keyword: str) -> list[Any]:
        """The data sets of a sequence."""
        value = self.get(keyword)
        if value is None or isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
            return []
        return [item for item in value if hasattr(item, "get")]

    def _wrong(self, keyword: str, why: str) -> InputError:
        return InputError(f"{self._file}: its tag {keyword} cannot be read: {why}; correct the tag")
