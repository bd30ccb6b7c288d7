"""Reads cameras, images and points from COLMAP's binary files, after checks of all sizes."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from theta0.data._files import existing_file
from theta0.data.colmap._records import (
    MODELS,
    PARAMETERS,
    ImageRecord,
    PointRecord,
    check_model,
    lens_of,
)
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

_LONGEST_NAME = 4096
_OBSERVATION = np.dtype([("pixel", "<f8", 2), ("point", "<i8")])


class _Bytes:
    """A cursor in a binary file; missing data raise an error before memory is allocated."""

    def __init__(self, path: Path):
        check_memory(path, existing_file(path).stat().st_size, MAX_BYTES, "use a smaller model")
        self._path, self._data, self._at = path, path.read_bytes(), 0

    def count(self, what: str, least_bytes: int) -> int:
        """The number of entries that follow."""
        (number,) = self.numbers("<Q")
        if number * least_bytes > len(self._data) - self._at:
            raise self._error(f"is truncated or damaged: declares {number} {what}")
        return number

    def numbers(self, layout: str) -> tuple[Any, ...]:
        """Numbers in a layout of `struct`."""
        at = self._advance(struct.calcsize(layout))
        return struct.unpack_from(layout, self._data, at)

    def array(self, dtype: np.dtype, count: int) -> np.ndarray:
        """An array of one dtype."""
        return np.frombuffer(self._data, dtype, count, self._advance(count * dtype.itemsize))

    def name(self) -> str:
        """A null-terminated string; bytes that are not UTF-8 are kept as surrogates."""
        end = self._data.find(b"\0", self._at, self._at + _LONGEST_NAME)
        if end < 0:
            raise self._error("has a name without an end")
        start = self._advance(end + 1 - self._at)
        return self._data[start:end].decode("utf-8", "surrogateescape")

    def end(self) -> None:
        """Check that nothing follows."""
        if self._at != len(self._data):
            raise self._error("continues after its last entry")

    def _advance(self, size: int) -> int:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise self._error("is truncated")
        return start

    def _error(self, what: str) -> InputError:
        return InputError(
            f"{self._path}: {what} (it has {len(self._data)} bytes); copy it again, or write the "
            "model again"
        )


def binary_cameras(path: Path) -> dict[int, dict[str, float]]:
    data, lenses = _Bytes(path), {}
    for _ in range(data.count("cameras", 24)):
        number, model, width, height = data.numbers("<IiQQ")
        name = MODELS[model] if 0 <= model < len(MODELS) else f"number {model}"
        check_model(name, path)
        parameters = data.numbers(f"<{len(PARAMETERS[name].split())}d")
        lenses[number] = lens_of(name, width, height, parameters, path)
    data.end()
    return lenses


def binary_images(path: Path) -> Iterator[ImageRecord]:
    data = _Bytes(path)
    for _ in range(data.count("images", 73)):
        _, *pose, camera = data.numbers("<I7dI")
        name = data.name()
        seen = data.array(_OBSERVATION, data.count("observations", _OBSERVATION.itemsize))
        yield ImageRecord(pose[:4], pose[4:], camera, name, seen["pixel"], seen["point"])
    data.end()


def binary_points(path: Path) -> Iterator[PointRecord]:
    """The points, each with the number of images in which it is seen."""
    data = _Bytes(path)
    for _ in range(data.count("points", 51)):
        number, *values = data.numbers("<q3d3Bd")
        track = data.array(np.dtype("<u4"), 2 * data.count("observations", 8))
        yield PointRecord(number, values[:3], values[3:6], len(set(track[::2].tolist())))
    data.end()
