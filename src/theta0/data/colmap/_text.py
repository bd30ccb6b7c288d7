"""Reads cameras, images and points from COLMAP's text files."""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from theta0.data._files import existing_file, reason
from theta0.data.colmap._records import ImageRecord, PointRecord, check_model, lens_of
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines without comments; files shorter than their declared length are refused.

    Bytes that are not UTF-8, as in names that COLMAP wrote on Windows, are kept as surrogates.
    """
    check_memory(path, existing_file(path).stat().st_size, MAX_BYTES, "use a smaller model")
    declared, found = 0, 0
    with path.open("rb") as file:
        wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    how = ("utf-16", "replace") if wide else ("utf-8-sig", "surrogateescape")
    with path.open(encoding=how[0], errors=how[1]) as file:
        for number, line in enumerate(file, start=1):
            if not line.startswith("#"):
                found += 1
                yield number, line.strip()
            elif match := re.match(r"# Number of (\w+): (\d{1,12})", line):
                declared = int(match[2])
                if match[1] == "images":  # two lines each; an editor may have cut the last, empty
                    declared = 2 * declared - 1
    if found < declared:
        raise InputError(
            f"{path}: declares {declared} lines and has {found}; it is truncated: copy it again"
        )


@contextmanager
def _errors_name(path: Path, number: int, line: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (ValueError, IndexError, OverflowError) as error:
        raise InputError(
            f"{path}, line {number}: {line[:60]!r} is not an entry of a COLMAP model "
            f"({reason(error)}); copy the file again, or write the model again"
        ) from error


def text_cameras(path: Path) -> dict[int, dict[str, float]]:
    lenses = {}
    for number, line in _lines(path):
        if line:
            with _errors_name(path, number, line):
                name, model, width, height, *parameters = line.split()
                check_model(model, path)
                sizes, values = (int(width), int(height)), [float(word) for word in parameters]
                lenses[int(name)] = lens_of(model, *sizes, values, path)
    return lenses


def text_images(path: Path) -> Iterator[ImageRecord]:
    lines = _lines(path)
    for number, line in lines:
        if not line:
            continue
        with _errors_name(path, number, line):
            words = line.split(maxsplit=9)
            pose, camera, name = [float(word) for word in words[1:8]], int(words[8]), words[9]
        number, line = next(lines, (number + 1, ""))
        with _errors_name(path, number, line):
            seen = np.array(line.split(), np.float64).reshape(-1, 3)
            if not (np.abs(seen) < 2**53).all():
                raise ValueError("numbers must be finite")
            points = seen[:, 2].astype(np.int64)
        yield ImageRecord(pose[:4], pose[4:], camera, name, seen[:, :2], points)


def text_points(path: Path) -> Iterator[PointRecord]:
    for number, line in _lines(path):
        if line:
            with _errors_name(path, number, line):
                words = line.split()
                rgb = [int(word) for word in words[4:7]]
                if len(rgb) != 3 or not all(0 <= value < 256 for value in rgb):
                    raise ValueError("colours are three bytes")
                if not abs(int(words[0])) < 1 << 63:
                    raise ValueError("numbers of points have 64 bits")
                xyz, track = [float(word) for word in words[1:4]], words[8::2]
                yield PointRecord(int(words[0]), xyz, rgb, len(set(track)))
