"""Checks that readers make before they open a file or allocate memory."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from theta0.errors import InputError, note


def named(path: str | Path) -> Path:
    """Return `path` as a `Path`, of which the system can say whether it is there.

    Raises:
        InputError: No file can have such a name.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except (OSError, ValueError) as error:  # too long, or with a zero in it
        why = getattr(error, "strerror", None) or reason(error)
        raise InputError(
            f"{str(path)[:80]!r}...: no file can be called so ({why}); check the path"
        ) from error
    return Path(path)


def existing_file(path: str | Path) -> Path:
    """Return `path` as a `Path`.

    Raises:
        InputError: There is no regular file of that name.
    """
    path = named(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a file")
    if not path.is_file():
        if path.exists():  # reading it might never end
            raise InputError(f"{path}: is a pipe, socket or device; give a file")
        raise InputError(f"{path}: no such file; check the path")
    return path


def existing_folder(path: str | Path) -> Path:
    """Return `path` as a `Path`.

    Raises:
        InputError: There is no folder of that name.
    """
    path = named(path)
    if path.is_file():
        raise InputError(f"{path}: is a file; give a folder")
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; check the path")
    return path


_LEAST_SUSPECT, _MOST_EXPANSION = 1 << 26, 300
"""What grows beyond this many bytes, and by more than this factor, is of one value, or a bomb."""


def check_expansion(source: object, stored: int, expanded: int) -> None:
    """Refuse what would grow out of all proportion when it is decompressed.

    Args:
        source: What it is, for errors.
        stored: Bytes in the file.
        expanded: Bytes that its header declares.

    Raises:
        InputError: It would.
    """
    if expanded > _LEAST_SUSPECT and expanded > _MOST_EXPANSION * stored:
        raise InputError(
            f"{source}: {stored:,} bytes would grow to {expanded:,}, more than {_MOST_EXPANSION} "
            "times as many; it is truncated or forged, or else save it uncompressed"
        )


def visible_files(folder: Path, hidden: bool = False) -> Iterator[Path]:
    """The files in a folder and its subfolders, without hidden folders; linked ones count once.

    Args:
        folder: Searched.
        hidden: Also list hidden files.
    """
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:  # a link to a parent folder would never end
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that the same one of two links to a folder is always followed.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in files if hidden or not name.startswith("."))


def note_left_out(folder: Path, files: Sequence[Path], what: str) -> None:
    """Note the files below a folder that are left out, if there are any; `what` says which."""
    if files:
        name = min(files).relative_to(folder).as_posix()
        note(f"{folder}: {len(files)} {what} are left out, such as {name}")


def reason(error: BaseException) -> str:
    """Summarize an exception of another library on one line."""
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:200].rstrip(".")
