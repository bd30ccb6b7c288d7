"""Files that survive a kill: atomic writes, and a log of JSON lines that tolerates a torn end."""

import contextlib
import errno
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from theta0.errors import InputError
from theta0.locks import lock

_TEMPORARY = ".theta0-{}.tmp"
"""Names of files that are not finished"""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Opens a file that is replaced as a whole: it holds the old content until the block ends well.

    The bytes go to a temporary file in the same folder (a rename is atomic only inside one file
    system), reach the disk, and take the name by `os.replace`. On failure the temporary file is
    removed and the old content stays. Missing folders are made. The temporary file is locked, so
    that `remove_leftovers` knows it from one whose process was killed.

    Args:
        path: The file to write.

    Yields:
        The temporary file, open for writing.

    Raises:
        OSError: The file cannot be written, which the error names; the old one is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, file = _open_temporary(path.parent)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        # BaseException: Ctrl-C during a long write must not leave the temporary file either.
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(temporary)):
            # Of a full disk, a write does not say where it was.
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    _sync_folder(path.parent)


def _open_temporary(folder: Path) -> tuple[Path, IO[bytes]]:
    """A new file, locked."""
    while True:
        # A short name of its own: the target's name may already be as long as the system allows.
        path = folder / _TEMPORARY.format(secrets.token_hex(8))
        # "x" refuses an existing file and, unlike `tempfile`, leaves the permissions to the umask.
        file = open(path, "xb")
        with contextlib.suppress(OSError):
            # Before it was locked, it looked like a leftover.
            if not lock(file.fileno()) or not path.exists():
                file.close()
                path.unlink(missing_ok=True)
                continue
        return path, file


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files and folders of processes that were killed; never those of a live one.

    Args:
        folder: Where they lie; it need not exist.
    """
    for path in folder.glob(_TEMPORARY.format("*")):
        # Another process may remove it first, or a file system may know no locks.
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                if lock(descriptor):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A new folder that appears as a whole, when the block ends well, or not at all.

    Args:
        folder: It must not exist. Missing ones above it are made.

    Yields:
        A folder beside it, to be filled (a rename is atomic only inside one file system); it takes
        the name at the end, and on failure is removed with all it holds.

    Raises:
        OSError: It cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / _TEMPORARY.format(secrets.token_hex(8))
    try:
        temporary.mkdir()
        with _held(temporary):
            yield temporary
            os.rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock a folder, where the system can (not on Windows)."""
    descriptor = None
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        lock(descriptor)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Replaces a file as a whole: at any moment it holds the old content or the new one.

    Args:
        path: The file to write; see `replacing`.
        data: Its whole content.

    Returns:
        The path.

    Raises:
        OSError: The file cannot be written; the old one is untouched.
    """
    with replacing(path) as file:
        file.write(data)
    return Path(path)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Replaces a text file (UTF-8, line ends as given) atomically; see `write_bytes`."""
    return write_bytes(path, text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> Path:
    """Replaces a JSON file atomically; see `write_bytes`.

    NumPy and JAX scalars and arrays become numbers and lists, paths become strings, and NaN or
    infinity becomes null: JSON has no word for them, and other readers refuse the file.

    Args:
        path: The file to write.
        value: Dicts with string keys, sequences, numbers, strings, booleans, None.

    Raises:
        TypeError: The value holds something JSON cannot say.
    """
    return write_text(path, json.dumps(_plain(value), indent=2, allow_nan=False) + "\n")


def json_line(value: Any) -> str:
    """A value as one line of JSON; see `write_json`."""
    return json.dumps(_plain(value), allow_nan=False)


def append_jsonl(path: str | os.PathLike[str], record: dict[str, Any]) -> None:
    """Appends one record as one line, in one write.

    A line that an earlier kill tore is removed first: otherwise the new record would be glued to
    it and both would be lost. One process at a time writes a log.

    Args:
        path: The log; it is made, with its folders, if it does not exist.
        record: Values as for `write_json`.
    """
    path = Path(path)
    line = json_line(record).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    _mend(path)
    with open(path, "ab", buffering=0) as file:
        if file.write(line) != len(line):  # a full disk may take a part without an error
            raise OSError(errno.ENOSPC, "the record was written in part", str(path))


def read_jsonl(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Reads a log of JSON lines; a torn last line is left out.

    Args:
        path: A file written by `append_jsonl`; a missing file is an empty log.

    Returns:
        The records, in order.

    Raises:
        InputError: A line other than the last is not a JSON object: the file is damaged.
    """
    path = Path(path)
    if not path.exists():
        return []
    *lines, tail = path.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _parse(line)
        if record is None:
            raise InputError(f"{path}, line {number}, is not a JSON object: {line[:60]!r}")
        records.append(record)
    last = _parse(tail)
    return records if last is None else [*records, last]


def _parse(line: bytes) -> dict[str, Any] | None:
    """Returns the object a line holds, or None; a torn object never parses, it lacks its brace."""
    try:
        record = json.loads(line)
    # UnicodeDecodeError, which is a ValueError, too: the tear may go through a character.
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _mend(path: Path) -> None:
    """Makes a log end with a line end: completes a whole last line, removes a torn one."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        content = file.read()
        start = content.rfind(b"\n") + 1
        if _parse(content[start:]) is None:
            file.truncate(start)
        else:
            file.write(b"\n")


def sync(path: Path) -> None:
    """Makes what was appended to a file, and its name, survive a power cut; it need not exist."""
    if path.exists():
        with open(path, "r+b") as file:
            os.fsync(file.fileno())
        _sync_folder(path.parent)


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        InputError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise InputError(f"{path}: not a file of theta0: it is nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _plain(value: Any) -> Any:
    """Returns the value in JSON's own types."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy and JAX arrays and scalars, without importing either
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut, where the system can (not on Windows)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
